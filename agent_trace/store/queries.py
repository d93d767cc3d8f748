"""Questions about traces and signals: one function each, answered from the index alone."""

import sqlite3
from itertools import islice
from typing import Any, Final

import orjson

from agent_trace.store.answers import Status, TracePage, TraceRow
from agent_trace.store.conditions import (
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
from agent_trace.store.planning import few_of, newest_of_profiles, way_to_tagged
from agent_trace.store.rows import dollars
from agent_trace.store.stretches import LAST_NS, newest_first, start_of_newest
from agent_trace.store.walking import Walk

_MOST_LOOKED_AT: Final = 15_000
"""So many observations are looked at for one page, in some hundredths of a second."""
_LOOKED_INTO: Final = 5_000
"""So many traces are looked into before a list of all that have a tag and something else is made."""
_ONE_OF_TRACE: Final = (
    "SELECT 1 FROM observations AS o INDEXED BY observations_by_trace WHERE o.trace = t.number"
)
_IS_OF_SESSION: Final = (
    "EXISTS (SELECT 1 FROM session_traces AS st "
    "WHERE st.session = (SELECT number FROM sessions WHERE session_id = ?) AND st.trace = t.number)"
)
_RARE: Final = ("error", "running", "interrupted")
"""Of so few traces each can be looked into."""
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
    begin_ns = LAST_NS if before_key is None else before_key[0]
    conditions, values = _after(before_key, trace_conditions(connection, asked, begin_ns))
    if said is not None:
        numbers = Walk(connection, said, asked, (conditions, values)).numbers()
        return [trace_row(connection, liveness, number) for number in islice(numbers, limit)]
    found = list[tuple[Any, ...]]()
    for stretch in newest_first(connection, asked, begin_ns):
        query = (
            f"SELECT {_COLUMNS} FROM {stretch.source} WHERE {all_of([*stretch.conditions, *conditions])} "
            "ORDER BY t.start_ns DESC, t.number DESC LIMIT ?"
        )
        found += connection.execute(query, (*stretch.values, *values, limit - len(found))).fetchall()
        if len(found) >= limit:
            break
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


def trace_conditions(
    connection: sqlite3.Connection, asked: Narrowing, begin_ns: int | None = None
) -> Conditions:
    """All that a filter asks of a trace `t`; but what is said in it, a walk finds out when that is common.

    `begin_ns`: where a list of the newest begins. Without it, no more traces are asked about than can be looked into.
    """
    where, is_walked = asked.where, common_text(asked) is not None
    if is_walked:
        asked = asked._replace(said=None)
    # Said in these words, the condition lets SQLite use the index of traces that have observations.
    conditions, values = ["t.observations > 0"], list[object]()
    bounds, limits = bound_conditions(where, "t")
    texts, words = _texts_of_trace(connection, asked, is_walked, begin_ns)
    bounds, limits = bounds + texts, limits + words
    if where.trace_id is not None:
        bounds.append("t.trace_id = ?")
        limits.append(id_bytes(where.trace_id))
    statuses, more = status_conditions(asked, "t")
    return conditions + bounds + statuses, values + limits + more


def _texts_of_trace(
    connection: sqlite3.Connection, asked: Narrowing, is_walked: bool, begin_ns: int | None
) -> Conditions:
    """What the text fields ask of a trace `t`: that one of its observations has it all."""
    texts = text_conditions(asked)
    if not texts[0]:
        return [], []
    # A walk with more conditions would go further back with the same work, and its page would be another one.
    way = few_of(connection, asked, is_together=not is_walked)
    if way is not None:
        conditions, values = text_conditions(asked, way.known)
        source = f"SELECT o.trace FROM {way.source} WHERE {all_of(conditions)}"
        return [f"t.number IN ({source})"], [*way.values, *values]
    newest_ns = newest_of_profiles(connection, asked.where)
    if begin_ns is not None and newest_ns is not None:
        begin_ns = min(begin_ns, newest_ns)
    conditions, values = ([], []) if is_walked else _has_one(connection, asked, texts, begin_ns)
    if newest_ns is None:
        return conditions, values
    return ["t.start_ns <= ?", *conditions], [newest_ns, *values]


def _has_one(
    connection: sqlite3.Connection, asked: Narrowing, texts: Conditions, begin_ns: int | None
) -> Conditions:
    """Whether one of its observations fits, for what many have. `begin_ns`: no newer one does.

    Trace by trace from the newest on: what many have is found before a list of them all is made.
    """
    where, (conditions, values) = asked.where, texts
    if where.session is not None and len(conditions) == 1:
        # The sums know its traces; no observation has to be read.
        return [_IS_OF_SESSION], values
    looked_into = f"EXISTS ({_ONE_OF_TRACE} AND {all_of(conditions)})"
    way = None if begin_ns is None or where.status in _RARE else way_to_tagged(connection, asked)
    if way is None or begin_ns is None:
        return [looked_into], values
    until_ns = begin_ns if where.until_ns is None else min(begin_ns, where.until_ns)
    since_ns = start_of_newest(connection, until_ns, _LOOKED_INTO)
    if since_ns <= (where.since_ns or 0):
        return [looked_into], values
    known, more = text_conditions(asked, way.known)
    listed = f"+t.number IN (SELECT o.trace FROM {way.source} WHERE {all_of(known)})"
    # SQLite makes the list when it first comes to a trace that needs it, and not before.
    later = f"+t.start_ns >= ? AND {looked_into} OR +t.start_ns < ? AND {listed}"
    return [f"({later})"], [since_ns, *values, since_ns, *way.values, *more]


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
