"""What was spent, by any of agent, tenant, model, session and day: from the sums where these can tell.

The sums know days, hours, tenants, agents and models. A day that a question cuts in two is answered from its hours,
an hour from the observations themselves, and so is a question about anything else.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import date
from typing import Final, NamedTuple

from agent_trace.store.answers import CostKey, CostRow, Filter
from agent_trace.store.filters import all_of, observation_conditions
from agent_trace.store.rows import USAGE_COLUMNS, dollars
from agent_trace.store.spending import COUNTED, HOURS_A_DAY, NS_AN_HOUR, OF_OBSERVATION, SUMS

_SUMMED: Final = frozenset({"agent", "tenant", "model", "since_ns", "until_ns"})
_SUMMED_KEYS: Final = frozenset({"agent", "tenant", "model", "day"})
_KEYS: Final[dict[CostKey, str]] = {
    "agent": "coalesce(nullif(agent_id, ''), agent_name)",
    "tenant": "tenant",
    "model": "model",
    "session": "session",
    "day": "day",
}
_NAMES: Final = ("tenant", "agent_id", "agent_name", "model")
_LEVELS: Final = (("spent_daily", NS_AN_HOUR * HOURS_A_DAY, 1), ("spent_hourly", NS_AN_HOUR, HOURS_A_DAY))
"""Tables, the length of one of their spans, and how many of them are a day."""

_FIRST_DAY: Final = date(1970, 1, 1).toordinal()
_LAST_DAY: Final = date.max.toordinal() - _FIRST_DAY


class _Part(NamedTuple):
    """Queries for rows to be added up, and the values for their question marks."""

    sums: str
    rarer: str
    values: list[object]
    rarer_values: list[object]


def cost_list(connection: sqlite3.Connection, where: Filter, by: Sequence[CostKey]) -> list[CostRow]:
    """Tokens and cost by keys, the most expensive first."""
    parts = _parts(where, by)
    keys = ", ".join(_KEYS[each] for each in by)
    places = ", ".join(str(place + 1) for place in range(len(by)))
    sums = ", ".join(f"sum({each})" for each in SUMS)
    rows = connection.execute(
        f"SELECT {keys}, {sums} FROM ({' UNION ALL '.join(part.sums for part in parts)}) GROUP BY {places}",
        [value for part in parts for value in part.values],
    ).fetchall()
    rarer: dict[tuple[object, ...], dict[str, int]] = {}
    if any(row[-1] for row in rows):
        rarer = _rarer_tokens(connection, parts, keys, places)
    n = len(by)
    found = [_row(by, row[:n], row[n:], rarer.get(tuple(row[:n]), {})) for row in rows]
    return sorted(
        found, key=lambda row: (-(row.total if row.total is not None else -1), -row.calls, row.keys)
    )


def _rarer_tokens(
    connection: sqlite3.Connection, parts: Sequence[_Part], keys: str, places: str
) -> dict[tuple[object, ...], dict[str, int]]:
    union = " UNION ALL ".join(part.rarer for part in parts)
    found: dict[tuple[object, ...], dict[str, int]] = {}
    for *key, name, count in connection.execute(
        f"SELECT {keys}, class, sum(count) FROM ({union}) GROUP BY {places}, class",
        [value for part in parts for value in part.rarer_values],
    ):
        found.setdefault(tuple(key), {})[name] = count
    return found


def _row(by: Sequence[CostKey], key: Sequence[object], sums: Sequence[int], rarer: dict[str, int]) -> CostRow:
    calls, invocations, priced, unpriced, cost_pico, *usage, _ = sums
    keys = tuple(_day(value) if each == "day" else str(value) for each, value in zip(by, key, strict=True))
    counted = {**dict(zip(USAGE_COLUMNS, usage, strict=True)), **rarer}
    return CostRow(
        key=keys[0],
        total=dollars(cost_pico) if priced else None,
        tokens={name: count for name, count in counted.items() if count},
        calls=calls,
        unpriced=unpriced,
        keys=keys,
        invocations=invocations,
    )


def _day(number: object) -> str:
    ordinal = min(int(str(number)), _LAST_DAY) + _FIRST_DAY
    return date.fromordinal(ordinal).isoformat()


def _parts(where: Filter, by: Sequence[CostKey]) -> list[_Part]:
    asked = {each.name for each in fields(where) if getattr(where, each.name) is not None}
    # An empty name in a filter is a name; in the sums it is none.
    named = all(value != "" for value in (where.agent, where.tenant, where.model))
    if not (asked <= _SUMMED and set(by) <= _SUMMED_KEYS and named):
        return [_from_observations(where)]
    return _from_spans(where)


def _from_spans(where: Filter, level: int = 0) -> list[_Part]:
    """Whole days from the sums by day; at both ends, whole hours and then observations."""
    if level == len(_LEVELS):
        return [_from_observations(where)]
    span_ns, (since_ns, until_ns) = _LEVELS[level][1], (where.since_ns, where.until_ns)
    first = None if since_ns is None else -(-since_ns // span_ns)
    end = None if until_ns is None else until_ns // span_ns
    if first is not None and end is not None and first >= end:
        return _from_spans(where, level + 1)
    parts = [_from_sums(where, level, first, end)]
    if since_ns is not None and first is not None and first * span_ns > since_ns:
        parts += _from_spans(replace(where, until_ns=first * span_ns), level + 1)
    if until_ns is not None and end is not None and end * span_ns < until_ns:
        parts += _from_spans(replace(where, since_ns=end * span_ns), level + 1)
    return parts


def _from_sums(where: Filter, level: int, first: int | None, end: int | None) -> _Part:
    table, _, spans_a_day = _LEVELS[level]
    conditions, values = _of_sums(where, first, end)
    names = f"{', '.join(_NAMES)}, '' AS session"
    # Rarer classes are kept by hour alone.
    hours = [None if each is None else each * HOURS_A_DAY // spans_a_day for each in (first, end)]
    rarer_conditions, rarer_values = _of_sums(where, *hours)
    return _Part(
        f"SELECT {names}, span / {spans_a_day} AS day, {', '.join(SUMS)} FROM {table} WHERE {all_of(conditions)}",
        f"SELECT {names}, span / {HOURS_A_DAY} AS day, class, count FROM spent_rarely WHERE {all_of(rarer_conditions)}",
        values,
        rarer_values,
    )


def _of_sums(where: Filter, first: int | None, end: int | None) -> tuple[list[str], list[object]]:
    asked = (
        ("tenant = ?", where.tenant),
        ("model = ?", where.model),
        ("span >= ?", first),
        ("span < ?", end),
    )
    conditions = [condition for condition, value in asked if value is not None]
    values: list[object] = [value for _, value in asked if value is not None]
    if where.agent is not None:
        # Said in these words, the second half can use an index of the names that there are.
        conditions.append("(agent_id = ? OR (agent_name = ? AND agent_name <> ''))")
        values += [where.agent, where.agent]
    return conditions, values


def _from_observations(where: Filter) -> _Part:
    conditions, values = observation_conditions(where)
    names = ", ".join(f"{OF_OBSERVATION[each]} AS {each}" for each in _NAMES)
    names += f", coalesce(o.session_id, '') AS session, {OF_OBSERVATION['span']} / {HOURS_A_DAY} AS day"
    sums = ", ".join(f"{OF_OBSERVATION[each]} AS {each}" for each in SUMS)
    return _Part(
        f"SELECT {names}, {sums} FROM observations AS o WHERE {COUNTED} AND {all_of(conditions)}",
        f"SELECT {names}, each.key AS class, each.value AS count FROM observations AS o, "
        f"json_each(o.usage_other) AS each WHERE o.usage_other IS NOT NULL AND {all_of(conditions)}",
        values,
        values,
    )
