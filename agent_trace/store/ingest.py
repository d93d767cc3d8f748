"""One batch of journal lines written into the index: rows, tags, signals, amendments, trace sums.

What a batch leaves behind depends on the records alone, not on the order in which batches arrive: an
amendment may come long before its observation, an opening after its finish.
"""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from agent_trace.delivery.reader import Chunk
from agent_trace.store.binding import blob, write_rows
from agent_trace.store.profiles import Known, Profiles
from agent_trace.store.records import OFFSET_MASK, Address, Key, Record, amend, identify
from agent_trace.store.rollups import Rollups
from agent_trace.store.rows import ObservationRow, SignalColumns, observation_row, signal_rows, tags_of
from agent_trace.store.summaries import Summary, load, recount, save
from agent_trace.store.tag_sums import TagSums

Fetch = Callable[[Address], Record | None]
MOST_AT_ONCE: Final = 30_000
"""SQLite takes this many values in one query with room to spare."""


@dataclass(slots=True)
class Batch:
    """Records of some lines, by what has to be done with them."""

    records: int = 0
    damaged: int = 0
    observations: dict[Key, tuple[Address, Record]] = field(default_factory=dict)
    openings: dict[Key, tuple[Address, Record]] = field(default_factory=dict)
    amendments: dict[Key, list[tuple[Address, Record]]] = field(default_factory=dict)
    scores: list[tuple[int, int, bytes, int]] = field(default_factory=list)
    """Rows of `scores`."""

    def keys(self) -> list[Key]:
        """Every observation that this batch says something about, once."""
        return list({**self.observations, **self.openings, **self.amendments})


def read_batch(base: int, chunk: Chunk) -> Batch:
    """Sort the records of a chunk whose addresses start at `base`; what says too little is counted as damaged."""
    batch = Batch()
    for (offset, line), record in zip(chunk.lines, chunk.records, strict=True):
        key = identify(record)
        if key is None or offset > OFFSET_MASK:
            batch.damaged += 1
            continue
        batch.records += 1
        if record["kind"] == "score":
            batch.scores.append((base + offset, len(line), key[0], record.get("at_ns", 0)))
        else:
            _sort_in(batch, key, Address(base + offset, len(line)), record)
    return batch


def _sort_in(batch: Batch, key: Key, address: Address, record: Record) -> None:
    if record["kind"] == "observation":
        batch.observations.setdefault(key, (address, record))
    elif record["kind"] == "opened":
        batch.openings.setdefault(key, (address, record))
    else:
        batch.amendments.setdefault(key, []).append((address, record))


@dataclass(slots=True)
class _Known:
    """What the index has already of the observations in a batch."""

    rows: dict[Key, ObservationRow]
    amendments: dict[Key, list[Address]]


def write_batch(connection: sqlite3.Connection, batch: Batch, fetch: Fetch, profiles: Known) -> None:
    """Write a batch inside the caller's transaction. `fetch` reads records that earlier batches brought.

    `profiles` is what the caller knows of them already; more is added as it turns up.
    """
    keys = batch.keys()
    # In the order of the journal, so that what is new is mostly appended to the tables and those of their indexes
    # that begin with a trace or a time. Ids are random: in their order, every row would go to another page.
    summaries = load(connection, dict.fromkeys(trace_id for trace_id, _ in keys))
    # Whatever is known of an observation, its trace is known as well.
    known = _look_up(connection, [key for key in keys if summaries[key[0]].known is not None], summaries)
    changes = _Changes(summaries, Rollups(connection), Profiles(connection, profiles))
    for key in keys:
        _settle(key, batch, known, fetch, changes)
    _write_amendments(connection, batch, summaries)
    connection.executemany("INSERT OR IGNORE INTO scores VALUES (?,?,?,?)", batch.scores)
    changes.write(connection)


def _look_up(connection: sqlite3.Connection, keys: list[Key], summaries: dict[bytes, Summary]) -> _Known:
    by_number = {(summaries[trace_id].number, id): (trace_id, id) for trace_id, id in keys}
    known = _Known({}, {})
    for marks, ids in _portions([id for _, id in keys]):
        for row in connection.execute(f"SELECT * FROM observations WHERE id IN ({marks})", ids):
            found = ObservationRow(*row)
            if (found.trace, found.id) in by_number:
                known.rows[by_number[found.trace, found.id]] = found
        query = (
            f"SELECT trace, id, record, length FROM amendments WHERE id IN ({marks}) ORDER BY at_ns, record"
        )
        for trace, id, record, length in connection.execute(query, ids):
            if (trace, id) in by_number:
                known.amendments.setdefault(by_number[trace, id], []).append(Address(record, length))
    return known


