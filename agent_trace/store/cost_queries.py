"""What was spent, by any of agent, tenant, model, session and day: from the sums where these can tell.

The sums know days, hours, tenants, agents and models. A day that a question cuts in two is answered from its hours,
an hour from the observations themselves, and so is a question about anything else.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import date
from typing import Any, Final

from agent_trace.errors import SettingError
from agent_trace.store.answers import CostKey, CostRow
from agent_trace.store.conditions import Narrowing, all_of, observation_conditions
from agent_trace.store.cost_parts import CostPart, of_no_session, session_parts
from agent_trace.store.filter import Filter
from agent_trace.store.planning import PROFILE_FIELDS, is_also_a_name, profile_conditions, way_in
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
_PROFILE_NAMES: Final = {
    "tenant": "tenant_id",
    "agent_id": "agent_id",
    "agent_name": "agent_name",
    "model": "model",
}
_TENANT_KEYS: Final = frozenset({"tenant", "day"})
_OF_TENANT: Final = "tenant, '' AS agent_id, '' AS agent_name, '' AS model, '' AS session"
_NAMED: Final = frozenset({"agent", "tenant", "model"})
_TIMES: Final = frozenset({"since_ns", "until_ns"})
_LEVELS: Final = (("spent_daily", NS_AN_HOUR * HOURS_A_DAY, 1), ("spent_hourly", NS_AN_HOUR, HOURS_A_DAY))
"""Tables, the length of one of their spans, and how many of them are a day."""

_FIRST_DAY: Final = date(1970, 1, 1).toordinal()
_LAST_DAY: Final = date.max.toordinal() - _FIRST_DAY


def cost_keys(by: CostKey | Sequence[CostKey]) -> tuple[CostKey, ...]:
    """What costs are to be summed by. Raises SettingError for what they cannot be."""
    keys: tuple[CostKey, ...] = (by,) if isinstance(by, str) else tuple(by)
    if not keys or not set(keys) <= set(_KEYS):
        raise SettingError(
            f"by={by!r} is not what costs are summed by: {', '.join(_KEYS)}, or several of them"
        )
    return keys


def cost_list(
    connection: sqlite3.Connection, asked: Narrowing, by: Sequence[CostKey], idle: bool, limit: int | None
) -> list[CostRow]:
    """Tokens and cost by keys, the most expensive first. `idle`: also what had neither."""
    parts = _parts(connection, asked, by)
    keys = ", ".join(_KEYS[each] for each in by)
    places = ", ".join(str(place + 1) for place in range(len(by)))
    sums = ", ".join(f"sum({each})" for each in SUMS)
    rows = connection.execute(
        f"SELECT {keys}, {sums} FROM ({' UNION ALL '.join(part.sums for part in parts)}) GROUP BY {places} "
        f"HAVING sum(calls) > 0 {'OR sum(invocations) > 0' if idle else ''} "
        f"ORDER BY iif(sum(priced), sum(cost_pico), -1) DESC, sum(calls) DESC, {places} LIMIT ?",
        [*(value for part in parts for value in part.values), -1 if limit is None else limit],
    ).fetchall()
    rarer: dict[tuple[object, ...], dict[str, int]] = {}
    if any(row[-1] for row in rows):
        rarer = _rarer_tokens(connection, parts, keys, places)
    n = len(by)
    return [_row(by, row[:n], row[n:], rarer.get(row[:n])) for row in rows]


def _rarer_tokens(
    connection: sqlite3.Connection, parts: Sequence[CostPart], keys: str, places: str
) -> dict[tuple[object, ...], dict[str, int]]:
    union = " UNION ALL ".join(part.rarer for part in parts)
    found: dict[tuple[object, ...], dict[str, int]] = {}
    for *key, name, count in connection.execute(
        f"SELECT {keys}, class, sum(count) FROM ({union}) GROUP BY {places}, class",
        [value for part in parts for value in part.rarer_values],
    ):
        found.setdefault(tuple(key), {})[name] = count
    return found


def _row(
    by: Sequence[CostKey], key: tuple[object, ...], sums: Sequence[int], rarer: dict[str, int] | None
) -> CostRow:
    calls, invocations, priced, unpriced, cost_pico, *usage, _ = sums
    keys = tuple([_day(value) if each == "day" else str(value) for each, value in zip(by, key, strict=True)])
    tokens = {name: count for name, count in zip(USAGE_COLUMNS, usage, strict=True) if count}
    if rarer:
        tokens |= {name: count for name, count in rarer.items() if count}
    total = dollars(cost_pico) if priced else None
    return CostRow(keys[0], total, tokens, calls, unpriced, keys, invocations)


def _day(number: object) -> str:
    ordinal = min(int(str(number)), _LAST_DAY) + _FIRST_DAY
    return date.fromordinal(ordinal).isoformat()


def _parts(connection: sqlite3.Connection, asked: Narrowing, by: Sequence[CostKey]) -> list[CostPart]:
    where = asked.where
    given = {each.name for each in fields(where) if getattr(where, each.name) is not None}
    # An empty name in a filter is a name; in the sums it is none.
    named = all(value != "" for value in (where.agent, where.tenant, where.model))
    summed = named and given <= _SUMMED and set(by) <= _SUMMED_KEYS
    aspect = _aspect(connection, where, given | set(by)) if summed else ""
    if given <= PROFILE_FIELDS and set(by) <= _NAMED and not aspect:
        return [_from_profiles(connection, asked)]
    if summed:
        return _from_spans(connection, where, aspect, is_by_tenant=set(by) <= _TENANT_KEYS)
    if given <= _TIMES and tuple(by) == ("session",):
        rest = _from_spans(connection, where, _aspect(connection, where, given))
        return session_parts(where) + [of_no_session(part) for part in rest]
    return [_from_observations(connection, asked)]


def _aspect(connection: sqlite3.Connection, where: Filter, mentioned: set[str]) -> str:
    """What the sums by day have to tell apart, when it is one thing at most; empty when it is more."""
    aspects = mentioned & _NAMED
    if len(aspects) > 1 or (where.agent is not None and is_also_a_name(connection, where.agent)):
        return ""
    return next(iter(aspects), "model")


def _from_profiles(connection: sqlite3.Connection, asked: Narrowing) -> CostPart:
    conditions, values = profile_conditions(asked.where)
    names = ", ".join(f"coalesce(p.{column}, '') AS {each}" for each, column in _PROFILE_NAMES.items())
    rarer = _from_observations(connection, asked)
    return CostPart(
        f"SELECT {names}, '' AS session, 0 AS day, {', '.join(f'p.{each}' for each in SUMS)} "
        f"FROM profiles AS p WHERE {all_of(conditions)}",
        rarer.rarer,
        values,
        rarer.rarer_values,
    )


def _from_spans(
    connection: sqlite3.Connection, where: Filter, aspect: str, level: int = 0, *, is_by_tenant: bool = False
) -> list[CostPart]:
    """Whole days from the sums by day; at both ends, whole hours and then observations."""
    if level == len(_LEVELS):
        return [_from_observations(connection, Narrowing(where))]
    span_ns, (since_ns, until_ns) = _LEVELS[level][1], (where.since_ns, where.until_ns)
    first = None if since_ns is None else -(-since_ns // span_ns)
    end = None if until_ns is None else until_ns // span_ns
    if first is not None and end is not None and first >= end:
        return _from_spans(connection, where, aspect, level + 1, is_by_tenant=is_by_tenant)
    parts = [_from_sums(where, level, first, end, is_by_tenant)]
    if level == 0 and aspect:
        parts = [parts[0]._replace(**_of_days(where, aspect, first, end))]
    if since_ns is not None and first is not None and first * span_ns > since_ns:
        before = replace(where, until_ns=first * span_ns)
        parts += _from_spans(connection, before, aspect, level + 1, is_by_tenant=is_by_tenant)
    if until_ns is not None and end is not None and end * span_ns < until_ns:
        after = replace(where, since_ns=end * span_ns)
        parts += _from_spans(connection, after, aspect, level + 1, is_by_tenant=is_by_tenant)
    return parts


def _of_days(where: Filter, aspect: str, first: int | None, end: int | None) -> dict[str, Any]:
    """The same sums of whole days from where only the names of one aspect are told apart: a row a day and name."""
    value = getattr(where, aspect)
    asked = [("aspect = ?", aspect), ("value = ?", value), ("span >= ?", first), ("span < ?", end)]
    given = [(condition, each) for condition, each in asked if each is not None]
    column = "agent_id" if aspect == "agent" else aspect
    names = ", ".join(f"{'value' if each == column else repr('')} AS {each}" for each in _NAMES)
    fits = all_of([condition for condition, _ in given])
    return {
        "sums": f"SELECT {names}, '' AS session, span AS day, {', '.join(SUMS)} FROM name_days WHERE {fits}",
        "values": [each for _, each in given],
    }


def _from_sums(where: Filter, level: int, first: int | None, end: int | None, is_by_tenant: bool) -> CostPart:
    table, _, spans_a_day = _LEVELS[level]
    conditions, values = _of_sums(where, first, end)
    if where.tenant is not None and level == 0:
        # The day comes first in the table: with the days of the tenant, nobody else's rows are read.
        conditions.append("span IN (SELECT span FROM name_days WHERE aspect = 'tenant' AND value = ?)")
        values.append(where.tenant)
    names = f"{', '.join(_NAMES)}, '' AS session"
    # Rarer classes are kept by hour alone.
    hours = [None if each is None else each * HOURS_A_DAY // spans_a_day for each in (first, end)]
    rarer_conditions, rarer_values = _of_sums(where, *hours)
    day, fits = f"span / {spans_a_day} AS day", all_of(conditions)
    sums = f"SELECT {names}, {day}, {', '.join(SUMS)} FROM {table} WHERE {fits}"
    if is_by_tenant:
        # The tables lie in this order: what is added up as it is read, need not be put in order afterwards.
        added = ", ".join(f"sum({each}) AS {each}" for each in SUMS)
        sums = f"SELECT {_OF_TENANT}, {day}, {added} FROM {table} WHERE {fits} GROUP BY span, tenant"
    return CostPart(
        sums,
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
        conditions.append("(agent_id = ? OR agent_name = ?)")
        values += [where.agent, where.agent]
    return conditions, values


def _from_observations(connection: sqlite3.Connection, asked: Narrowing) -> CostPart:
    conditions, values = observation_conditions(asked)
    way = way_in(connection, asked)
    fits, values = all_of(conditions), [*way.values, *values]
    names = ", ".join(f"{OF_OBSERVATION[each]} AS {each}" for each in _NAMES)
    names += f", coalesce(o.session_id, '') AS session, {OF_OBSERVATION['span']} / {HOURS_A_DAY} AS day"
    sums = ", ".join(f"{OF_OBSERVATION[each]} AS {each}" for each in SUMS)
    return CostPart(
        f"SELECT {names}, {sums} FROM {way.source} WHERE {COUNTED} AND {fits}",
        f"SELECT {names}, each.key AS class, each.value AS count FROM {way.source}, "
        f"json_each(o.usage_other) AS each WHERE o.usage_other IS NOT NULL AND {fits}",
        values,
        values,
    )
