"""A search: words to addresses, addresses to observations that fit, and the text around the first match."""

import sqlite3
from collections.abc import Iterator
from itertools import islice

from agent_trace.store.answers import Match
from agent_trace.store.conditions import Narrowing, all_of, observation_conditions
from agent_trace.store.reading import POINTERS, Pointer, Reading, as_observation
from agent_trace.store.text import matching_records, snippet_of
from agent_trace.store.words import match_expression, terms_of

_AT_ONCE = 256


def search(
    connection: sqlite3.Connection, reading: Reading, text: str, asked: Narrowing, limit: int
) -> list[Match]:
    """Observations that fit and have all words of `text`, newest first; none for a text without words."""
    terms = terms_of(text)
    if not terms:
        return []
    found: dict[int, Match] = {}
    for pointer in _pointers(connection, match_expression(terms), asked):
        record = None if pointer[0] in found else reading.record(pointer)
        shown = None if record is None else snippet_of(record, terms)
        if record is not None and shown is not None:
            field, snippet, marks = shown
            found[pointer[0]] = Match(as_observation(record), snippet, marks, field)
        if len(found) == limit:
            break
    # Segments overlap in time: the order of addresses is nearly that of starts.
    return sorted(found.values(), key=lambda match: match.observation.start_ns, reverse=True)


def _pointers(connection: sqlite3.Connection, expression: str, asked: Narrowing) -> Iterator[Pointer]:
    """Pointers to observations that fit, for every record with the words: their own, or an amendment of them."""
    conditions, values = observation_conditions(asked)
    records = matching_records(connection, expression)
    while portion := list(islice(records, _AT_ONCE)):
        marks = ",".join("?" * len(portion))
        query = (
            f"SELECT o.record AS place, {POINTERS} FROM observations AS o "
            f"WHERE o.record IN ({marks}) AND {all_of(conditions)} "
            f"UNION ALL SELECT a.record, {POINTERS} FROM amendments AS a "
            "JOIN observations AS o ON o.id = a.id AND o.trace = a.trace "
            f"WHERE a.record IN ({marks}) AND {all_of(conditions)} ORDER BY place DESC"
        )
        for _, *pointer in connection.execute(query, [*portion, *values, *portion, *values]).fetchall():
            yield pointer[0], pointer[1], pointer[2], pointer[3], pointer[4]
