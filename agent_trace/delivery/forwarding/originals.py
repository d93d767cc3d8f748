"""Finding observations that were written long before what amends them, by searching the bytes of the journal.

Nothing is indexed for this: most amendments follow their observation within a few records. The search goes back
from the amendment, through its own process's segments first, and gives up after a bounded number of bytes.
"""

import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import orjson

from agent_trace.delivery.amending import Record
from agent_trace.delivery.forwarding.remembered import Key, Place
from agent_trace.delivery.reader import list_segments
from agent_trace.recording.journal.header import HEADER_BYTES

_STEP_BYTES: Final = 1 << 20
_MOST_STEP_BYTES: Final = 128 << 20
_MOST_BYTES: Final = 64 << 20
_ID: Final = re.compile(rb'"id":"([0-9a-f]{16})"')


@dataclass(slots=True)
class Original:
    """An observation, where it lies, and what amended it between there and where the search began."""

    place: Place | None = None
    record: Record = field(default_factory=dict)
    amendments: list[Record] = field(default_factory=list)


def find_originals(
    directory: Path, wanted: Collection[Key], segment: str, position: int
) -> dict[Key, Original]:
    """The observations of these keys that lie before a position of a segment; those not found are absent."""
    found = {key: Original() for key in wanted}
    missing = set(wanted)
    left_bytes = _MOST_BYTES
    for path, end in _backwards(directory, segment, position):
        for start, block in _blocks(path, end):
            _search(path.name, start, block, found, missing)
            left_bytes -= len(block)
            if not missing or left_bytes <= 0:
                return {key: each for key, each in found.items() if each.place is not None}
    return {key: each for key, each in found.items() if each.place is not None}


def _backwards(directory: Path, segment: str, position: int) -> Iterator[tuple[Path, int]]:
    """The segment up to the position, then older ones: those of the same process first."""
    paths = [path for path in list_segments(directory) if path.name <= segment]
    pid = _pid(segment)
    for path in sorted(
        paths, key=lambda path: (path.name == segment, _pid(path.name) == pid, path.name), reverse=True
    ):
        try:
            yield path, position if path.name == segment else path.stat().st_size
        except FileNotFoundError:
            continue


def _pid(segment: str) -> str:
    return segment.split("-")[1] if segment.count("-") >= 2 else ""


def _blocks(path: Path, end: int) -> Iterator[tuple[int, bytes]]:
    """Stretches of whole lines, the last first."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return
    try:
        step = _STEP_BYTES
        while end > HEADER_BYTES:
            start = max(end - step, HEADER_BYTES)
            block = os.pread(fd, end - start, start)
            head = 0 if start == HEADER_BYTES else block.find(b"\n") + 1
            if start > HEADER_BYTES and not 0 < head < len(block) and step < _MOST_STEP_BYTES:
                step *= 4  # one long line: it has to be read from its beginning
                continue
            yield start + head, block[head:]
            step, end = _STEP_BYTES, start + head if head else start
    finally:
        os.close(fd)


def _search(segment: str, base: int, block: bytes, found: dict[Key, Original], missing: set[Key]) -> None:
    ids = {id.encode() for _, id in found}
    hits = [match.start() for match in _ID.finditer(block) if match[1] in ids]
    last_start = -1
    for hit in reversed(hits):
        start = max(block.rfind(b"\n", 0, hit), block.rfind(b"\0", 0, hit)) + 1
        end = block.find(b"\n", hit) + 1
        if start == last_start or not end:
            continue
        last_start = start
        _take(Place(segment, base + start, end - start), block[start:end], found, missing)


def _take(place: Place, line: bytes, found: dict[Key, Original], missing: set[Key]) -> None:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return
    if not isinstance(record, dict):
        return
    trace_id, id = record.get("trace_id"), record.get("id")
    key = (trace_id, id) if isinstance(trace_id, str) and isinstance(id, str) else None
    original = found.get(key) if key is not None else None
    if key is None or original is None or original.place is not None:
        return
    if record.get("kind") == "observation":
        original.place, original.record = place, record
        missing.discard(key)
    elif record.get("kind") == "amendment":
        original.amendments.insert(0, record)
