"""Reading the segments of a journal: line by line, while they are written, and whatever became of them.

Reads only what is certain. In a segment whose writer lives, a gap may be a line in the making, so reading
stops there; what is passed over as torn or damaged is counted, never silently dropped.
"""

import fcntl
import io
import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias, cast

import orjson

from agent_trace.errors import SegmentDamaged
from agent_trace.recording.journal.header import HEADER_BYTES, Header, decode_header, encode_header
from agent_trace.recording.journal.layout import has_writer, is_live, list_segments
from agent_trace.recording.journal.segment import MAX_LINE_BYTES

__all__ = [
    "Chunk",
    "Header",
    "is_live",
    "list_segments",
    "parse_line",
    "read_header",
    "read_lines",
    "trim_dead",
]

Record: TypeAlias = dict[str, Any]

_MAX_BLOCK_BYTES = 2 * MAX_LINE_BYTES
_TRIM_STEP_BYTES = 1 << 20
_RECORD_START = b'{"v":'
_BRACE = ord("{")
_MAX_SALVAGE_TRIES = 100


@dataclass
class Chunk:
    """What one read found. `lines` are (offset in the file, line with its newline), `records` the same parsed.

    `position` is where to go on. `torn` counts places where a line was begun and not finished, `damaged`
    those that hold something that no journal wrote. `gaps` tells them by place: (where the stretch ends, torn,
    damaged), so that whoever stops in the middle of a chunk knows what lies before.
    """

    lines: list[tuple[int, bytes]] = field(default_factory=list)
    position: int = 0
    torn: int = 0
    damaged: int = 0
    records: list[Record] = field(default_factory=list)
    gaps: list[tuple[int, int, int]] = field(default_factory=list)


def read_header(path: Path) -> Header:
    """The header of a segment.

    Raises StoreTooNew when a newer version wrote it, SegmentDamaged when it cannot be read (its records
    still can), FileNotFoundError when it was removed.
    """
    with open(path, "rb") as file:
        return decode_header(file.read(HEADER_BYTES), path)


def parse_line(line: bytes) -> Record | None:
    """The record that a line holds; None when it holds none."""
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return record if type(record) is dict and line[0] == _BRACE else None


Parse = Callable[[bytes], Record | None]


def read_lines(path: Path, position: int, max_bytes: int = 4 << 20, parse: Parse = parse_line) -> Chunk:
    """The whole lines from `position` on, about `max_bytes` of them and at least one if there is one.

    Start with 0 and go on with `Chunk.position`. A segment that was removed has no lines. `parse` is given each line.
    Raises PermissionError for the segment of another user.
    """
    position = max(position, HEADER_BYTES)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return Chunk(position=position)
    try:
        if position >= os.fstat(fd).st_size:
            return Chunk(position=position)
        # Whether the writer lives has to be known before its bytes are read: afterwards, it may have
        # finished a line and died in between.
        return _read(fd, position, max_bytes, has_writer(fd), parse)
    finally:
        os.close(fd)


def trim_dead(path: Path) -> bool:
    """Seal the segment of a process that died and give its unused space back; False if it was not needed.

    Does nothing to a segment whose writer lives, or that this user may not write to.
    """
    try:
        fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return _trim(fd, path)
    except BlockingIOError:
        return False
    finally:
        os.close(fd)


def _read(fd: int, position: int, max_bytes: int, live: bool, parse: Parse) -> Chunk:
    while True:
        block = os.pread(fd, max_bytes, position)
        at_end = len(block) < max_bytes
        chunk = _scan(block, position, live, parse)
        if chunk.position > position or at_end:
            break
        if len(block) >= _MAX_BLOCK_BYTES:
            return _unreadable(position, position + len(block), live)
        max_bytes = min(max_bytes * 4, _MAX_BLOCK_BYTES)
    if live and (chunk.torn or chunk.damaged):
        # The block was copied while it was being written: what looks like a gap with a whole line behind it
        # may have been filled before that line was begun. Only a second look, after the line was seen, tells.
        return _scan(os.pread(fd, chunk.position - position, position), position, live, parse)
    if not live and at_end:
        torn = bool(block[chunk.position - position :].strip(b"\0"))
        chunk.position = position + len(block)
        if torn:
            chunk.torn += 1
            chunk.gaps.append((chunk.position, 1, 0))
    return chunk


