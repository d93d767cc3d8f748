"""Lines of a segment as whoever forwards reads them: an opening is not parsed, what others end with is recognised."""

from typing import Final

from agent_trace.delivery.reader import Record, parse_line

OPENED: Final[Record] = {"kind": "opened"}
"""Stands for an opening that was not parsed: most are followed by their observation, and nothing is sent of them."""

_OPENED_START: Final = b'{"v":1,"kind":"opened","trace_id":"'
_OBSERVATION_START: Final = b'{"v":1,"kind":"observation","trace_id":"'
_IDS_BYTES: Final = len(f'{"0" * 32}","id":"{"0" * 16}"')
_ENDING_START: Final = b',"type":"'


def read_line(line: bytes) -> Record | None:
    """The record of a line, or `OPENED`; None for what is no record."""
    if line.startswith(_OPENED_START) and line.endswith(b"}\n") and b"\0" not in line:
        # One whose newline was overwritten holds another record.
        return OPENED if line.find(b'{"v":', 1) < 0 else parse_line(line)
    return parse_line(line)


def closes(line: bytes, opening: bytes) -> bool:
    """Whether an observation's line is of the same trace and id as an opening's."""
    start, begun = len(_OBSERVATION_START), len(_OPENED_START)
    return line[start : start + _IDS_BYTES] == opening[begun : begun + _IDS_BYTES]


def ending(line: bytes) -> bytes:
    """What a line has in common with others of its target: type, name, scope, process (`recording/record.py`).

    Whether these are all that the record holds of them is for the reader to see. b"" when there is none.
    """
    start = line.rfind(_ENDING_START)
    return line[start:] if start >= 0 else b""
