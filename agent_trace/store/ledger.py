"""The ledger: where every record went that a program handed to the journal."""

from collections import Counter
from pathlib import Path

from agent_trace.delivery.counting import count_from, lost_in
from agent_trace.delivery.reader import list_segments
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
    indexed, torn, damaged = counts
    lost: Counter[str] = Counter()
    pending = size = 0
    for path in paths:
        segment = known.get(path.name)
        lost.update(lost_in(path))
        size += path.stat().st_size if path.exists() else 0
        if segment is None or not segment.finished:
            unread = count_from(path, 0 if segment is None else segment.position)
            pending, torn, damaged = pending + unread.lines, torn + unread.torn, damaged + unread.damaged
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
