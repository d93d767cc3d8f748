"""Where one consumer reads next: the order of the segments, how far each was read, and where delivery begins in it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from agent_trace.delivery.counting import count_quickly
from agent_trace.delivery.forwarding.entry import Entry
from agent_trace.delivery.forwarding.remembered import Place
from agent_trace.delivery.lines import read_line
from agent_trace.delivery.reader import Chunk, is_live, list_segments, parse_line, read_header, read_lines
from agent_trace.delivery.standing.state import Offset
from agent_trace.errors import SegmentDamaged, StoreTooNew
from agent_trace.recording.journal.header import HEADER_BYTES

STEP_BYTES: Final = 256 << 10
"""Little enough that parsing it does not keep the program's threads waiting, and that memory stays flat."""
_TAIL_BYTES: Final = 64 << 10
_CLOCK_SLACK_NS: Final = 60 * 1_000_000_000
"""Threads append in another order than their observations end; by less than this."""


@dataclass(slots=True)
class Cursor:
    """How far a segment was read in memory; the state may be behind, until what was read is settled."""

    path: Path
    position: int = HEADER_BYTES
    is_in_history: bool | None = None
    """None until it was decided; True while everything read was recorded before the consumer's registration."""


class Route:
    """Goes through the segments that a consumer still needs, again and again."""

    def __init__(
        self,
        directory: Path,
        consumer: str,
        since_ns: int,
        offsets: dict[str, Offset],
        report: Callable[[str], None],
    ) -> None:
        self._directory = directory
        self._consumer = consumer
        self._since_ns = since_ns
        self._report = report
        self.finished = {name for name, each in offsets.items() if each.finished}
        self._begun = {name: each for name, each in offsets.items() if not each.finished}
        self._cursors: dict[str, Cursor] = {}
        self._unreadable: set[str] = set()
        self._plan: list[Cursor] = []

    def begin(self, first: Sequence[str] = ()) -> None:
        """Plan a pass: the segments named first, then the oldest first."""
        paths = {path.name: path for path in list_segments(self._directory)}
        self.present: Collection[str] = paths.keys()
        self.finished &= paths.keys()
        order = list(dict.fromkeys([*(name for name in first if name in paths), *paths]))
        self._cursors = {name: self._cursor(paths[name]) for name in order if name not in self.finished}
        self._plan = [each for name, each in self._cursors.items() if name not in self._unreadable]
        self._plan.reverse()

    def unread_bytes(self) -> int:
        """Bytes of this pass that were not read yet, unused space of living segments included."""
        return sum(max(_size(cursor.path) - cursor.position, 0) for cursor in self._plan)

    def is_passed(self, place: Place) -> bool:
        """Whether what lies at a place was read before."""
        cursor = self._cursors.get(place.segment)
        return place.segment in self.finished or (cursor is not None and cursor.position > place.offset)

    def read(self) -> tuple[Cursor, Chunk | Entry | None] | None:
        """The next lines, or an entry for a segment that is all history, or None at the end of a segment.

        At the end of all, None instead of both.
        """
        while self._plan:
            cursor = self._plan[-1]
            if cursor.is_in_history is None and not self._decide(cursor):
                self._plan.pop()
                continue
            history = self._all_history(cursor)
            if history is not None:
                self._plan.pop()
                return cursor, history
            chunk = self._read_on(cursor)
            if chunk is not None:
                return cursor, chunk
            self._plan.pop()
            if not is_live(cursor.path) and cursor.path.exists():
                # Asked again: it may have been written to between the last look and the writer's end.
                chunk = self._read_on(cursor)
                if chunk is not None:
                    self._plan.append(cursor)
                return cursor, chunk
        return None

    def first_after_history(self, cursor: Cursor, chunk: Chunk) -> int:
        """The number of the first line of a chunk that is not history."""
        if not cursor.is_in_history:
            return 0
        for number, record in enumerate(chunk.records):
            if moment_ns(record) >= self._since_ns:
                cursor.is_in_history = False
                return number
        return len(chunk.records)

    def _all_history(self, cursor: Cursor) -> Entry | None:
        """An entry for a whole segment that is history, found without parsing it; None when it may not be."""
        if not cursor.is_in_history or cursor.position > HEADER_BYTES or is_live(cursor.path):
            return None
        last_ns = last_moment_ns(cursor.path)
        if last_ns is None or last_ns >= self._since_ns - _CLOCK_SLACK_NS:
            return None
        count = count_quickly(cursor.path, HEADER_BYTES)
        entry = Entry(cursor.path.name, HEADER_BYTES, _size(cursor.path))
        entry.settle("held_history")
        entry.count, entry.torn, entry.damaged = count
        entry.finishes = True
        cursor.position = max(_size(cursor.path), HEADER_BYTES)
        return entry

    def _cursor(self, path: Path) -> Cursor:
        known = self._cursors.get(path.name)
        if known is not None:
            return known
        offset = self._begun.get(path.name)
        if offset is None:
            return Cursor(path)
        return Cursor(path, max(offset.position, HEADER_BYTES), offset.start is None)

    def _decide(self, cursor: Cursor) -> bool:
        """Whether a segment that is met for the first time can be read; and whether it begins with history."""
        try:
            consumers = read_header(cursor.path).consumers
        except SegmentDamaged:
            consumers = ()
        except (FileNotFoundError, StoreTooNew, PermissionError) as error:
            self._give_up(cursor, error)
            return False
        cursor.is_in_history = self._consumer not in consumers
        return True

    def _read_on(self, cursor: Cursor) -> Chunk | None:
        try:
            # Where history ends is told by when each record was written, openings too.
            parse = parse_line if cursor.is_in_history else read_line
            chunk = read_lines(cursor.path, cursor.position, STEP_BYTES, parse)
        except PermissionError as error:
            self._give_up(cursor, error)
            return None
        if chunk.position <= cursor.position or not (chunk.lines or chunk.torn or chunk.damaged):
            return None
        cursor.position = chunk.position
        return chunk

    def _give_up(self, cursor: Cursor, error: Exception) -> None:
        if not isinstance(error, FileNotFoundError) and cursor.path.name not in self._unreadable:
            self._report(f"{cursor.path.name} cannot be forwarded: {error}")
        self._unreadable.add(cursor.path.name)


def moment_ns(record: dict[str, Any]) -> int:
    """When a record was written, about; 0 when it does not say."""
    for key in ("end_ns", "at_ns", "start_ns"):
        moment = record.get(key)
        if type(moment) is int:
            return moment
    return 0


def last_moment_ns(path: Path) -> int | None:
    """When the last record of a segment was written, about; None when nothing can be read at its end."""
    position = max(_size(path) - _TAIL_BYTES, HEADER_BYTES)
    moments = [moment_ns(record) for record in read_lines(path, position, 2 * _TAIL_BYTES).records]
    return max(moments, default=None)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
