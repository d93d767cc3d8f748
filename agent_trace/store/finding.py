"""A text looked for inside one trace, in the bytes of its records: parsed are only those where bytes do not tell."""

import re
import sqlite3
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import orjson

from agent_trace.observation import LEVELS
from agent_trace.store.liveness import Liveness
from agent_trace.store.names import Found
from agent_trace.store.outlines import in_tree_order
from agent_trace.store.reading import Pointer, Reading
from agent_trace.store.records import OFFSET_MASK, SEGMENT_SHIFT

_LINES: Final = """
SELECT record, id, parent_id, opened, level, length, trace, amended
FROM observations WHERE trace = ? ORDER BY start_ns, record
"""
_RECORD, _ID, _OPENED, _LEVEL, _LENGTH, _TRACE, _AMENDED = 0, 1, 3, 4, 5, 6, 7

_MOST_AT_ONCE: Final = 4 << 20
_GAP: Final = 16 << 10
"""What lies between two records is read along with them when it is no more than this."""
_HEAD: Final = b'{"v":1,"kind":"observation","trace_id"'
"""As our own lines begin, in lower case: they have no spaces between their parts."""
_STRING_END: Final = re.compile(rb'(?:[^"\\]|\\.)*"', re.DOTALL)
_STRUCTURE: Final = frozenset('{}[]:,"\\')
_LITERALS: Final = (b"true", b"false", b"null")


class Sought(NamedTuple):
    """A text that is looked for, whatever the case."""

    text: str
    needle: bytes
    """The same as it stands in a line of a journal, apart from the case."""
    is_plain: bool
    """Whether it cannot reach from one value to the next."""
    literals: tuple[bytes, ...]
    """Those of JSON's own words that it is in."""


def find_in_trace(
    connection: sqlite3.Connection,
    reading: Reading,
    liveness: Liveness,
    found: Found,
    text: str,
) -> list[str]:
    """The ids of the observations in which a text stands, in the order of the tree; none for no text."""
    sought = _sought(text)
    if sought is None:
        return []
    lines = connection.execute(_LINES, (found.trace,)).fetchall()
    said = {line[_RECORD] for line in lines if _is_standing(line, sought.text, liveness)}
    said.update(_in_records([line for line in lines if line[_RECORD] not in said], sought, reading))
    return [line[_ID].hex() for _, line, _ in in_tree_order(lines) if line[_RECORD] in said]


def _sought(text: str) -> Sought | None:
    folded = text.casefold()
    try:
        needle = orjson.dumps(folded)[1:-1]
    except orjson.JSONEncodeError:
        # Half a surrogate pair: nothing that was recorded has it.
        return None
    literals = tuple(each for each in _LITERALS if needle in each)
    return Sought(folded, needle, not _STRUCTURE & set(folded), literals) if folded else None


def _is_standing(line: tuple[Any, ...], text: str, liveness: Liveness) -> bool:
    """Whether a text says how an observation stands, as its line in a tree does."""
    state = liveness.state_of(line[_RECORD]) if line[_OPENED] else "finished"
    return text in LEVELS[line[_LEVEL]].lower() or text in state


def _in_records(lines: list[tuple[Any, ...]], sought: Sought, reading: Reading) -> Iterator[int]:
    """Addresses of the records that have the text."""
    for block in _blocks(lines):
        first = block[0][_RECORD]
        size = block[-1][_RECORD] + block[-1][_LENGTH] - first
        content = reading.read_bytes(first >> SEGMENT_SHIFT, first & OFFSET_MASK, size)
        if content is None:
            continue
        lowered = content.lower()
        has_escapes = b"\\u" in lowered or b"\\/" in lowered
        for line in block:
            start = line[_RECORD] - first
            end = start + line[_LENGTH]
            # What was added to it, and letters that are not written as themselves, only the record tells.
            is_told = None
            if not line[_AMENDED] and not (has_escapes and _has_escapes(lowered[start:end])):
                is_told = _is_told(lowered[start:end], content[start:end], sought)
            if is_told or (is_told is None and _is_in(reading.record(_pointer(line)), sought.text)):
                yield line[_RECORD]


def _blocks(lines: list[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    """Lines that lie close to each other, in the order they lie in."""
    block: list[tuple[Any, ...]] = []
    for line in sorted(lines):
        if block:
            end = block[-1][_RECORD] + block[-1][_LENGTH]
            if line[_RECORD] - end > _GAP or line[_RECORD] - block[0][_RECORD] > _MOST_AT_ONCE:
                yield block
                block = []
        block.append(line)
    if block:
        yield block


def _has_escapes(line: bytes) -> bool:
    return b"\\u" in line or b"\\/" in line


def _pointer(line: tuple[Any, ...]) -> Pointer:
    return line[_RECORD], line[_LENGTH], line[_TRACE], line[_ID], line[_AMENDED]


def _is_told(line: bytes, as_written: bytes, sought: Sought) -> bool | None:
    """Whether a value on a line, which is given in lower case, has the text; None: the record has to be asked."""
    if sought.needle not in line:
        # Lower case of bytes is that of ASCII.
        return (
            None
            if not line.isascii() and sought.text in as_written.decode(errors="replace").casefold()
            else False
        )
    if not sought.is_plain or not line.startswith(_HEAD):
        return None
    is_doubtful = not line.isascii()
    at = line.find(sought.needle, len(_HEAD))
    while at >= 0:
        end = _STRING_END.match(line, at + len(sought.needle))
        is_key = end is not None and line.startswith(b":", end.end())
        if not is_key and not _is_escaped(line, at) and not _is_literal(line, at, sought):
            return True
        is_doubtful |= not is_key
        at = line.find(sought.needle, at + 1)
    return None if is_doubtful else False


def _is_escaped(line: bytes, at: int) -> bool:
    """Whether the character there is the second one of an escape such as `\\n`."""
    before = line[:at]
    return before.endswith(b"\\") and (len(before) - len(before.rstrip(b"\\"))) % 2 == 1


def _is_literal(line: bytes, at: int, sought: Sought) -> bool:
    """Whether this looks like one of JSON's own words rather than text."""
    for literal in sought.literals:
        start = at - literal.find(sought.needle)
        if line.startswith(literal, start) and line[start - 1 : start] in (b":", b",", b"["):
            return True
    return False


def _is_in(record: Any, text: str) -> bool:
    """Whether a string or a number of a record has the text; names of fields do not count, nor does what sort of line it is."""
    waiting: list[Any] = [{**record, "kind": None, "v": None}] if record is not None else []
    while waiting:
        each = waiting.pop()
        if type(each) is str:
            if text in each.casefold():
                return True
        elif type(each) is dict:
            waiting.extend(each.values())
        elif type(each) is list:
            waiting.extend(each)
        elif type(each) in (int, float) and text in orjson.dumps(each).decode():
            return True
    return False
