"""Where rows of traces are read from: by the index of their starts, or one after the other as they lie in the table.

To read the next row takes a quarter of what it takes to read one that an index points to. What no index tells is
looked for among the newest first, and then in all the others as they lie.
"""

import sqlite3
from typing import Final, NamedTuple

from agent_trace.store.conditions import Narrowing, all_of, bound_conditions, text_conditions
from agent_trace.store.filter import Filter

NEWEST: Final = 5_000
"""So many traces are looked into in a few milliseconds."""
LAST_NS: Final = (1 << 63) - 1
_BY_INDEX: Final = "traces AS t"
_AS_THEY_LIE: Final = "traces AS t NOT INDEXED"
_MOST_OF_THEM: Final = 4
"""A time has most traces when it has one in so many: from there on they are better read as they lie."""


class Stretch(NamedTuple):
    """Some traces `t`: what stands after FROM, and what tells them from those of other stretches."""

    source: str
    conditions: list[str]
    values: list[object]


def newest_first(connection: sqlite3.Connection, asked: Narrowing, begin_ns: int) -> list[Stretch]:
    """All traces of some time, those of each stretch newer than those of the next. `begin_ns`: where a list begins."""
    where = asked.where
    is_told_by_rows = where.min_cost is not None or where.min_duration_s is not None
    # What has to be looked into one by one had better not all be, as putting them in order would mean.
    is_told_by_rows &= not text_conditions(asked)[0]
    if not is_told_by_rows or source_of(connection, where) == _BY_INDEX:
        return [Stretch(_BY_INDEX, [], [])]
    until_ns = begin_ns if where.until_ns is None else min(begin_ns, where.until_ns)
    since_ns = start_of_newest(connection, until_ns, NEWEST)
    return [
        Stretch(_BY_INDEX, ["t.start_ns >= ?"], [since_ns]),
        Stretch(_AS_THEY_LIE, ["t.start_ns < ?"], [since_ns]),
    ]


def source_of(connection: sqlite3.Connection, where: Filter) -> str:
    """What rows of traces of some time are best read from, when all of them have to be."""
    if where.status not in (None, "ok"):
        # These few have an index of their own.
        return _BY_INDEX
    all_traces = connection.execute("SELECT coalesce(max(number), 0) FROM traces").fetchone()[0]
    times = Filter(since_ns=where.since_ns, until_ns=where.until_ns)
    is_most = are_more(connection, times, max(all_traces // _MOST_OF_THEM, NEWEST))
    return _AS_THEY_LIE if is_most else _BY_INDEX


def are_more(connection: sqlite3.Connection, where: Filter, count: int, *also: str) -> bool:
    """Whether more traces than that are within the bounds of a filter, and fit `also`."""
    bounds, values = bound_conditions(where, "t")
    fits = all_of(["t.observations > 0", *bounds, *also])
    query = f"SELECT 1 FROM traces AS t WHERE {fits} LIMIT 1 OFFSET ?"
    return connection.execute(query, (*values, count)).fetchone() is not None


def start_of_newest(connection: sqlite3.Connection, until_ns: int, count: int) -> int:
    """When the last of so many traces before some moment started; 0 when there are no more than that."""
    query = "SELECT start_ns FROM traces WHERE observations > 0 AND start_ns <= ? ORDER BY start_ns DESC LIMIT 1 OFFSET ?"
    found = connection.execute(query, (until_ns, count)).fetchone()
    return int(found[0]) if found else 0
