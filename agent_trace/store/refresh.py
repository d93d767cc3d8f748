"""Bringing the index up to date with the journal: which segments have news, and in which order they are read.

Newest segments first, so that what just happened can be seen while years of history are still being read.
Each batch is one transaction that also moves the segment's position: whoever is killed in between leaves
the batch either in the index with its position, or not at all.
"""

import gc
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from agent_trace.delivery.reader import Chunk, is_live, list_segments, read_header, read_lines, trim_dead
from agent_trace.errors import SegmentDamaged
from agent_trace.store.index import Index
from agent_trace.store.ingest import read_batch, write_batch
from agent_trace.store.records import SEGMENT_SHIFT, Address, Record, Shelf, parse, segment_time
from agent_trace.store.repricing import match_prices
from agent_trace.store.retention import forget

BATCH_BYTES: Final = 8 << 20
Progress = Callable[[int, int], None]


class Segment(NamedTuple):
    """A segment as the index knows it."""

    number: int
    name: str
    position: int
    finished: bool


def refresh(index: Index, directory: Path, shelf: Shelf, progress: Progress | None = None) -> int:
    """Read what is new into the index, newest segments first; gives the number of records read."""
    paths = {path.name: path for path in list_segments(directory)}
    _match_with_disk(index, shelf, paths)
    match_prices(index)
    waiting = [each for each in known_segments(index.connection) if not each.finished]
    steps = Steps([(paths[each.name], each.position) for each in waiting if each.name in paths], progress)
    fetch = fetcher(index.connection, shelf)
    count = 0
    for segment in waiting:
        if segment.name in paths:
            count += _refresh_segment(index, segment, paths[segment.name], fetch, steps)
    return count


def known_segments(connection: sqlite3.Connection) -> list[Segment]:
    """Every segment that the index knows, the newest first."""
    rows = connection.execute("SELECT number, name, position, finished FROM segments ORDER BY number DESC")
    return [Segment(number, name, position, bool(finished)) for number, name, position, finished in rows]


def fetcher(connection: sqlite3.Connection, shelf: Shelf) -> Callable[[Address], Record | None]:
    """A function that reads a record again by its address."""
    read = byte_reader(connection, shelf)

    def fetch(address: Address) -> Record | None:
        line = read(address.segment, address.offset, address.length)
        return None if line is None else parse(line)

    return fetch


def byte_reader(connection: sqlite3.Connection, shelf: Shelf) -> Callable[[int, int, int], bytes | None]:
    """A function that reads bytes of a segment: its number, from where, and how many."""
    names: dict[int, str] = {}

    def read(segment: int, offset: int, length: int) -> bytes | None:
        name = names.get(segment)
        if name is None:
            found = connection.execute("SELECT name FROM segments WHERE number = ?", (segment,)).fetchone()
            if found is None:
                return None
            name = names[segment] = found[0]
        return shelf.read(name, offset, length)

    return read


class Steps:
    """Tells a progress bar how many bytes are read, of those that were new at the start."""

    def __init__(self, unread: list[tuple[Path, int]], progress: Progress | None) -> None:
        self._progress = progress
        self._done = 0
        self._total = sum(max(_size(path) - position, 0) for path, position in unread) if progress else 0

    def advance(self, done_bytes: int) -> None:
        """So many bytes more were read."""
        if self._progress is not None and done_bytes > 0:
            self._done = min(self._done + done_bytes, self._total)
            self._progress(self._done, self._total)


def _match_with_disk(index: Index, shelf: Shelf, paths: dict[str, Path]) -> None:
    """Give new segments their number and forget those that retention, or somebody by hand, removed."""
    known = {each.name: each.number for each in known_segments(index.connection)}
    new = sorted(paths.keys() - known.keys())
    gone = sorted(known[name] for name in known.keys() - paths.keys())
    for name in new:
        # A newer version's segment stops everything before anything of it is taken for damage.
        _refuse_newer(paths[name])
    if new:
        with index.transaction() as connection:
            for name in new:
                _register(connection, name)
    if gone:
        shelf.close()
        for number in gone:
            with index.transaction() as connection:
                forget(connection, number)


def _refuse_newer(path: Path) -> None:
    try:
        read_header(path)
    except (SegmentDamaged, FileNotFoundError):
        # The records of a segment with a damaged head are read all the same.
        return


def _register(connection: sqlite3.Connection, name: str) -> None:
    number = segment_time(name)
    while connection.execute(
        "SELECT 1 FROM segments WHERE number = ? AND name <> ?", (number, name)
    ).fetchone():
        number += 1
    connection.execute("INSERT OR IGNORE INTO segments (number, name) VALUES (?, ?)", (number, name))


def _refresh_segment(
    index: Index, segment: Segment, path: Path, fetch: Callable[[Address], Record | None], steps: Steps
) -> int:
    position, count = segment.position, 0
    while True:
        # Asked before reading: a writer that is gone by now adds nothing after what is read next.
        alive = is_live(path)
        with collector_paused():
            # Nothing of the batch is alive any more when the collector goes on.
            taken = _take_next(index, segment.number, path, position, fetch)
        if taken is None:
            break
        records, reached = taken
        if reached is None:
            return count
        count += records
        steps.advance(reached - position)
        position = reached
    steps.advance(_size(path) - position)
    if not alive:
        _finish(index, segment._replace(position=position), path)
    return count


@contextmanager
def collector_paused() -> Iterator[None]:
    """Without garbage collection for the fraction of a second that a batch takes.

    Records are trees without cycles; looking through them for some again and again is a sixth of the time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _take_next(
    index: Index, number: int, path: Path, position: int, fetch: Callable[[Address], Record | None]
) -> tuple[int, int | None] | None:
    """Write what comes next of a segment: see `_take`. None when there is nothing."""
    chunk = read_lines(path, position, BATCH_BYTES)
    return _take(index, number, position, chunk, fetch) if has_news(chunk, position) else None


def has_news(chunk: Chunk, position: int) -> bool:
    """Whether reading from `position` found anything to write down."""
    return bool(chunk.lines or chunk.torn or chunk.damaged) and chunk.position > position


def _take(
    index: Index, number: int, position: int, chunk: Chunk, fetch: Callable[[Address], Record | None]
) -> tuple[int, int | None]:
    """Write one chunk, unless another process did so first; gives records written and where to go on.

    There is nowhere to go on when the segment was evicted meanwhile.
    """
    with index.transaction() as connection:
        now = connection.execute("SELECT position FROM segments WHERE number = ?", (number,)).fetchone()
        if now is None or now[0] != position:
            return 0, None if now is None else now[0]
        batch = read_batch(number << SEGMENT_SHIFT, chunk)
        write_batch(connection, batch, fetch, index.profiles)
        connection.execute(
            "UPDATE segments SET position = ?, records = records + ?, torn = torn + ?, damaged = damaged + ? "
            "WHERE number = ?",
            (chunk.position, batch.records, chunk.torn, chunk.damaged + batch.damaged, number),
        )
    return batch.records, chunk.position


def _finish(index: Index, segment: Segment, path: Path) -> None:
    """Nothing will be added to this segment: give back the space it did not use, and never look at it again."""
    try:
        crashed = not read_header(path).sealed
    except SegmentDamaged:
        crashed = True
    except FileNotFoundError:
        return
    trim_dead(path)
    with index.transaction() as connection:
        connection.execute(
            "UPDATE segments SET finished = 1, crashed = ? WHERE number = ? AND position = ? AND finished = 0",
            (crashed, segment.number, segment.position),
        )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
