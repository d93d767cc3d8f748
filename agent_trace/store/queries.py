"""Questions about traces and signals: one function each, answered from the index alone."""

import sqlite3
from typing import Any, Final

import orjson

from agent_trace.store.answers import Filter, SignalRow, Status, TraceRow
from agent_trace.store.filters import (
    all_of,
    bound_conditions,
    id_bytes,
    observation_conditions,
    text_conditions,
)
from agent_trace.store.liveness import Liveness
from agent_trace.store.rows import dollars

_HEAD: Final = """
SELECT name, agent_id, agent_name, tenant_id, user_id, session_id, input_preview, output_preview
FROM observations WHERE trace = ? ORDER BY is_root DESC, start_ns LIMIT 50
"""
"""The root of a trace and the first few below it: where the scope of a trace is looked for."""


def trace_rows(
    connection: sqlite3.Connection, liveness: Liveness, where: Filter, limit: int, before: TraceRow | None
) -> list[TraceRow]:
    """Traces that fit, the newest first."""
    conditions, values = _trace_conditions(where)
    if before is not None:
        conditions.append(
            "(t.start_ns, t.number) < (?, coalesce((SELECT number FROM traces WHERE trace_id = ?), 0))"
        )
        values += [before.start_ns, id_bytes(before.trace_id)]
    query = f"SELECT * FROM traces AS t WHERE {all_of(conditions)} ORDER BY t.start_ns DESC, t.number DESC LIMIT ?"
    found = connection.execute(query, (*values, limit)).fetchall()
    return [_trace_row(connection, liveness, columns) for columns in found]


def trace_row(connection: sqlite3.Connection, liveness: Liveness, number: int) -> TraceRow:
    """The row of one trace."""
    columns = connection.execute("SELECT * FROM traces WHERE number = ?", (number,)).fetchone()
    return _trace_row(connection, liveness, columns)


def _trace_conditions(where: Filter) -> tuple[list[str], list[object]]:
    # Said in these words, the condition lets SQLite use the index of traces that have observations.
    conditions, values = ["t.observations > 0"], list[object]()
    bounds, limits = bound_conditions(where, "t")
    texts, words = text_conditions(where)
    if where.session is not None or where.user is not None:
        bounds.append(f"t.number IN (SELECT o.trace FROM observations AS o WHERE {all_of(texts)})")
    elif texts:
        # Trace by trace from the newest on: what many traces have is found before a list of them all is made.
        bounds.append(
            f"EXISTS (SELECT 1 FROM observations AS o WHERE o.trace = t.number AND {all_of(texts)})"
        )
    if texts:
        limits += words
    if where.trace_id is not None:
        bounds.append("t.trace_id = ?")
        limits.append(id_bytes(where.trace_id))
    return conditions + bounds, values + limits


def _trace_row(connection: sqlite3.Connection, liveness: Liveness, columns: tuple[Any, ...]) -> TraceRow:
    number, trace_id, start_ns, end_ns, observations, generations, tokens, cost_pico, priced = columns[:9]
    unpriced, errors, opened, agents, models = columns[9:]
    head = _head(connection, number)
    return TraceRow(
        trace_id=trace_id.hex(),
        start_ns=start_ns,
        end_ns=end_ns,
        status=_status(connection, liveness, number, opened, errors),
        observations=observations,
        generations=generations,
        tokens=tokens,
        cost=dollars(cost_pico) if priced else None,
        unpriced=unpriced,
        errors=errors,
        agents=orjson.loads(agents),
        models=orjson.loads(models),
        signals=_actions(connection, number),
        **head,
    )


def _head(connection: sqlite3.Connection, number: int) -> dict[str, Any]:
    """Name and previews of the root; of the scope, what the root or else the first one below it has."""
    rows = connection.execute(_HEAD, (number,)).fetchall()
    scope = {
        key: next((row[place] for row in rows if row[place] is not None), None)
        for place, key in ((3, "tenant_id"), (4, "user_id"), (5, "session_id"))
    }
    agent = next((row for row in rows if row[1] or row[2]), (None,) * 8)
    return {
        "name": rows[0][0] or "",
        "agent_id": agent[1],
        "agent_name": agent[2],
        "input_preview": rows[0][6],
        "output_preview": rows[0][7],
        **scope,
    }


def _status(
    connection: sqlite3.Connection, liveness: Liveness, number: int, opened: int, errors: int
) -> Status:
    if opened:
        query = "SELECT record FROM observations WHERE trace = ? AND opened ORDER BY record DESC"
        states = {liveness.state_of(record) for (record,) in connection.execute(query, (number,))}
        return "running" if "running" in states else "interrupted"
    return "error" if errors else "ok"


def _actions(connection: sqlite3.Connection, number: int) -> list[str]:
    query = "SELECT action FROM signals WHERE trace = ? ORDER BY at_ns, record, nth"
    return [action for (action,) in connection.execute(query, (number,))]


def signal_list(connection: sqlite3.Connection, where: Filter, limit: int | None) -> list[SignalRow]:
    """Signals of observations that fit, oldest first; with a limit, the newest so many."""
    conditions, values = observation_conditions(where)
    if where.signal is not None:
        conditions.append("s.action = ? COLLATE NOCASE")
        values.append(where.signal)
    rows = connection.execute(
        "SELECT s.at_ns, coalesce(nullif(o.agent_id, ''), o.agent_name), s.action, s.confidence, s.percent, s.symbol, "
        "t.trace_id, o.id FROM signals AS s JOIN observations AS o ON o.record = s.record "
        f"JOIN traces AS t ON t.number = s.trace WHERE {all_of(conditions)} "
        "ORDER BY s.at_ns DESC, s.record DESC, s.nth DESC LIMIT ?",
        (*values, -1 if limit is None else limit),
    )
    return [
        SignalRow(at_ns, agent, action, _as_given(confidence), percent, symbol, trace_id.hex(), id.hex())
        for at_ns, agent, action, confidence, percent, symbol, trace_id, id in reversed(rows.fetchall())
    ]


def _as_given(confidence: str | None) -> float | str | None:
    """A confidence as it was given: a number or a word; anything else as its JSON."""
    given = None if confidence is None else orjson.loads(confidence)
    return given if given is None or isinstance(given, int | float | str) else confidence
