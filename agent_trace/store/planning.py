"""Which index a question about observations is answered through: the one that leads to the fewest rows."""

import sqlite3
from collections.abc import Set
from typing import Final, NamedTuple

from agent_trace.store.conditions import Narrowing, all_of, id_bytes
from agent_trace.store.filter import Filter
from agent_trace.store.records import LEVEL_RANK

FEW: Final = 10_000
"""So many observations are looked at one by one in a few hundredths of a second."""
_OF_TRACE: Final = "CROSS JOIN observations AS o INDEXED BY observations_by_trace ON o.trace ="
_OF_RECORD: Final = "CROSS JOIN observations AS o ON o.record ="
_MANY: Final = 300_000
"""From here on, to go through all of them in the order they lie in takes less time than to pick them out."""

_OF_PROFILES: Final = {
    "agent": "(p.agent_id = ?1 OR p.agent_name = ?1)",
    "tenant": "p.tenant_id = ?1",
    "type": "p.type = ?1",
    "name": "p.name = ?1",
    "model": "p.model = ?1",
}
PROFILE_FIELDS: Final = frozenset({*_OF_PROFILES, "level"})
"""Fields of a filter that are answered by the profile of an observation alone."""


class Way(NamedTuple):
    """How to come to the observations that fit: what stands after FROM, for rows `o`, and how many there are at most.

    A CROSS JOIN is gone through from left to right: without statistics SQLite would often begin at the wrong end.
    """

    source: str
    values: list[object]
    expected: int
    known: Set[str] = frozenset()
    """Fields of the filter that hold of all of them: to ask for these again may mean to read every row."""


def profile_conditions(where: Filter) -> tuple[list[str], list[object]]:
    """What a filter asks of a row `p` of `profiles`; of a tag, that any of its observations has it."""
    conditions: list[str] = []
    values: list[object] = []
    for field, condition in _OF_PROFILES.items():
        value = getattr(where, field)
        if value is not None:
            conditions.append(condition.replace("?1", "?"))
            values += [value] * condition.count("?1")
    if where.level is not None:
        conditions.append("p.level = ?")
        values.append(LEVEL_RANK.get(where.level.upper(), -1))
    if where.tag is not None:
        conditions.append("p.number IN (SELECT profile FROM tag_profiles WHERE tag = ?)")
        values.append(where.tag)
    return conditions, values


def shortest_way(connection: sqlite3.Connection, asked: Narrowing) -> Way | None:
    """The way past the fewest observations; None when a filter names nothing that there is an index of."""
    ways = [
        way(connection, asked)
        for way in (_by_trace, _by_text, _by_session, _by_user, _by_signal, _by_tag, _by_profile)
    ]
    return min((way for way in ways if way is not None), key=lambda way: way.expected, default=None)


def few_of(connection: sqlite3.Connection, asked: Narrowing, is_together: bool = True) -> Way | None:
    """The way past few observations; None when there are many.

    `is_together`: not so when many have each of two things, and few have both.
    """
    way = shortest_way(connection, asked)
    if way is not None and way.expected > FEW and is_together:
        way = _by_signal_and_profile(connection, asked)
    return way if way is not None and way.expected <= FEW else None


def way_to_tagged(connection: sqlite3.Connection, asked: Narrowing) -> Way | None:
    """How to list all that have a tag and something else: of many things each, few may have both."""
    where = asked.where
    if where.tag is None or all(getattr(where, each) is None for each in PROFILE_FIELDS | {"signal"}):
        return None
    # Tags are known by the address alone, which the index by profile has, and the signals: no row is read.
    if where.signal is None or where.session is not None or where.user is not None:
        way = _by_profile(connection, asked)
        # What most observations have, most of those with the tag have too.
        return way if way is not None and way.expected <= 2 * _MANY else None
    rows = "SELECT record, trace FROM signals WHERE action = ? COLLATE NOCASE"
    values: list[object] = [where.signal]
    if profile_conditions(where)[0]:
        profiles, more = fitting_profiles(where)
        rows += f" AND +profile IN {profiles}"
        values += more
    return Way(f"({rows}) AS o", values, _MANY, PROFILE_FIELDS | {"signal"})


def way_in(connection: sqlite3.Connection, asked: Narrowing) -> Way:
    """How a sum over the observations that fit is best begun."""
    way = shortest_way(connection, asked)
    return Way("observations AS o", [], _MANY) if way is None or way.expected > _MANY else way


def _by_trace(connection: sqlite3.Connection, asked: Narrowing) -> Way | None:
    if asked.where.trace_id is None:
        return None
    traces = "(SELECT number FROM traces WHERE trace_id = ?)"
    return Way(f"{traces} AS w {_OF_TRACE} w.number", [id_bytes(asked.where.trace_id)], 0)


