"""Questions about sessions: one row each, whole, and who comes before and after a trace in one."""

import sqlite3
from typing import Any, Final

import orjson

from agent_trace.costs import pico
from agent_trace.store.conditions import (
    NS_A_SECOND,
    Conditions,
    Narrowing,
    all_of,
    id_bytes,
    status_conditions,
    text_conditions,
)
from agent_trace.store.overviews import SessionRow
from agent_trace.store.planning import few_of
from agent_trace.store.rows import dollars

_COLUMNS: Final = (
    "s.number, s.session_id, s.first_ns, s.last_ns, s.agents, s.tenants, s.observations, s.generations, s.errors, "
    "s.usage_input + s.usage_output + s.usage_cache_read + s.usage_cache_write + s.usage_reasoning + s.usage_other, "
    "s.cost_pico, s.priced, s.unpriced"
)
_TRACES: Final = "SELECT count(*) FROM session_traces WHERE session = ?"
_ACTIONS: Final = (
    "SELECT g.action, count(*) FROM session_traces AS st JOIN signals AS g ON g.trace = st.trace "
    "JOIN observations AS o ON o.record = g.record WHERE st.session = ? AND o.session_id = ? "
    "GROUP BY g.action ORDER BY count(*) DESC, g.action"
)


def session_rows(
    connection: sqlite3.Connection, asked: Narrowing, limit: int, before_key: tuple[int, str] | None
) -> list[SessionRow]:
    """Sessions that fit, those with the newest observations first."""
    conditions, values = _conditions(connection, asked)
    if before_key is not None:
        conditions.append("(s.last_ns, s.session_id) < (?, ?)")
        values += before_key
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM sessions AS s WHERE {all_of(conditions)} "
        "ORDER BY s.last_ns DESC, s.session_id DESC LIMIT ?",
        (*values, limit),
    ).fetchall()
    return [_session_row(connection, row) for row in rows]


def _session_row(connection: sqlite3.Connection, columns: tuple[Any, ...]) -> SessionRow:
    number, id, first_ns, last_ns, agents, tenants, observations, generations, errors, *spent = columns
    tokens, cost_pico, priced, unpriced = spent
    return SessionRow(
        session_id=id,
        first_ns=first_ns,
        last_ns=last_ns,
        traces=connection.execute(_TRACES, (number,)).fetchone()[0],
        observations=observations,
        generations=generations,
        tokens=tokens,
        cost=dollars(cost_pico) if priced else None,
        unpriced=unpriced,
        errors=errors,
        tenants=orjson.loads(tenants),
        agents=orjson.loads(agents),
        signals=dict(connection.execute(_ACTIONS, (number, id)).fetchall()),
    )


def _conditions(connection: sqlite3.Connection, asked: Narrowing) -> Conditions:
    """All that a filter asks of a session `s`."""
    where = asked.where
    bounds = (
        ("s.last_ns >= ?", where.since_ns),
        ("s.first_ns < ?", where.until_ns),
        ("s.priced > 0 AND s.cost_pico >= ?", None if where.min_cost is None else pico(where.min_cost)),
        (
            "s.last_ns - s.first_ns >= ?",
            None if where.min_duration_s is None else int(where.min_duration_s * NS_A_SECOND),
        ),
        ("s.session_id = ?", where.session),
    )
    conditions = [condition for condition, value in bounds if value is not None]
    values: list[object] = [value for _, value in bounds if value is not None]
    has_one, more = _has_one(connection, asked)
    return conditions + has_one, values + more


def _has_one(connection: sqlite3.Connection, asked: Narrowing) -> Conditions:
    """What its observations, and the traces of these, have to be."""
    texts, values = text_conditions(asked)
    statuses, more = status_conditions(asked, "t")
    if asked.where.trace_id is not None:
        statuses.append("t.trace_id = ?")
        more.append(id_bytes(asked.where.trace_id))
    if not texts and not statuses:
        return [], []
    joined = "JOIN traces AS t ON t.number = o.trace" if statuses else ""
    fits = all_of([*texts, *statuses])
    way = few_of(connection, asked)
    if way is not None:
        texts, values = text_conditions(asked, way.known)
        fits = all_of([*texts, *statuses])
        return [f"s.session_id IN (SELECT o.session_id FROM {way.source} {joined} WHERE {fits})"], [
            *way.values,
            *values,
            *more,
        ]
    has_tenant, tenant = _has_tenant(asked.where.tenant)
    return [
        *has_tenant,
        "EXISTS (SELECT 1 FROM session_traces AS st CROSS JOIN observations AS o INDEXED BY observations_by_trace "
        f"ON o.trace = st.trace {joined} WHERE st.session = s.number AND o.session_id = s.session_id AND {fits})",
    ], [*tenant, *values, *more]


def _has_tenant(tenant: str | None) -> Conditions:
    """What the row of a session says of a tenant: without it, all that others' sessions hold would be gone through."""
    if not tenant:  # one without a name is not listed
        return [], []
    return ["EXISTS (SELECT 1 FROM json_each(s.tenants) WHERE value = ?)"], [tenant]
