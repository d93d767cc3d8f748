"""The sums of all traces that fit: from sums by day where these can tell, and else from the traces themselves."""

import sqlite3
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Final

from agent_trace.store.answers import TraceRow
from agent_trace.store.conditions import (
    Conditions,
    Narrowing,
    Places,
    all_of,
    as_json,
    bound_conditions,
    text_conditions,
)
from agent_trace.store.filter import Filter
from agent_trace.store.overviews import Totals
from agent_trace.store.planning import FEW, is_also_a_name, shortest_way
from agent_trace.store.queries import common_text, trace_conditions
from agent_trace.store.rows import dollars, summed_dollars
from agent_trace.store.spans import days_of
from agent_trace.store.stretches import are_more, source_of
from agent_trace.store.trace_sums import SUMS
from agent_trace.store.walking import Walk

MOST_TRACES: Final = 10_000
"""So many traces are looked into one by one, in a few hundredths of a second."""
_MOST_ROWS: Final = 200_000
"""The same where the row of a trace tells."""

MOST_LOOKED_AT: Final = 30_000
"""So many observations are looked at for a text, in less than a tenth of a second."""

_ASPECTS: Final = frozenset({"agent", "tenant", "model"})
_OF_DAYS: Final = _ASPECTS | {"since_ns", "until_ns", "status"}
_FLAGS: Final = {None: "1", "ok": "NOT is_open AND NOT is_failed", "error": "NOT is_open AND is_failed"}
_ROUGHLY: Final = {
    None: "1",
    "ok": "1",
    "error": "t.errors > 0",
    "running": "t.opened > 0",
    "interrupted": "t.opened > 0",
}
"""What a status says at least."""
_OF_TRACES: Final = ", ".join(f"t.{each}" for each in SUMS[1:])
_SUMS: Final = ", ".join(f"coalesce(sum({each}), 0)" for each in SUMS)

_Figures = tuple[int, ...]


def totals(connection: sqlite3.Connection, asked: Narrowing) -> Totals:
    """Sums over every trace that fits, or the newest of them when it takes too long to find all."""
    where = asked.where
    given = {each.name for each in fields(where) if getattr(where, each.name) is not None}
    if given <= _OF_DAYS and where.status in _FLAGS and _is_one_aspect(connection, where, given & _ASPECTS):
        return _as_totals(_from_days(connection, asked, next(iter(given & _ASPECTS), "")))
    said = common_text(asked)
    if said is not None:
        return _from_walk(connection, said, asked)
    conditions, _ = text_conditions(asked)
    way = shortest_way(connection, asked) if conditions else None
    if where.trace_id is not None or (way is not None and way.expected <= FEW):
        return _as_totals(_sum(connection, trace_conditions(connection, asked)))
    most = MOST_TRACES if conditions or where.status in ("running", "interrupted") else _MOST_ROWS
    return _from_newest(connection, asked, most)


def _is_one_aspect(connection: sqlite3.Connection, where: Filter, aspects: set[str]) -> bool:
    """Whether the sums are kept for what is asked: of everything, or of one name."""
    if len(aspects) > 1 or any(getattr(where, each) == "" for each in aspects):
        return False
    return where.agent is None or not is_also_a_name(connection, where.agent)


def _from_days(connection: sqlite3.Connection, asked: Narrowing, aspect: str) -> _Figures:
    days = days_of(asked.where)
    conditions = ["aspect = ?", "value = ?", _FLAGS[asked.where.status], *days.conditions]
    row = connection.execute(
        f"SELECT {_SUMS} FROM trace_days WHERE {all_of(conditions)}",
        (aspect, getattr(asked.where, aspect) if aspect else "", *days.values),
    ).fetchone()
    parts = [row, *(_sum(connection, _of_edge(asked._replace(where=each), aspect)) for each in days.edges)]
    return tuple(map(sum, zip(*parts, strict=True)))


def _of_edge(asked: Narrowing, aspect: str) -> Conditions:
    """Traces of part of a day; their rows name what is in them."""
    conditions, values = bound_conditions(asked.where, "t")
    statuses = {None: "1", "ok": "NOT t.opened AND NOT t.errors", "error": "NOT t.opened AND t.errors"}
    conditions += ["t.observations > 0", statuses[asked.where.status]]
    if aspect:
        conditions.append(f"EXISTS (SELECT 1 FROM json_each(t.{aspect}s) WHERE value = ?)")
        values.append(getattr(asked.where, aspect))
    return conditions, values


def _sum(connection: sqlite3.Connection, asked: Conditions, source: str = "traces AS t") -> _Figures:
    conditions, values = asked
    query = f"SELECT {_SUMS} FROM (SELECT 1 AS traces, {_OF_TRACES} FROM {source} WHERE {all_of(conditions)})"
    row: _Figures = connection.execute(query, values).fetchone()
    return row


def _from_newest(connection: sqlite3.Connection, asked: Narrowing, most: int) -> Totals:
    """Look at so many of the newest traces in the time that is asked for, and say whether these are all."""
    times = Filter(since_ns=asked.where.since_ns, until_ns=asked.where.until_ns)
    bounds, limits = trace_conditions(
        connection, asked._replace(where=replace(times, status=asked.where.status))
    )
    more = f"SELECT 1 FROM traces AS t WHERE {all_of(bounds)} LIMIT 1 OFFSET ?"
    # Indexes alone tell nearly as much; only where that does not do, rows are read.
    if (
        not are_more(connection, times, most, _ROUGHLY[asked.where.status])
        or connection.execute(more, (*limits, most)).fetchone() is None
    ):
        source = source_of(connection, asked.where)
        return _as_totals(_sum(connection, trace_conditions(connection, asked), source))
    newest = (
        f"SELECT * FROM traces AS t WHERE {all_of(bounds)} ORDER BY t.start_ns DESC, t.number DESC LIMIT ?"
    )
    conditions, values = trace_conditions(connection, asked._replace(where=replace(asked.where, status=None)))
    row = connection.execute(
        f"SELECT {_SUMS} FROM (SELECT 1 AS traces, {_OF_TRACES} FROM ({newest}) AS t WHERE {all_of(conditions)})",
        (*limits, most, *values),
    ).fetchone()
    return _as_totals(row, is_complete=False)


def _from_walk(connection: sqlite3.Connection, said: Places, asked: Narrowing) -> Totals:
    """Go through the newest traces for a common text, as far as that takes little time."""
    walk = Walk(connection, said, asked, trace_conditions(connection, asked), MOST_LOOKED_AT)
    found = as_json(list(walk.numbers()))
    figures = _sum(connection, (["t.number IN (SELECT value FROM json_each(?))"], [found]))
    return _as_totals(figures, is_complete=walk.is_complete)


def totals_of(rows: Sequence[TraceRow]) -> Totals:
    """The sums of these traces: who has listed all that fit need not ask for them."""
    return Totals(
        traces=len(rows),
        observations=sum(row.observations for row in rows),
        generations=sum(row.generations for row in rows),
        tokens=sum(row.tokens for row in rows),
        cost=summed_dollars(row.cost for row in rows),
        unpriced=sum(row.unpriced for row in rows),
        errors=sum(row.errors for row in rows),
    )


def _as_totals(figures: _Figures, is_complete: bool = True) -> Totals:
    traces, observations, generations, tokens, cost_pico, priced, unpriced, errors = figures
    return Totals(
        traces=traces,
        observations=observations,
        generations=generations,
        tokens=tokens,
        cost=dollars(cost_pico) if priced else None,
        unpriced=unpriced,
        errors=errors,
        is_complete=is_complete,
    )