def _by_text(connection: sqlite3.Connection, asked: Narrowing) -> Way | None:
    if asked.said is None:
        return None
    found = asked.said.as_json()
    return Way(f"json_each(?) AS w {_OF_RECORD} w.value", [found], asked.said.count(), frozenset({"text"}))


def _by_session(connection: sqlite3.Connection, asked: Narrowing) -> Way | None:
    if asked.where.session is None:
        return None
    rows = "session_traces WHERE session = (SELECT number FROM sessions WHERE session_id = ?)"
    query = f"SELECT coalesce(sum(observations), 0) FROM {rows}"
    expected = connection.execute(query, (asked.where.session,)).fetchone()[0]
    return Way(f"(SELECT trace FROM {rows}) AS w {_OF_TRACE} w.trace", [asked.where.session], expected)


def _by_user(connection: sqlite3.Connection, asked: Narrowing) -> Way | None:
    if asked.where.user is None:
        return None
    expected = _count(connection, "observations WHERE user_id = ?", asked.where.user)
    return Way("observations AS o INDEXED BY observations_by_user", [], expected)


def _by_signal(connection: sqlite3.Connection, asked: Narrowing) -> Way | None:
    if asked.where.signal is None:
        return None
    rows = "signals WHERE action = ? COLLATE NOCASE"
    expected = _count(connection, rows, asked.where.signal)
    source = f"(SELECT DISTINCT record FROM {rows}) AS w {_OF_RECORD} w.record"
    return Way(source, [asked.where.signal], expected, frozenset({"signal"}))


def _by_signal_and_profile(connection: sqlite3.Connection, asked: Narrowing) -> Way | None:
    """Signals know the profile of their observation: of two things that many have, the index tells who has both."""
    if asked.where.signal is None or not profile_conditions(asked.where)[0]:
        return None
    # The plus keeps SQLite from going by the profiles, which may be thousands.
    profiles, more = fitting_profiles(asked.where)
    rows, values = (
        f"signals WHERE action = ? COLLATE NOCASE AND +profile IN {profiles}",
        [asked.where.signal, *more],
    )
    expected = _count(connection, rows, *values)
    source = f"(SELECT DISTINCT record FROM {rows}) AS w {_OF_RECORD} w.record"
    return Way(source, values, expected, PROFILE_FIELDS | {"signal"})


def _by_tag(connection: sqlite3.Connection, asked: Narrowing) -> Way | None:
    if asked.where.tag is None:
        return None
    expected = _count(connection, "tags WHERE tag = ?", asked.where.tag)
    source = f"(SELECT record FROM tags WHERE tag = ?) AS w {_OF_RECORD} w.record"
    return Way(source, [asked.where.tag], expected, frozenset({"tag"}))


def _by_profile(connection: sqlite3.Connection, asked: Narrowing) -> Way | None:
    if not profile_conditions(asked.where)[0]:
        return None
    profiles, values = fitting_profiles(asked.where)
    source = f"{profiles} AS w CROSS JOIN observations AS o INDEXED BY observations_by_profile ON o.profile = w.number"
    return Way(source, values, count_of_profiles(connection, asked.where), PROFILE_FIELDS)


def fitting_profiles(where: Filter) -> tuple[str, list[object]]:
    """The numbers of profiles that fit, as a query in brackets, and the values for its question marks."""
    conditions, values = profile_conditions(where)
    return f"(SELECT p.number FROM profiles AS p WHERE {all_of([*conditions, 'p.observations > 0'])})", values


def count_of_profiles(connection: sqlite3.Connection, where: Filter) -> int:
    """How many observations the profiles that fit have."""
    conditions, values = profile_conditions(where)
    query = f"SELECT coalesce(sum(p.observations), 0) FROM profiles AS p WHERE {all_of(conditions)}"
    return int(connection.execute(query, values).fetchone()[0])


def newest_of_profiles(connection: sqlite3.Connection, where: Filter) -> int | None:
    """When the newest observation of the profiles that fit started; None when a filter asks nothing of profiles."""
    conditions, values = profile_conditions(where)
    if not conditions:
        return None
    query = f"SELECT coalesce(max(p.last_ns), 0) FROM profiles AS p WHERE {all_of(conditions)}"
    return int(connection.execute(query, values).fetchone()[0])


def _count(connection: sqlite3.Connection, rows: str, *values: object) -> int:
    """How many there are, up to where it no longer matters."""
    query = f"SELECT count(*) FROM (SELECT 1 FROM {rows} LIMIT {FEW + 1})"
    return int(connection.execute(query, values).fetchone()[0])


def is_also_a_name(connection: sqlite3.Connection, agent: str) -> bool:
    """Whether observations with another agent's id go by this as their agent's name: sums by agent leave them out."""
    query = (
        "SELECT 1 FROM profiles WHERE agent_name = ? AND agent_id <> '' AND agent_id <> agent_name LIMIT 1"
    )
    return connection.execute(query, (agent,)).fetchone() is not None
