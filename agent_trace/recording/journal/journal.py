"""The journal of one process: append a line, move on to the next segment, count what was lost.

It belongs to one process: a forked child forgets the segment it inherits and opens its own. How one file
looks is `segment.py`'s matter.
"""

import contextlib
import errno
import os
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import monotonic

from agent_trace.recording import forks
from agent_trace.recording.guard import guarded
from agent_trace.recording.hot import Appender
from agent_trace.recording.journal.control import refresh_controls
from agent_trace.recording.journal.eviction import Sweeper
from agent_trace.recording.journal.header import HEADER_BYTES
from agent_trace.recording.journal.losses import Losses
from agent_trace.recording.journal.problems import (
    OnProblem,
    Problems,
    describe,
    describe_too_large,
    reason_of,
)
from agent_trace.recording.journal.segment import MAX_LINE_BYTES, Segment

_CHECK_S = 1.0
"""How often an append looks whether its segment is still where it was."""
_RETRY_S = 0.5
"""How long appends are counted as lost before space or a directory is tried for again."""
_LARGE = 65_536
"""From so many bytes on a view of a line takes less than a copy."""
_WAIT_S = 2.0
"""How long an append waits for one in another thread before it goes to a segment beside it."""


class Journal(Appender):
    """Appends lines of JSON to the segments of a store directory, which the first append creates.

    Any thread may append, a signal handler or a destructor too, also while it interrupts an append.
    `on_segment()` is called when a segment was begun: there will be something to read, by this process. `consumers` are
    the names of those who want to have it, for the head of each segment.
    `on_problem(reason, message)` is called once for each problem until it is resolved.
    """

    def __init__(
        self,
        directory: Path,
        *,
        segment_bytes: int = 8 << 20,
        max_store_bytes: int | None = 5 << 30,
        max_age_s: float | None = None,
        fsync_s: float | None = None,
        service: str = "",
        consumers: tuple[str, ...] = (),
        on_segment: Callable[[], None] | None = None,
        on_problem: OnProblem | None = None,
    ) -> None:
        self.directory = directory
        self._segment_bytes = max(segment_bytes, HEADER_BYTES * 2)
        self._sweeper = Sweeper(directory, max_store_bytes, max_age_s)
        self._fsync_s = fsync_s
        self._begin_segment = partial(Segment.create, directory, service, consumers)
        self._on_segment = on_segment
        self._on_problem = on_problem
        self._start_afresh()
        forks.watch(self)

    def _start_afresh(self) -> None:
        """The state of a process that has written nothing: after construction, and in a forked child."""
        self._lock = threading.RLock()
        self.inside = False
        self.segment: Segment | None = None
        self._beside: list[Journal] = []
        self._sealed_records = 0
        self._losses = Losses()
        self._problems = Problems(self._on_problem)
        self._wait_s = _WAIT_S
        self.syncs = self._fsync_s is not None
        self.check_at = self._retry_at = self._fsync_at = 0.0

    def append_with_care(self, line: bytes) -> bool:
        """Write one line, whether there is room for it yet or not."""
        if self.inside:
            return self._append_while_taken(line)
        with self._lock:
            self.inside = True
            try:
                segment = self.segment
                due = monotonic() >= self.check_at
                if segment is None or due or segment.position + len(line) > segment.limit:
                    segment = self._segment_with_room(len(line))
                if segment is not None:
                    start = segment.position
                    end = start + len(line)
                    # The order matters. The position first: an exception that a signal handler raises between two of
                    # these steps leaves a hole that readers skip, never two lines in one place. The first byte last:
                    # until it is there, readers wait.
                    segment.position = end
                    mapping = segment.mapping
                    if mapping is None:  # a signal handler forked in the middle of this, and we are the child
                        return True
                    mapping[start + 1 : end] = line[1:] if len(line) < _LARGE else memoryview(line)[1:]
                    mapping[start] = line[0]
                    segment.records += 1
                    if self._fsync_s is not None and monotonic() >= self._fsync_at:
                        self._fsync_at = monotonic() + self._fsync_s
                        self.sync()
                    return True
            finally:
                self.inside = False
        self._problems.tell()
        return False

    def count_lost(self, reason: str, count: int = 1) -> None:
        """Count observations that were not recorded, here and for the ledger of the store."""
        held = self._lock.acquire(timeout=_WAIT_S)
        try:
            self._losses.add(reason, count, self.segment)
        finally:
            if held:
                self._lock.release()

    @property
    def recorded(self) -> int:
        """Lines that this process has appended."""
        current = self.segment.records if self.segment is not None else 0
        return self._sealed_records + current + sum(journal.recorded for journal in self._beside)

    @property
    def lost(self) -> dict[str, int]:
        """Observations that this process could not record, by reason."""
        total = Counter(self._losses.total)
        for journal in self._beside:
            total.update(journal.lost)
        return dict(total)

    @property
    def problem(self) -> str | None:
        """Why nothing can be recorded now, in words; None when all is well."""
        return self._problems.standing[1] if self._problems.standing is not None else None

    @property
    def path(self) -> Path | None:
        """The segment that is written to now."""
        return self.segment.path if self.segment is not None else None

    def open_ends(self) -> dict[str, int]:
        """The segments that are written to now, by file name, with where the last record of each ends."""
        segment = self.segment
        ends = {} if segment is None else {segment.path.name: segment.used}
        for journal in self._beside:
            ends |= journal.open_ends()
        return ends

    def sync(self) -> None:
        """Wait until everything appended so far is on the disk, not just in the page cache."""
        segment = self.segment
        if segment is not None:
            with contextlib.suppress(OSError, ValueError):
                segment.sync()

    def close(self) -> None:
        """Seal the segment and give its unused space back. A later append opens another."""
        for journal in self._beside:
            journal.close()
        if not self._lock.acquire(timeout=_WAIT_S):
            return
        try:
            # Closed by a handler in the middle of an append: that append still needs the mapping.
            if not self.inside:
                self._close()
        finally:
            self._lock.release()

    def _close(self) -> None:
        if self.segment is None and self._losses.untold:
            with contextlib.suppress(OSError):
                self._open(0)
        if self.segment is not None:
            self._seal(self.segment)
            self._sweeper.at_close()

    def _append_while_taken(self, line: bytes) -> bool:
        """Append although an append is under way: in another thread, or further down this very stack.

        The latter goes to a segment beside: a reader may conclude from a whole line behind a hole that the
        hole will never be filled, which only holds when lines are finished in the order they were begun.
        """
        if self._lock.acquire(timeout=self._wait_s):
            self._wait_s = _WAIT_S
            try:
                if not self.inside:
                    return self.append(line)
            finally:
                self._lock.release()
        else:  # a thread that the end of the interpreter froze, or a disk that hangs: not for every append
            self._wait_s = 0.0
        if not self._beside:
            # Without a lock, which a handler could wait for in vain: two at once both use the first.
            twin = Journal.__new__(Journal)  # what is not among its `vars` is what begins afresh
            vars(twin).update(vars(self), _on_segment=None)
            twin._start_afresh()
            forks.watch(twin)
            self._beside.append(twin)
        return self._beside[0].append(line)

    def _segment_with_room(self, line_bytes: int) -> Segment | None:
        """The segment to write to, after whatever that takes; None if the line is lost."""
        if line_bytes > MAX_LINE_BYTES:
            self._lose("too_large", describe_too_large(line_bytes, MAX_LINE_BYTES, self.directory))
            return None
        now = monotonic()
        try:
            segment = self._still_in_place(now)
            if segment is not None and segment.has_room(line_bytes):
                return segment
            if self._problems.standing is None or now >= self._retry_at:
                return self._make_room(segment, line_bytes)
        except OSError as error:
            self._retry_at = now + _RETRY_S
            self._problems.standing = reason_of(error), describe(error, self.directory)
        if self._problems.standing is not None:
            self._lose(*self._problems.standing)
        return None

    def _lose(self, reason: str, message: str) -> None:
        self.count_lost(reason)
        self._problems.note(reason, message)

    def _still_in_place(self, now: float) -> Segment | None:
        """The current segment; a new one with its last lines if somebody removed it (or the store)."""
        segment = self.segment
        if segment is None or now < self.check_at:
            return segment
        self.check_at = now + _CHECK_S
        if segment.in_place():
            return segment
        last_lines = segment.unconfirmed()
        count = last_lines.count(b"\n")
        self._sealed_records += segment.records - count
        self.segment = None
        segment.abandon()
        try:
            return self._open(len(last_lines), last_lines)
        except OSError:
            if count:
                self.count_lost("removed", count)
            raise

    def _make_room(self, segment: Segment | None, line_bytes: int) -> Segment:
        if segment is not None and segment.used + line_bytes <= self._segment_bytes:
            try:
                segment.grow(line_bytes, self._segment_bytes)
            except OSError as error:
                if error.errno != errno.EFBIG or not segment.records:
                    raise
            else:
                self._problems.resolve()
                return segment
        if segment is not None:
            self._seal(segment)
            self._sweeper.at_rotation(segment.used)
        return self._open(line_bytes)

    def _open(self, line_bytes: int, first_lines: bytes = b"") -> Segment:
        segment = self._begin_segment(self._losses.untold, line_bytes)
        if segment.pid != os.getpid():  # forked by a signal handler while it was being made
            segment.abandon()
            segment = self._begin_segment(self._losses.untold, line_bytes)
        self._losses.were_told()
        if first_lines:
            segment.append_lines(first_lines)
        self.segment = segment
        self._problems.resolve()
        refresh_controls()
        if self._on_segment is not None:
            with guarded("beginning to deliver"):
                self._on_segment()
        return segment

    def _seal(self, segment: Segment) -> None:
        self.segment = None
        self._sealed_records += segment.records
        segment.seal(durable=self._fsync_s is not None)

    def forget_parent(self) -> None:
        """In a forked child: the segment is the parent's."""
        inherited = self.segment
        self._start_afresh()
        if inherited is not None:
            inherited.abandon()
