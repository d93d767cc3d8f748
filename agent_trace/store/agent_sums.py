"""What each agent did, of observations that are read one by one: all of it in one pass."""

import sqlite3
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from agent_trace.store.conditions import Narrowing, all_of, observation_conditions
from agent_trace.store.planning import way_in

Sums = tuple[str, int, int, int, int, int, int, int, int, int]
"""Agent, observations, generations, errors, invocations, tokens, cost, priced, unpriced, when the last one started."""
Took = tuple[str, int, int, int]
"""Agent, whether of its generations, step, how many took so long."""

_AGENT: Final = "coalesce(nullif(o.agent_id, ''), o.agent_name)"
_ERROR, _PRICED, _UNPRICED, _GENERATION, _INVOCATION = 1, 2, 4, 8, 16
# Every value that is handed over takes its time, one out of five flags as well.
_FLAGS: Final = (
    f"(o.level = 2) * {_ERROR} + (o.cost_pico IS NOT NULL) * {_PRICED} + o.unpriced * {_UNPRICED} + "
    f"coalesce(o.type = 'generation', 0) * {_GENERATION} + coalesce(o.type = 'agent', 0) * {_INVOCATION}"
)
# Grouped here, for SQLite would put them all in order first, which takes longer than to read them.
_DONE: Final = f"SELECT {_AGENT} AS agent, o.took, {_FLAGS}, o.tokens, o.cost_pico, o.start_ns"

_Key = tuple[str, int | None, int]
"""Agent, step and flags."""


class Done(NamedTuple):
    """Rows to be added up."""

    sums: Iterable[Sums]
    took: Iterable[Took]


def done(connection: sqlite3.Connection, asked: Narrowing) -> Done:
    """What the observations that fit come to."""
    conditions, values = observation_conditions(asked)
    way = way_in(connection, asked)
    rows = connection.execute(
        f"{_DONE} FROM {way.source} WHERE {all_of(conditions)} AND {_AGENT} <> ''", [*way.values, *values]
    )
    cells = _cells(rows)
    return Done(map(_sums, cells, cells.values()), filter(None, map(_took, cells, cells.values())))


def _cells(rows: Iterable[tuple[Any, ...]]) -> dict[_Key, list[int]]:
    """How many there are of each, their tokens, their cost, and when the last one started."""
    cells: dict[_Key, list[int]] = {}
    for agent, took, flags, tokens, cost_pico, start_ns in rows:
        cell = cells.get((agent, took, flags))
        if cell is None:
            cells[agent, took, flags] = [1, tokens or 0, cost_pico or 0, start_ns]
            continue
        cell[0] += 1
        if tokens:
            cell[1] += tokens
        if cost_pico:
            cell[2] += cost_pico
        if start_ns > cell[3]:
            cell[3] = start_ns
    return cells


def _sums(key: _Key, cell: list[int]) -> Sums:
    agent, _, flags = key
    count, tokens, cost_pico, last_ns = cell
    of = [count if flags & each else 0 for each in (_GENERATION, _ERROR, _INVOCATION, _PRICED, _UNPRICED)]
    return agent, count, of[0], of[1], of[2], tokens, cost_pico, of[3], of[4], last_ns


def _took(key: _Key, cell: list[int]) -> Took | None:
    agent, took, flags = key
    if took is None or not flags & (_GENERATION | _INVOCATION):
        return None
    return agent, int(bool(flags & _GENERATION)), took, cell[0]


def taken_away(found: Done) -> Done:
    """The same, to be taken away from what it is a part of."""
    return Done(map(_negative, found.sums), [(*took[:3], -took[3]) for took in found.took])


def _negative(row: Sums) -> Sums:
    agent, observations, generations, errors, invocations, tokens, cost_pico, priced, unpriced, _ = row
    return (
        agent,
        -observations,
        -generations,
        -errors,
        -invocations,
        -tokens,
        -cost_pico,
        -priced,
        -unpriced,
        0,
    )


def added_up(rows: Iterable[Sums]) -> list[Sums]:
    """One row for each agent of whom anything is left."""
    by_agent: dict[str, list[Sums]] = {}
    for row in rows:
        by_agent.setdefault(row[0], []).append(row)
    sums = (_as_one(agent, same) for agent, same in by_agent.items())
    return [row for row in sums if row[1]]


def _as_one(agent: str, rows: list[Sums]) -> Sums:
    if len(rows) == 1:
        return rows[0]
    _, observations, generations, errors, invocations, tokens, cost_pico, priced, unpriced, last_ns = zip(
        *rows, strict=True
    )
    return (
        agent,
        sum(observations),
        sum(generations),
        sum(errors),
        sum(invocations),
        sum(tokens),
        sum(cost_pico),
        sum(priced),
        sum(unpriced),
        max(last_ns),
    )