def _portions(ids: list[bytes]) -> Iterator[tuple[str, list[bytearray]]]:
    for start in range(0, len(ids), MOST_AT_ONCE):
        portion = list(map(blob, ids[start : start + MOST_AT_ONCE]))
        yield ",".join("?" * len(portion)), portion


def _settle(key: Key, batch: Batch, known: _Known, fetch: Fetch, changes: "_Changes") -> None:
    """Decide what the index shall say of one observation, and note the change if there is one."""
    old = known.rows.get(key)
    found = batch.observations.get(key)
    if old is not None and not old.opened:
        # Finished already: a second record of it is a copy. Only amendments change anything.
        found = None
    elif found is None and old is None:
        found = batch.openings.get(key)
    if found is None:
        if old is None or key not in batch.amendments:
            return
        address = Address(old.record, old.length)
        record = fetch(address)
        if record is None:
            return
        found = address, record
    additions = _additions(key, batch, known, fetch)
    changes.put(key, found, additions, old)


def _additions(key: Key, batch: Batch, known: _Known, fetch: Fetch) -> list[Record]:
    """Every amendment of an observation, in the order they were made."""
    new, old = batch.amendments.get(key), known.amendments.get(key)
    if not new and not old:
        return []
    found = [(address, fetch(address)) for address in old or ()] + list(new or ())
    present = [
        (record.get("at_ns", 0), address.record, record) for address, record in found if record is not None
    ]
    return [record for _, _, record in sorted(present, key=lambda each: each[:2])]


def _write_amendments(connection: sqlite3.Connection, batch: Batch, summaries: dict[bytes, Summary]) -> None:
    connection.executemany(
        "INSERT OR IGNORE INTO amendments (record, length, trace, id, at_ns) VALUES (?,?,?,?,?)",
        (
            (address.record, address.length, summaries[trace_id].number, blob(id), record.get("at_ns", 0))
            for (trace_id, id), each in batch.amendments.items()
            for address, record in each
        ),
    )


class _Changes:
    """Rows to write for one batch, collected so that each table is written in one go."""

    def __init__(self, summaries: dict[bytes, Summary], rollups: Rollups, profiles: Profiles) -> None:
        self._summaries = summaries
        self._replaced: list[tuple[int]] = []
        self._rows: list[ObservationRow] = []
        self._tags: list[tuple[int, str]] = []
        self._tag_sums = TagSums()
        self._signals: list[SignalColumns] = []
        self._recount: set[int] = set()
        self._rollups = rollups
        self._profiles = profiles

    def put(
        self, key: Key, found: tuple[Address, Record], additions: list[Record], old: ObservationRow | None
    ) -> None:
        address, record = found
        summary = self._summaries[key[0]]
        merged = amend(record, additions) if additions else record
        row = observation_row(merged, address, summary.number, key[1], bool(additions), self._profiles)
        self._rows.append(row)
        if old is None:
            summary.add(row)
            self._rollups.add(row)
        else:
            self._replaced.append((old.record,))
            self._rollups.replace(old, row)
            if not summary.replace(old, row):
                self._recount.add(summary.number)
        if merged.get("tags"):
            tags = tags_of(merged)
            self._tags += [(address.record, tag) for tag in tags]
            self._tag_sums.add(tags, row.profile)
        if merged.get("signal"):
            self._signals += signal_rows(record, additions, row)

    def write(self, connection: sqlite3.Connection) -> None:
        for (record,) in self._replaced:
            self._tag_sums.remove(connection, record, record)
        for table in ("observations", "tags", "signals"):
            connection.executemany(f"DELETE FROM {table} WHERE record = ?", self._replaced)
        write_rows(
            connection, "INSERT INTO observations", ObservationRow._fields, self._rows, ("id", "parent_id")
        )
        connection.executemany("INSERT INTO tags VALUES (?,?)", self._tags)
        connection.executemany("INSERT INTO signals VALUES (?,?,?,?,?,?,?,?,?,?)", self._signals)
        self._rollups.write()
        self._tag_sums.write(connection)
        save(connection, self._summaries.values())
        recount(connection, self._recount)
