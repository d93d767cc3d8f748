"""Questions about traces and signals: one function each, answered from the index alone."""

import sqlite3
from itertools import islice
from typing import Any, Final

import orjson

from agent_trace.store.answers import Status, TracePage, TraceRow
from agent_trace.store.filters import (
    Conditions,
    Narrowing,
    Places,
    all_of,
    bound_conditions,
    id_bytes,
    status_conditions,
    text_conditions,
)
from agent_trace.store.liveness import Liveness
from agent_trace.store.planning import FEW, newest_of_profiles, shortest_way
from agent_trace.store.rows import dollars
from agent_trace.store.walking import Walk

_MOST_LOOKED_AT: Final = 15_000
"""So many observations are looked at for one page, in some hundredths of a second."""
_ONE_OF_TRACE: Final = (
    "SELECT 1 FROM observations AS o INDEXED BY observations_by_trace WHERE o.trace = t.number"
)
_IS_OF_SESSION: Final = (
    "EXISTS (SELECT 1 FROM session_traces AS st "
    "WHERE st.session = (SELECT number FROM sessions WHERE session_id = ?) AND st.trace = t.number)"
)
_COLUMNS: Final = (
    "number, trace_id, start_ns, end_ns, observations, generations, tokens, cost_pico, priced, unpriced, errors, "
    "opened, agents, models"
)
_HEAD: Final = """
SELECT name, agent_id, agent_name, tenant_id, user_id, session_id, input_preview, output_preview
FROM observations WHERE trace = ? ORDER BY is_root DESC, start_ns LIMIT 50
"""
"""The root of a trace and the first few below it: where the scope of a trace is looked for."""


def trace_rows(
    connection: sqlite3.Connection,
    liveness: Liveness,
    asked: Narrowing,
    limit: int,
    before_key: tuple[int, str] | None,
) -> list[TraceRow]:
    """Traces that fit, the newest first, from the one behind `before_key` (start, trace id) on."""
    said = common_text(asked)
    conditions, values = _after(before_key, trace_conditions(connection, asked))
    if said is not None:
        numbers = Walk(connection, said, asked, (conditions, values)).numbers()
        return [trace_row(connection, liveness, number) for number in islice(numbers, limit)]
    query = f"SELECT {_COLUMNS} FROM traces AS t WHERE {all_of(conditions)} ORDER BY t.start_ns DESC, t.number DESC LIMIT ?"
    found = connection.execute(query, (*values, limit)).fetchall()
    return [_trace_row(connection, liveness, columns) for columns in found]


def trace_page(
    connection: sqlite3.Connection,
    liveness: Liveness,
    asked: Narrowing,
    limit: int,
    before_key: tuple[int, str] | None,
) -> TracePage:
    """The same, with where the list goes on; of a common text, no more traces are gone through than takes little time."""
    said = common_text(asked)
    if said is None:
        rows = trace_rows(connection, liveness, asked, limit + 1, before_key)
    else:
        conditions = _after(before_key, trace_conditions(connection, asked))
        walk = Walk(connection, said, asked, conditions, _MOST_LOOKED_AT)
        rows = [trace_row(connection, liveness, each) for each in islice(walk.numbers(), limit + 1)]
        if len(rows) <= limit and not walk.is_complete:
            reached = trace_row(connection, liveness, walk.reached)
            return TracePage(rows, (reached.start_ns, reached.trace_id), is_complete=False)
    if len(rows) <= limit:
        return TracePage(rows, None)
    return TracePage(rows[:limit], (rows[limit - 1].start_ns, rows[limit - 1].trace_id))


def common_text(asked: Narrowing) -> Places | None:
    """The text that is asked for, when traces that say it are better come upon than looked up."""
    return asked.said if asked.said is not None and asked.said.is_common else None


def _after(key: tuple[int, str] | None, asked: Conditions) -> Conditions:
    if key is None:
        return asked
    conditions, values = asked
    behind = "(t.start_ns, t.number) < (?, coalesce((SELECT number FROM traces WHERE trace_id = ?), 0))"
    return [*conditions, behind], [*values, key[0], id_bytes(key[1])]


def trace_row(connection: sqlite3.Connection, liveness: Liveness, number: int) -> TraceRow:
    """The row of one trace."""
    columns = connection.execute(f"SELECT {_COLUMNS} FROM traces WHERE number = ?", (number,)).fetchone()
    return _trace_row(connection, liveness, columns)


def trace_conditions(connection: sqlite3.Connection, asked: Narrowing) -> Conditions:
    """All that a filter asks of a trace `t`; but what is said in it, a walk finds out when that is common."""
    where, is_walked = asked.where, common_text(asked) is not None
    if is_walked:
        asked = asked._replace(said=None)
    # Said in these words, the condition lets SQLite use the index of traces that have observations.
    conditions, values = ["t.observations > 0"], list[object]()
    bounds, limits = bound_conditions(where, "t")
    texts, words = text_conditions(asked)
    if texts:
        way = shortest_way(connection, asked)
        if way is not None and way.expected <= FEW:
            bounds.append(f"t.number IN (SELECT o.trace FROM {way.source} WHERE {all_of(texts)})")
            limits += [*way.values, *words]
        else:
            newest_ns = newest_of_profiles(connection, where)
            if newest_ns is not None:
                bounds.append("t.start_ns <= ?")
                limits.append(newest_ns)
            if not is_walked:
                # Trace by trace from the newest on: what many have is found before a list of them all is made.
                # Of a session, the sums know its traces; no observation has to be read.
                is_session = len(texts) == 1 and where.session is not None
                bounds.append(
                    _IS_OF_SESSION if is_session else f"EXISTS ({_ONE_OF_TRACE} AND {all_of(texts)})"
                )
                limits += words
    if where.trace_id is not None:
        bounds.append("t.trace_id = ?")
        limits.append(id_bytes(where.trace_id))
    statuses, more = status_conditions(asked, "t")
    return conditions + bounds + statuses, values + limits + more


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
