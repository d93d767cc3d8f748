"""Questions about signals: who gave which, when, with how much confidence."""

import sqlite3
from dataclasses import fields
from typing import Any, Final

import orjson

from agent_trace.store.answers import SignalRow
from agent_trace.store.conditions import (
    Narrowing,
    all_of,
    bound_conditions,
    id_bytes,
    observation_conditions,
)
from agent_trace.store.planning import FEW, PROFILE_FIELDS, count_of_profiles, fitting_profiles, shortest_way

SignalKey = tuple[int, str]
"""When a signal was given, and by which observation: what a page of signals goes on from."""

_OF_PROFILES: Final = PROFILE_FIELDS | {"since_ns", "until_ns", "signal"}
_COLUMNS: Final = (
    "s.at_ns, coalesce(nullif(o.agent_id, ''), o.agent_name), s.action, s.confidence, s.percent, s.symbol, "
    "t.trace_id, o.id"
)
_IN_TIME: Final = "signals AS s CROSS JOIN observations AS o ON o.record = s.record"
# Of what many have, the newest are come upon before a list of them all is made.
_NEWEST: Final = _IN_TIME.replace("AS s ", "AS s INDEXED BY signals_by_time ")


def signal_list(
    connection: sqlite3.Connection,
    asked: Narrowing,
    limit: int | None,
    key: SignalKey | None,
    sign: str = "<",
) -> list[SignalRow]:
    """Signals of observations that fit, newest first, from those behind `key` on."""
    source, conditions, values = _fitting(connection, asked, limit is not None)
    if key is not None:
        conditions += ["s.at_ns <= ?", f"(s.at_ns, o.id) {sign} (?, ?)"]
        values += [key[0], key[0], id_bytes(key[1])]
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM {source} CROSS JOIN traces AS t ON t.number = s.trace WHERE {all_of(conditions)} "
        "ORDER BY s.at_ns DESC, o.id DESC, s.record DESC, s.nth DESC LIMIT ?",
        (*values, -1 if limit is None else limit),
    )
    return [_signal_row(columns) for columns in rows]


def _fitting(
    connection: sqlite3.Connection, asked: Narrowing, is_limited: bool
) -> tuple[str, list[str], list[object]]:
    """Where signals `s` of observations `o` come from, what they have to be, and the values for all question marks."""
    given = {each.name for each in fields(asked.where) if getattr(asked.where, each.name) is not None}
    actions, named = (
        ([], []) if asked.where.signal is None else (["s.action = ? COLLATE NOCASE"], [asked.where.signal])
    )
    if given <= _OF_PROFILES:
        conditions, values = bound_conditions(asked.where, "s")
        source = _IN_TIME
        if given & PROFILE_FIELDS:
            # Signals know the profile of their observation, and when it started: most need not be looked up.
            profiles, more = fitting_profiles(asked.where)
            conditions.append(f"s.profile IN {profiles}")
            values += more
            is_told_by_time = is_limited and not actions and count_of_profiles(connection, asked.where) > FEW
            source = _NEWEST if is_told_by_time else _IN_TIME
        return source, [*actions, *conditions], [*named, *values]
    way = shortest_way(connection, asked)
    conditions, values = observation_conditions(asked)
    if way is None or way.expected > FEW:
        return _IN_TIME, [*actions, *conditions], [*named, *values]
    source = f"{way.source} CROSS JOIN signals AS s ON s.record = o.record"
    return source, [*conditions, *actions], [*way.values, *values, *named]


def signal_page(
    connection: sqlite3.Connection, asked: Narrowing, limit: int | None, key: SignalKey | None
) -> list[SignalRow]:
    """The next `limit` signals, newest first, and those besides that the last observation gave at that moment.

    Its key does not tell these apart: a page that ended between them would lose the rest.
    """
    page = signal_list(connection, asked, limit, key)
    if not page or len(page) != limit:
        return page
    last = (page[-1].at_ns, page[-1].id)
    together = signal_list(connection, asked, None, last, "=")
    return [row for row in page if (row.at_ns, row.id) != last] + together


def _signal_row(columns: tuple[Any, ...]) -> SignalRow:
    at_ns, agent, action, confidence, percent, symbol, trace_id, id = columns
    return SignalRow(at_ns, agent, action, _as_given(confidence), percent, symbol, trace_id.hex(), id.hex())


def _as_given(confidence: str | None) -> float | str | None:
    """A confidence as it was given: a number or a word; anything else as its JSON."""
    given = None if confidence is None else orjson.loads(confidence)
    return given if given is None or isinstance(given, int | float | str) else confidence
