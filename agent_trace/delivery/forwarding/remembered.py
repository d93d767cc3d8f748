"""What a consumer remembers of single records, with their places: held traces, waiting amendments, openings.

Reading gives what is written down; writing gives effects, which go with the commit of the record that caused them.
"""

import os
import sqlite3
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from agent_trace.delivery.forwarding.sampling import Total
from agent_trace.delivery.standing.state import Effect
from agent_trace.recording.journal import layout

Record = dict[str, Any]
Key = tuple[str, str]
"""Trace id and observation id."""

_MOST_TOTALS: Final = 10_000
_KEPT_FOR_NS: Final = 30 * 86_400 * 1_000_000_000


class Place(NamedTuple):
    """Where a record lies in the journal."""

    segment: str
    offset: int
    length: int


class Memory:
    """The remembered records of one consumer, as they were when it was read."""

    def __init__(self, connection: sqlite3.Connection, consumer: str) -> None:
        self._connection = connection
        self._consumer = consumer
        self.kept = {trace_id for (trace_id,) in self._select("trace_id", "kept")}
        self.openings = {id for (id,) in self._select("id", "openings")}
        self.waiting: dict[str, list[Place]] = {}
        for id, *place in self._select("id, segment, offset, length", "waiting"):
            self.waiting.setdefault(id, []).append(Place(*place))
        self.ahead = {row[:2]: row[2] for row in self._select("segment, offset, outcome", "ahead")}
        self._totals: dict[str, Total] = {}

    def held(self, trace_id: str) -> list[Place]:
        """What sampling holds of a trace, in the order of the journal."""
        return [
            Place(*row)
            for row in self._select(
                "segment, offset, length", "held", "AND trace_id = ? ORDER BY 1, 2", trace_id
            )
        ]

    def to_rescue(self, most: int) -> list[str]:
        """Traces that must go and that something is held of."""
        query = "SELECT DISTINCT k.trace_id FROM kept AS k JOIN held AS h USING (consumer, trace_id) WHERE k.consumer = ? LIMIT ?"
        return [trace_id for (trace_id,) in self._connection.execute(query, (self._consumer, most))]

    def added_up(self, trace_id: str, own: Total) -> Total:
        """What a trace comes to with one more observation, those included that are not settled yet."""
        before = self._totals.pop(trace_id, None)
        if before is None:
            columns = "start_ns, end_ns, nanodollars"
            rows = self._select(columns, "totals", "AND trace_id = ?", trace_id)
            before = next((Total(*row) for row in rows), Total())
        self._totals[trace_id] = total = before.plus(own)
        if len(self._totals) > _MOST_TOTALS:
            # The one that nothing was added to for longest: it is written down by now.
            del self._totals[next(iter(self._totals))]
        return total

    def opened(self) -> list[tuple[str, Place]]:
        """Id and opening of what was not seen to end."""
        rows = self._select("id, segment, offset, length", "openings", "ORDER BY segment, offset")
        return [(row[0], Place(*row[1:])) for row in rows]

    def prune(self, present: Collection[str], now_ns: int) -> None:
        """Forget what lies in segments that are gone."""
        for table in ("held", "waiting", "ahead", "openings"):
            gone = [(name,) for (name,) in self._select("DISTINCT segment", table) if name not in present]
            self._connection.executemany(
                f"DELETE FROM {table} WHERE consumer = '{self._consumer}' AND segment = ?", gone
            )
        self._connection.execute(
            "DELETE FROM totals WHERE consumer = ? AND (consumer, trace_id) NOT IN"
            " (SELECT consumer, trace_id FROM held)",
            (self._consumer,),
        )
        self._connection.execute(
            "DELETE FROM kept WHERE consumer = ? AND at_ns < ?", (self._consumer, now_ns - _KEPT_FOR_NS)
        )

    def _select(self, columns: str, table: str, rest: str = "", *values: object) -> Iterable[tuple[Any, ...]]:
        query = f"SELECT {columns} FROM {table} WHERE consumer = ? {rest}"
        return self._connection.execute(query, (self._consumer, *values))


def hold(consumer: str, trace_id: str, place: Place) -> Effect:
    """Sampling leaves this record out, unless its trace turns out to matter."""
    return "INSERT OR IGNORE INTO held VALUES (?,?,?,?,?)", (consumer, trace_id, *place)


def add_up(consumer: str, trace_id: str, own: Total) -> Effect:
    """An observation adds to what its trace comes to."""
    statement = (
        "INSERT INTO totals VALUES (?,?,?,?,?) ON CONFLICT DO UPDATE SET start_ns = min(start_ns, excluded.start_ns),"
        " end_ns = max(end_ns, excluded.end_ns), nanodollars = nanodollars + excluded.nanodollars"
    )
    return statement, (consumer, trace_id, *own)


def release(consumer: str, trace_id: str, place: Place) -> Effect:
    """A record that was held is settled."""
    statement = "DELETE FROM held WHERE consumer = ? AND trace_id = ? AND segment = ? AND offset = ?"
    return statement, (consumer, trace_id, place.segment, place.offset)


def keep(consumer: str, trace_id: str, at_ns: int) -> Effect:
    """From here on, everything of this trace goes."""
    return "INSERT OR IGNORE INTO kept VALUES (?,?,?)", (consumer, trace_id, at_ns)


def wait(consumer: str, id: str, place: Place) -> Effect:
    """An amendment that shall go with its observation."""
    return "INSERT OR IGNORE INTO waiting VALUES (?,?,?,?,?)", (consumer, id, *place)


def arrive(consumer: str, id: str) -> Effect:
    """The observation that amendments waited for came."""
    return "DELETE FROM waiting WHERE consumer = ? AND id = ?", (consumer, id)


def note_ahead(consumer: str, segment: str, offset: int, outcome: str) -> Effect:
    """A record is settled before some that precede it."""
    return "INSERT OR REPLACE INTO ahead VALUES (?,?,?,?)", (consumer, segment, offset, outcome)


def catch_up(consumer: str, segment: str, offset: int) -> Effect:
    """All that precedes a record settled ahead is settled as well."""
    return "DELETE FROM ahead WHERE consumer = ? AND segment = ? AND offset = ?", (consumer, segment, offset)


def open_(consumer: str, id: str, place: Place) -> Effect:
    """An observation began."""
    return "INSERT OR IGNORE INTO openings VALUES (?,?,?,?,?)", (consumer, id, *place)


def end(consumer: str, id: str) -> Effect:
    """An observation that began before ended, or its process did."""
    return "DELETE FROM openings WHERE consumer = ? AND id = ?", (consumer, id)


def fetch(directory: Path, place: Place) -> Record | None:
    """The record at a place; None when its segment is gone."""
    path = directory / layout.SEGMENTS / place.segment
    try:
        with open(path, "rb", buffering=0) as file:
            record = orjson.loads(os.pread(file.fileno(), place.length, place.offset))
    except (FileNotFoundError, PermissionError, orjson.JSONDecodeError):
        return None
    return record if isinstance(record, dict) else None
