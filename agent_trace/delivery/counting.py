"""How many records lie in a segment behind a position, without making anything of them."""

import os
from pathlib import Path
from typing import Final, NamedTuple

from agent_trace.delivery.reader import read_header, read_lines
from agent_trace.errors import SegmentDamaged
from agent_trace.recording.journal.header import HEADER_BYTES
from agent_trace.recording.journal.layout import has_writer

_STEP_BYTES: Final = 1 << 20


class Count(NamedTuple):
    """Lines, and places that hold none, as reading them would count them."""

    lines: int = 0
    torn: int = 0
    damaged: int = 0


def count_from(path: Path, position: int) -> Count:
    """What `read_lines` would find from `position` on, up to what is certain. A removed segment has nothing."""
    position, lines, torn, damaged = max(position, HEADER_BYTES), 0, 0, 0
    while True:
        chunk = read_lines(path, position)
        lines, torn, damaged = lines + len(chunk.lines), torn + chunk.torn, damaged + chunk.damaged
        if chunk.position <= position:
            return Count(lines, torn, damaged)
        position = chunk.position


def count_quickly(path: Path, position: int) -> Count:
    """The same in a fiftieth of the time where there is nothing but lines: their ends are counted.

    A line that was damaged since it was written still counts as a line.
    """
    position = max(position, HEADER_BYTES)
    lines = _whole_lines(path, position)
    return count_from(path, position) if lines is None else Count(lines)


def lost_in(path: Path) -> dict[str, int]:
    """What the head of a segment counts as lost, by reason."""
    try:
        return read_header(path).lost
    except (SegmentDamaged, FileNotFoundError, PermissionError):
        return {}


def _whole_lines(path: Path, position: int) -> int | None:
    """The number of lines in the segment of a dead process that ends with one and has no gap, else None."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return 0
    try:
        if has_writer(fd):
            return None
        lines, last = 0, b"\n"
        while block := os.pread(fd, _STEP_BYTES, position):
            if b"\0" in block:
                return None
            lines, last, position = lines + block.count(b"\n"), block[-1:], position + len(block)
        return lines if last == b"\n" else None
    finally:
        os.close(fd)
