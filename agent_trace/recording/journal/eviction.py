"""Retention: removing whole segments, the oldest first, and keeping account of what went.

A segment that is being written to is never removed. What the index still says about a removed segment is
the store's matter.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

import orjson

from agent_trace.errors import StoreError
from agent_trace.recording.journal import layout
from agent_trace.recording.journal.header import HEADER_BYTES, decode_header
from agent_trace.recording.journal.needs import Needs

_LOCK_WAIT_S = 5.0
_UNBORN_MAX_AGE_S = 60.0
_CLOSES_PER_SWEEP = 16
_MAX_UNWATCHED_BYTES = 256 << 20
_BLOCK_BYTES = 64 << 10


class Evicted(NamedTuple):
    """What was removed (or would be): segments, their records, their bytes; and the bytes that stay."""

    segments: int = 0
    records: int = 0
    bytes: int = 0
    kept_bytes: int = 0


class _Candidate(NamedTuple):
    path: Path
    size: int
    modified_s: float
    undelivered: list[str]
    """The consumers that still need it."""


class Entry(NamedTuple):
    """A line of the log of what was removed."""

    segment: str
    records: int
    bytes: int


def evict(
    directory: Path,
    max_bytes: int | None = None,
    older_than_s: float | None = None,
    keep: Collection[str] = (),
    dry_run: bool = False,
    reason: str = "size",
    wait_s: float = _LOCK_WAIT_S,
) -> Evicted:
    """Remove segments last written more than `older_than_s` ago, then the oldest until `max_bytes` are left.

    Those that a consumer still needs, or that are named in `keep`, go last and never for their age; the log of
    what was removed says who still needed it. One process does this at a time; if another one
    is at it for longer than `wait_s`, nothing is done. Raises OSError when the store cannot be written to.
    """
    with _alone(directory, wait_s) as alone:
        if not alone:
            return Evicted()
        if not dry_run:
            _finish_interrupted(directory)
        return _evict(directory, max_bytes, older_than_s, keep, dry_run, reason)


def evictions(directory: Path) -> Evicted:
    """All that was ever removed from this store."""
    entries = evicted_segments(directory).values()
    records = sum(entry.records for entry in entries)
    return Evicted(len(entries), records, sum(entry.bytes for entry in entries))


def evicted_segments(directory: Path) -> dict[str, Entry]:
    """Every segment that was ever removed from this store, by name."""
    return {entry.segment: entry for entry in _log_entries(directory)}


class Sweeper:
    """Keeps a store under its size cap and age, at a cost that is bounded however many segments there are.

    Looking at a store takes 2 µs a segment, so it is done once an eighth of the free room (or 256 MiB) has been written.
    A short process never fills a segment; one in sixteen looks when it closes.
    """

    def __init__(self, directory: Path, max_bytes: int | None, max_age_s: float | None = None) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._max_age_s = max_age_s
        self._written_bytes = 0
        self._look_after_bytes = 0

    def at_rotation(self, written_bytes: int) -> None:
        """Look if enough was written since the last time."""
        self._written_bytes += written_bytes
        if self._written_bytes >= self._look_after_bytes:
            self._sweep()

    def at_close(self) -> None:
        """Look once in a while."""
        if os.urandom(1)[0] % _CLOSES_PER_SWEEP == 0:
            self._sweep()

    def _sweep(self) -> None:
        if self._max_bytes is None and self._max_age_s is None:
            return
        cap_bytes = self._max_bytes if self._max_bytes is not None else 1 << 62
        # A twentieth below the cap: otherwise a full store would be looked at on every rotation.
        low_mark = cap_bytes - cap_bytes // 20
        self._written_bytes = 0
        with contextlib.suppress(OSError):
            left = evict(self._directory, low_mark, self._max_age_s, wait_s=0.0)
            self._look_after_bytes = min(max(cap_bytes - left.kept_bytes, 0) // 8, _MAX_UNWATCHED_BYTES)


def _evict(
    directory: Path,
    max_bytes: int | None,
    older_than_s: float | None,
    keep: Collection[str],
    dry_run: bool,
    reason: str,
) -> Evicted:
    segments, records, size = 0, 0, 0
    candidates = list(_candidates(directory))
    left_bytes = sum(candidate.size for candidate in candidates)
    kept = {each.path for each in candidates if each.undelivered or each.path.name in keep}
    candidates.sort(key=lambda candidate: (candidate.path in kept, candidate.path.name))
    for candidate in candidates:
        is_old = older_than_s is not None and time.time() - candidate.modified_s > older_than_s
        too_old = is_old and candidate.path not in kept
        too_much = max_bytes is not None and left_bytes > max_bytes
        if not (too_old or too_much) or layout.is_live(candidate.path):
            continue
        count = _count_records(candidate.path)
        if not dry_run:
            _remove(directory, candidate, count, "age" if too_old else reason)
        segments, records, size = segments + 1, records + count, size + candidate.size
        left_bytes -= candidate.size
    return Evicted(segments, records, size, left_bytes)


@contextlib.contextmanager
def _alone(directory: Path, wait_s: float) -> Iterator[bool]:
    """Hold the lock on the segments' folder; False if there is no folder or somebody else keeps the lock."""
    try:
        fd = os.open(directory / layout.SEGMENTS, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        yield False
        return
    try:
        yield _locked(fd, wait_s)
    finally:
        os.close(fd)


def _locked(fd: int, wait_s: float) -> bool:
    give_up_at = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= give_up_at:
                return False
            time.sleep(0.02)
        else:
            return True


def _candidates(directory: Path) -> Iterator[_Candidate]:
    needs = Needs(directory)
    with os.scandir(directory / layout.SEGMENTS) as entries:
        for entry in entries:
            if entry.name.endswith(layout.SEGMENT_SUFFIX):
                with contextlib.suppress(FileNotFoundError):
                    status = entry.stat(follow_symlinks=False)
                    yield _Candidate(Path(entry.path), status.st_size, status.st_mtime, needs.of(entry.name))


def _remove(directory: Path, segment: _Candidate, records: int, reason: str) -> None:
    """Log, then unlink: what goes must not go unaccounted. On a full disk the other way round."""
    line: dict[str, object] = {
        "segment": segment.path.name,
        "records": records,
        "bytes": segment.size,
        "at_ns": time.time_ns(),
        "reason": reason,
    }
    if segment.undelivered:
        line["undelivered"] = segment.undelivered
    text = orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)
    try:
        _append_to_log(directory, text)
    except OSError:
        segment.path.unlink(missing_ok=True)
        _append_to_log(directory, text)
    segment.path.unlink(missing_ok=True)


