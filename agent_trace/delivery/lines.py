"""Lines of a segment as whoever forwards reads them: an opening is not parsed, what others end with is recognised."""

from typing import Final

from agent_trace.delivery.reader import Record, parse_line

OPENED: Final[Record] = {"kind": "opened"}
"""Stands for an opening that was not parsed: most are followed by their observation, and nothing is sent of them."""

_OPENED_START: Final = b'{"v":1,"kind":"opened","trace_id":"'
_OBSERVATION_START: Final = b'{"v":1,"kind":"observation","trace_id":"'
_IDS_BYTES: Final = len(f'{"0" * 32}","id":"{"0" * 16}"')
_OPENED_HEAD: Final = slice(len(_OPENED_START))
_OPENED_IDS: Final = slice(len(_OPENED_START), len(_OPENED_START) + _IDS_BYTES)
_OBSERVATION_IDS: Final = slice(len(_OBSERVATION_START), len(_OBSERVATION_START) + _IDS_BYTES)
_ENDING_START: Final = b',"type":"'
_NUL: Final = 0
_MOST_ENDING_BYTES: Final = 4096


def read_line(line: bytes) -> Record | None:
    """The record of a line, or `OPENED`; None for what is no record."""
    if line[_OPENED_HEAD] != _OPENED_START:
        return parse_line(line)
    # One whose newline was overwritten holds another record.
    is_whole = line[-2:] == b"}\n" and _NUL not in line and line.find(b'{"v":', 1) < 0
    return OPENED if is_whole else parse_line(line)


def closes(line: bytes, opening: bytes) -> bool:
    """Whether an observation's line is of the same trace and id as an opening's."""
    return line[_OBSERVATION_IDS] == opening[_OPENED_IDS]


def ending(line: bytes) -> bytes:
    """What a line has in common with others of its target: type, name, scope, process (`recording/record.py`).

    Whether these are all that the record holds of them is for the reader to see. b"" when there is none, and
    for a line that tells of these first and of its content after them.
    """
    start = line.rfind(_ENDING_START, -_MOST_ENDING_BYTES)
    return line[start:] if start >= 0 else b""
