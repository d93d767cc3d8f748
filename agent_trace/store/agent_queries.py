"""What each agent did: calls, errors, percentiles of their duration, tokens, cost, signals.

Sums by day, and by profile, answer what they can; everything else is asked of the observations themselves.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from typing import Any, Final, NamedTuple

import orjson

from agent_trace.store.agent_sums import Done, Sums, Took, added_up, done, taken_away
from agent_trace.store.conditions import Narrowing, all_of, bound_conditions, observation_conditions
from agent_trace.store.durations import percentiles
from agent_trace.store.filter import Filter
from agent_trace.store.overviews import AgentRow
from agent_trace.store.planning import PROFILE_FIELDS, fitting_profiles, profile_conditions, way_in
from agent_trace.store.rows import dollars
from agent_trace.store.spans import Days, nearest_days_of

_AGENT: Final = "coalesce(nullif(p.agent_id, ''), p.agent_name)"
_TOKENS: Final = "usage_input + usage_output + usage_cache_read + usage_cache_write + usage_reasoning + usage_other AS tokens"
_OF_DAYS: Final = (
    "SELECT value AS agent, observations, generations, errors, invocations, "
    f"{_TOKENS}, cost_pico, priced, unpriced, 0 AS last_ns FROM name_days"
)
_OF_PROFILES: Final = (
    f"SELECT {_AGENT} AS agent, p.observations, iif(p.type = 'generation', p.observations, 0) AS generations, "
    f"iif(p.level = 2, p.observations, 0) AS errors, p.invocations, {_TOKENS}, p.cost_pico, p.priced, p.unpriced, "
    "p.last_ns FROM profiles AS p"
)
_SUMMED: Final = (
    "SELECT agent, sum(observations), coalesce(sum(generations), 0), sum(errors), coalesce(sum(invocations), 0), "
    "coalesce(sum(tokens), 0), coalesce(sum(cost_pico), 0), sum(priced), sum(unpriced), max(last_ns)"
)
_TOOK_OF_DAYS: Final = "SELECT agent, is_generation, took, calls FROM agent_took"
# Grouped by one number that stands for agent, type and step: to compare names takes longer than all the rest.
_TOOK_OF_PROFILES: Final = (
    f"SELECT {_AGENT} AS agent, p.type = 'generation' AS is_generation, each.step % 1024 - 1 AS took, each.calls "
    "FROM (SELECT w.first * 1024 + o.took + 1 AS step, count(*) AS calls FROM "
    f"(SELECT p.number, min(p.number) OVER (PARTITION BY {_AGENT}, p.type) AS first FROM profiles AS p WHERE {{profiles}}) "
    "AS w CROSS JOIN observations AS o INDEXED BY observations_by_profile ON o.profile = w.number WHERE {observations} "
    "GROUP BY 1) AS each CROSS JOIN profiles AS p ON p.number = each.step / 1024"
)
# Of some time, the index by profile has all that is summed, in the order of profiles: rows are not read, nor sorted.
_OF_TIME: Final = (
    f"SELECT {_AGENT} AS agent, count(*) AS observations, iif(p.type = 'generation', count(*), 0) AS generations, "
    "iif(p.level = 2, count(*), 0) AS errors, iif(p.type = 'agent', count(*), 0) AS invocations, "
    "sum(o.tokens) AS tokens, sum(o.cost_pico) AS cost_pico, count(o.cost_pico) AS priced, "
    "sum(o.unpriced) AS unpriced, max(o.start_ns) AS last_ns "
    "FROM profiles AS p CROSS JOIN observations AS o INDEXED BY observations_by_profile ON o.profile = p.number"
)
_HAS_CALLS: Final = "p.type IN ('agent', 'generation')"
_LAST_NS: Final = (1 << 63) - 1
_LATELY_SEEN: Final = 2_000
"""So many observations are read in a few milliseconds."""
_LATELY: Final = (
    f"SELECT agent, max(start_ns) FROM (SELECT {_AGENT.replace('p.', 'o.')} AS agent, o.start_ns FROM observations AS o "
    "INDEXED BY observations_by_start WHERE o.start_ns < ? ORDER BY o.start_ns DESC LIMIT ?) "
    "WHERE agent <> '' GROUP BY agent"
)
_SHARES: Final = (0.5, 0.95, 0.99)
_TIMES: Final = frozenset({"since_ns", "until_ns"})


Rows = Callable[[str, Sequence[object]], list[Any]]
"""Gives the rows of a query, with values for its question marks."""


class _Known(NamedTuple):
    """Queries of sums that are kept, and the values for the question marks of each."""

    sums: str
    took: str
    values: list[object]


def agent_rows(connection: sqlite3.Connection, asked: Narrowing, ask: Rows) -> list[AgentRow]:
    """Every agent that something that fits was done by, the most called first.

    `ask` gives the rows of a query, and may know them already: what whole days come to does not depend on the minute.
    """
    given = {each.name for each in fields(asked.where) if getattr(asked.where, each.name) is not None}
    parts = _parts(connection, asked, given, ask)
    sums = added_up(row for part in parts for row in part.sums)
    took = [row for part in parts for row in part.took]
    last_ns = _newest(connection, asked.where, ask) if given <= _TIMES else {}
    rows = _rows(sums, took, _actions(connection, asked, given, ask), last_ns)
    return sorted(rows, key=lambda row: (-row.calls, -row.observations, row.agent))


def _parts(connection: sqlite3.Connection, asked: Narrowing, given: set[str], ask: Rows) -> list[Done]:
    if given <= _TIMES:
        days, surplus = nearest_days_of(asked.where)
        edges = [done(connection, asked._replace(where=each)) for each in days.edges]
        taken = [taken_away(done(connection, asked._replace(where=each))) for each in surplus]
        return [_looked_up(connection, _from_days(days), ask), *edges, *taken]
    if given <= PROFILE_FIELDS | _TIMES:
        return [_looked_up(connection, _from_profiles(asked.where, given <= PROFILE_FIELDS), ask)]
    return [done(connection, asked)]


def _looked_up(connection: sqlite3.Connection, known: _Known, ask: Rows) -> Done:
    sums = f"{_SUMMED} FROM ({known.sums}) WHERE agent <> '' GROUP BY agent HAVING sum(observations) > 0"
    took = f"SELECT agent, is_generation, took, sum(calls) FROM ({known.took}) WHERE agent <> '' GROUP BY 1, 2, 3"
    return Done(connection.execute(sums, known.values).fetchall(), ask(took, known.values))


def _from_days(days: Days) -> _Known:
    fits = all_of(days.conditions)
    return _Known(
        f"{_OF_DAYS} WHERE aspect = 'agent' AND {fits}", f"{_TOOK_OF_DAYS} WHERE {fits}", days.values
    )


def _from_profiles(where: Filter, is_all: bool) -> _Known:
    """`is_all`: of whatever time, which the sums of profiles are."""
    conditions, values = profile_conditions(where)
    bounds, limits = bound_conditions(where, "o")
    fits = all_of(conditions)
    sums = _OF_PROFILES if is_all else _OF_TIME
    return _Known(
        f"{sums} WHERE {fits}" if is_all else f"{sums} WHERE {fits} AND {all_of(bounds)} GROUP BY p.number",
        _TOOK_OF_PROFILES.format(
            profiles=all_of([*conditions, _HAS_CALLS]), observations=all_of([*bounds, "o.took IS NOT NULL"])
        ),
        [*values, *limits],
    )


def _newest(connection: sqlite3.Connection, where: Filter, ask: Rows) -> dict[str, int]:
    """When the newest observation of each agent in that time started, which sums by day do not tell.

    Most agents are among the last few observations: only the profiles of others have to be gone through.
    """
    until_ns = _LAST_NS if where.until_ns is None else where.until_ns
    found = dict(connection.execute(_LATELY, (until_ns, _LATELY_SEEN)).fetchall())
    last_ns = (
        "iif(p.last_ns < ?1, p.last_ns, (SELECT max(o.start_ns) FROM observations AS o "
        "INDEXED BY observations_by_profile WHERE o.profile = p.number AND o.start_ns < ?1))"
    )
    # Agent by agent, each from its first profile on: the index is not gone through past those that are known.
    query = (
        f"WITH RECURSIVE agents (agent) AS (SELECT '' UNION ALL SELECT (SELECT min({_AGENT}) FROM profiles AS p "
        f"INDEXED BY profiles_by_agent WHERE {_AGENT} > agent) FROM agents WHERE agent IS NOT NULL) "
        f"SELECT agent, coalesce((SELECT max({last_ns}) FROM profiles AS p INDEXED BY profiles_by_agent "
        f"WHERE {_AGENT} = agent), 0) FROM agents WHERE agent <> '' AND agent NOT IN (SELECT value FROM json_each(?2))"
    )
    return found | dict(ask(query, [until_ns, orjson.dumps(sorted(found)).decode()]))


def _actions(
    connection: sqlite3.Connection, asked: Narrowing, given: set[str], ask: Rows
) -> list[tuple[str, str, int]]:
    """(agent, action, how often), the most frequent first."""
    if given <= PROFILE_FIELDS | _TIMES:
        conditions, values = bound_conditions(asked.where, "s")
        source = "signals AS s INDEXED BY signals_by_profile"
        if given - _TIMES:
            profiles, more = fitting_profiles(asked.where)
            conditions.append(f"s.profile IN {profiles}")
            values += more
    else:
        way = way_in(connection, asked)
        conditions, values = observation_conditions(asked)
        source, values = (
            f"{way.source} CROSS JOIN signals AS s ON s.record = o.record",
            [*way.values, *values],
        )
    counts = f"SELECT s.profile, s.action, count(*) AS times FROM {source} WHERE {all_of(conditions)} GROUP BY 1, 2"
    return ask(
        f"SELECT {_AGENT} AS agent, action, sum(times) FROM ({counts}) JOIN profiles AS p ON p.number = profile "
        "WHERE agent <> '' GROUP BY 1, 2 ORDER BY sum(times) DESC, action",
        values,
    )


def _rows(
    sums: Iterable[Sums],
    took: Iterable[Took],
    actions: Iterable[tuple[str, str, int]],
    last_ns: dict[str, int],
) -> list[AgentRow]:
    steps: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for agent, is_generation, step, count in took:
        steps.setdefault((agent, is_generation), []).append((step, count))
    signals: dict[str, dict[str, int]] = {}
    for agent, action, count in actions:
        signals.setdefault(agent, {})[action] = count
    return [_row(each, steps, signals.get(each[0], {}), last_ns.get(each[0], 0)) for each in sums]


def _row(
    sums: Sums,
    steps: dict[tuple[str, int], list[tuple[int, int]]],
    signals: dict[str, int],
    last_ns: int,
) -> AgentRow:
    agent, observations, generations, errors, invocations, tokens, cost_pico, priced, unpriced, seen_ns = sums
    p50_ns, p95_ns, p99_ns = percentiles(steps.get((agent, int(not invocations)), ()), _SHARES)
    return AgentRow(
        agent=agent,
        calls=invocations or generations,
        errors=errors,
        p50_ns=p50_ns,
        p95_ns=p95_ns,
        p99_ns=p99_ns,
        tokens=tokens,
        cost=dollars(cost_pico) if priced else None,
        unpriced=unpriced,
        signals=signals,
        last_ns=max(last_ns, seen_ns),
        observations=observations,
    )