def _append_to_log(directory: Path, text: bytes) -> None:
    fd = layout.open_private(directory / layout.EVICTED, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        os.write(fd, text)
    finally:
        os.close(fd)


def _finish_interrupted(directory: Path) -> None:
    """Remove what a killed process left: a segment logged but not unlinked, segments never finished."""
    last = _last_entry(directory)
    if last is not None:
        (directory / layout.SEGMENTS / last.segment).unlink(missing_ok=True)
    now = time.time()
    for path in (directory / layout.SEGMENTS).glob(f"*{layout.UNBORN_SUFFIX}"):
        with contextlib.suppress(FileNotFoundError):
            if now - path.stat().st_mtime > _UNBORN_MAX_AGE_S and not layout.is_live(path):
                path.unlink()


def _last_entry(directory: Path) -> Entry | None:
    """Of a log that grows for as long as the store is used, only the end is read."""
    try:
        with (directory / layout.EVICTED).open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _BLOCK_BYTES))
            entries = map(_parse_entry, reversed(log.read().splitlines()))
            return next((entry for entry in entries if entry is not None), None)
    except FileNotFoundError:
        return None


def _log_entries(directory: Path) -> list[Entry]:
    try:
        lines = (directory / layout.EVICTED).read_bytes().splitlines()
    except FileNotFoundError:
        return []
    return [entry for entry in map(_parse_entry, lines) if entry is not None]


def _parse_entry(line: bytes) -> Entry | None:
    try:
        fields = orjson.loads(line)
        name, records, size = fields["segment"], fields["records"], fields["bytes"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    whole = isinstance(name, str) and isinstance(records, int) and isinstance(size, int)
    return Entry(Path(name).name, records, size) if whole else None


def _count_records(path: Path) -> int:
    """From the header when the segment was sealed, by counting lines when its process died."""
    try:
        with path.open("rb", buffering=0) as file:
            records = _records_in_header(file.read(HEADER_BYTES), path)
            if records is not None:
                return records
            return sum(block.count(b"\n") for block in iter(lambda: file.read(_BLOCK_BYTES), b""))
    except FileNotFoundError:
        return 0


def _records_in_header(header: bytes, path: Path) -> int | None:
    try:
        return decode_header(header, path).records
    except StoreError:
        return None
