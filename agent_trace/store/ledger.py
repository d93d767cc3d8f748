"""The ledger: where every record went that a program handed to the journal."""

from collections import Counter
from pathlib import Path

from agent_trace.delivery.reader import list_segments, read_header, read_lines
from agent_trace.errors import SegmentDamaged
from agent_trace.recording.journal.eviction import evictions
from agent_trace.store.answers import Ledger
from agent_trace.store.index import Index
from agent_trace.store.refresh import known_segments


def make_ledger(index: Index, directory: Path) -> Ledger:
    """Count everything, without reading anything new into the index: what it has not read is `pending`."""
    paths = list_segments(directory)
    known = {each.name: each for each in known_segments(index.connection)}
    counts = index.connection.execute(
        "SELECT coalesce(sum(records), 0), coalesce(sum(torn), 0), coalesce(sum(damaged), 0) FROM segments"
    ).fetchone()
    lost: Counter[str] = Counter()
    pending = size = 0
    for path in paths:
        segment = known.get(path.name)
        lost.update(_lost(path))
        size += path.stat().st_size if path.exists() else 0
        if segment is None or not segment.finished:
            pending += _count_lines(path, 0 if segment is None else segment.position)
    indexed, torn, damaged = counts
    evicted = evictions(directory).records
    return Ledger(
        recorded=indexed + pending + torn + damaged + evicted + sum(lost.values()),
        indexed=indexed,
        pending=pending,
        torn=torn,
        damaged=damaged,
        evicted=evicted,
        lost=dict(lost),
        segments=len(paths),
        bytes=size,
    )


def _lost(path: Path) -> dict[str, int]:
    try:
        return read_header(path).lost
    except (SegmentDamaged, FileNotFoundError):
        return {}


def _count_lines(path: Path, position: int) -> int:
    count = 0
    while (chunk := read_lines(path, position)).position > position and chunk.lines:
        count += len(chunk.lines)
        position = chunk.position
    return count