def _unreadable(position: int, passed: int, live: bool) -> Chunk:
    """No line in more bytes than any line has."""
    return Chunk(position=position) if live else Chunk(position=passed, damaged=1, gaps=[(passed, 0, 1)])


def _scan(block: bytes, base: int, live: bool, parse: Parse) -> Chunk:
    """The lines of a block. While the writer lives, what is not a line is only passed if a line follows."""
    lines = io.BytesIO(block).readlines()
    if lines and not lines[-1].endswith(b"\n"):
        del lines[-1]
    records = [parse(line) for line in lines]
    if None in records:
        return _scan_gaps(block, base, live, parse)
    *offsets, end = itertools.accumulate(map(len, lines), initial=base)
    return Chunk(list(zip(offsets, lines, strict=True)), end, records=cast("list[Record]", records))


def _scan_gaps(block: bytes, base: int, live: bool, parse: Parse) -> Chunk:
    """The same line by line, where there is something between the lines."""
    chunk = Chunk()
    lines, records = chunk.lines, chunk.records
    start, certain, gaps = 0, -1, 0
    while end := block.find(b"\n", start) + 1:
        line = block[start:end]
        record = parse(line)
        if record is None:
            if certain < 0:
                certain, gaps = start, len(chunk.gaps)
            chunk.gaps.append((base + end, *_tally(block, start, end)))
            start, record = _salvage(block, start, end)
            line = block[start:end]
        if record is not None:
            lines.append((base + start, line))
            records.append(record)
            certain = -1
        start = end
    if live and certain >= 0:
        start = certain
        del chunk.gaps[gaps:]
    chunk.position = base + start
    chunk.torn = sum(torn for _, torn, _ in chunk.gaps)
    chunk.damaged = sum(damaged for _, _, damaged in chunk.gaps)
    return chunk


def _tally(block: bytes, start: int, end: int) -> tuple[int, int]:
    """(1, 0) for a torn stretch, (0, 1) for a damaged one."""
    is_torn = block.find(b"\0", start, end) >= 0
    return int(is_torn), int(not is_torn)


def _salvage(block: bytes, start: int, end: int) -> tuple[int, Record | None]:
    """A whole line at the end of a damaged stretch: behind a gap, or after a newline that was overwritten.

    It cannot be a part of another record: no proper tail of a JSON object is a JSON object.
    """
    candidate = block.rfind(b"\0", start, end) + 1 or start
    for _ in range(_MAX_SALVAGE_TRIES):
        record = parse_line(block[candidate:end])
        if record is not None:
            return candidate, record
        candidate = block.find(_RECORD_START, candidate + 1, end)
        if candidate < 0:
            break
    return start, None


def _trim(fd: int, path: Path) -> bool:
    status = os.fstat(fd)
    used = _used_bytes(fd, status.st_size)
    records, position = 0, HEADER_BYTES
    try:
        header = decode_header(os.pread(fd, HEADER_BYTES, 0), path)
    except SegmentDamaged:
        header = None
    if used == status.st_size and (header is None or header.sealed):
        return False
    while position < used:
        chunk = _read(fd, position, 4 << 20, False, parse_line)
        records, position = records + len(chunk.lines), chunk.position
    if header is not None:
        os.pwrite(
            fd, encode_header(header._replace(sealed=True, records=records, crashed=not header.sealed)), 0
        )
    os.ftruncate(fd, used)
    # Its age is that of its last record, not of this tidying up: retention goes by it.
    os.utime(fd, ns=(status.st_atime_ns, status.st_mtime_ns))
    return True


def _used_bytes(fd: int, size: int) -> int:
    """Where the NUL bytes at the end of the file begin; never inside the header."""
    end = size
    while end > HEADER_BYTES:
        start = max(end - _TRIM_STEP_BYTES, HEADER_BYTES)
        kept = os.pread(fd, end - start, start).rstrip(b"\0")
        if kept:
            return start + len(kept)
        end = start
    return min(size, HEADER_BYTES)
