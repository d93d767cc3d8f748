"""The ledger of each consumer: where every record of the journal went, as far as that consumer is concerned."""

import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agent_trace.delivery.counting import Count, count_quickly, lost_in
from agent_trace.delivery.reader import list_segments
from agent_trace.delivery.standing.schema import is_damage
from agent_trace.delivery.standing.state import DeliveryState, Offset
from agent_trace.errors import StoreError
from agent_trace.recording.journal.eviction import Entry, evicted_segments

_HELD_BACK: Final = {
    "held_history": "history",
    "held_sampling": "sampling",
    "held_elsewhere": "sent elsewhere",
}
_HANDLED: Final = ("delivered", "dead", *_HELD_BACK)


@dataclass(frozen=True, slots=True)
class ConsumerLedger:
    """Counts of journal records: `recorded` is the sum of all the others.

    Times are nanoseconds since the epoch. `problem` says why nothing can be delivered now, None when all is well.
    """

    consumer: str
    recorded: int
    delivered: int
    """Accepted, or passed because there is nothing to send of them (openings, what amends an observation)."""
    pending: int
    dead_lettered: int
    """Refused for good, and kept with the server's answer."""
    evicted: int
    """Removed with their segments before they could be delivered."""
    torn: int
    damaged: int
    lost: dict[str, int] = field(default_factory=dict)
    held_back: dict[str, int] = field(default_factory=dict)
    """Not sent on purpose: "history", "sampling", "sent elsewhere"."""
    since_ns: int = 0
    problem: str | None = None
    problem_at_ns: int | None = None
    accepted_at_ns: int | None = None


def delivery_ledgers(directory: Path) -> list[ConsumerLedger]:
    """One ledger for each consumer that was ever registered; reads the state and never writes to it.

    Raises StoreError when the state cannot be read, StoreTooNew when a newer version wrote it.
    """
    state = DeliveryState(directory, create=False)
    if not state.path.exists():
        return []
    try:
        with state.snapshot() as connection:
            rows = connection.execute(
                "SELECT name, since_ns, problem, problem_at_ns, accepted_at_ns FROM consumers ORDER BY name"
            ).fetchall()
            offsets = {row[0]: state.offsets(row[0]) for row in rows}
            # Listed while the snapshot stands: what is read of the journal may only be newer than the offsets.
            journal = _Journal(directory)
    except sqlite3.Error as error:
        hint = ": the next process that forwards starts it over" if is_damage(error) else ""
        raise StoreError(f"the delivery state {state.path} cannot be read ({error}){hint}") from error
    finally:
        state.close()
    return [_ledger(journal, offsets[name], name, *rest) for name, *rest in rows]


class _Journal:
    """The segments that there are and that there were; each unread part is counted once for all consumers."""

    def __init__(self, directory: Path) -> None:
        paths = list_segments(directory)
        self.evicted: Mapping[str, Entry] = evicted_segments(directory)
        self.paths = {path.name: path for path in paths if path.name not in self.evicted}
        self.lost: Counter[str] = Counter()
        for path in self.paths.values():
            self.lost.update(lost_in(path))
        self._counts: dict[tuple[str, int], Count] = {}

    def count_from(self, name: str, position: int) -> Count:
        key = name, position
        if key not in self._counts:
            self._counts[key] = count_quickly(self.paths[name], position)
        return self._counts[key]


def _ledger(
    journal: _Journal,
    offsets: Mapping[str, Offset],
    consumer: str,
    since_ns: int,
    problem: str | None,
    problem_at_ns: int | None,
    accepted_at_ns: int | None,
) -> ConsumerLedger:
    counts = _of_present(journal, offsets) + _of_evicted(journal, offsets)
    recorded = sum(counts.values()) + sum(journal.lost.values())
    return ConsumerLedger(
        consumer=consumer,
        recorded=recorded,
        delivered=counts["delivered"],
        pending=counts["pending"],
        dead_lettered=counts["dead"],
        evicted=counts["evicted"],
        torn=counts["torn"],
        damaged=counts["damaged"],
        lost=dict(journal.lost),
        held_back={reason: counts[name] for name, reason in _HELD_BACK.items() if counts[name]},
        since_ns=since_ns,
        problem=problem,
        problem_at_ns=problem_at_ns,
        accepted_at_ns=accepted_at_ns,
    )


def _of_present(journal: _Journal, offsets: Mapping[str, Offset]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for name in journal.paths:
        offset = offsets.get(name)
        if offset is not None:
            counts.update(offset.counts)
        if offset is None or not offset.finished:
            unread = journal.count_from(name, 0 if offset is None else offset.position)
            counts.update(pending=unread.lines, torn=unread.torn, damaged=unread.damaged)
    return counts


def _of_evicted(journal: _Journal, offsets: Mapping[str, Offset]) -> Counter[str]:
    """What was handled of removed segments, and the rest of their records as evicted.

    The log of removals counts records only, hence what is known as torn or damaged is left out.
    """
    counts: Counter[str] = Counter()
    for name, entry in journal.evicted.items():
        offset = offsets.get(name)
        handled = {} if offset is None else {each: offset.counts[each] for each in _HANDLED}
        counts.update(handled)
        counts["evicted"] += max(entry.records - sum(handled.values()), 0)
    return counts
