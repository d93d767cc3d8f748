"""Where the words of a question stand: few places are looked up at once, of many only those that are asked about."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from typing import Final

import orjson

from agent_trace.store.begun_words import spelt_out
from agent_trace.store.conditions import as_json
from agent_trace.store.reading import POINTERS, Pointer, Reading
from agent_trace.store.recalling import Recalled
from agent_trace.store.records import SEGMENT_SHIFT
from agent_trace.store.text import matching_records, snippet_of
from agent_trace.store.words import match_expression, terms_of

MOST_PLACES: Final = 10_000
"""So many places are looked at one by one in a few hundredths of a second."""
MOST_READ: Final = 1_500
"""The same where each place means to read a record, which takes 20 times as long."""
_MOST_WALKS: Final = 8
"""So many parts of walks are remembered, of 16,000 observations or so at most: those that one page takes."""

# What is passed by is counted, and not handed over one by one: that would take longer than to pass it by.
_AMONG: Final = """
SELECT count(*), json_group_array(t.rowid) FILTER (WHERE t.rowid IN (SELECT value FROM json_each(?)))
FROM json_each(?) AS w CROSS JOIN texts AS t WHERE t.texts MATCH w.value AND t.rowid BETWEEN ? AND ?
"""


class Said:
    """A text that is looked for, on one connection. Answers for the index as it is: make a new one when it changed."""

    def __init__(self, connection: sqlite3.Connection, reading: Reading, text: str) -> None:
        self._connection = connection
        self._reading = reading
        self._terms = terms_of(text)
        self._expression = match_expression(self._terms)
        self.has_phrase = any(len(term.words) > 1 for term in self._terms)
        """The full text knows words and not their places: whether they stand side by side, the record tells."""
        self.has_beginning = any(term.is_begun for term in self._terms)
        """To put all words of a beginning together takes tens of milliseconds, each time it is asked."""
        self.walked = Recalled(_MOST_WALKS)
        """What was found among which traces: a page's totals begin with what its list has gone through."""

    @property
    def is_common(self) -> bool:
        """Whether there are so many places that a question had better not look for all of them."""
        return len(self._newest) > self._most

    def count(self) -> int:
        """How many observations have the words; those that are gone by now may be among them."""
        return len(self._observations)

    def as_json(self) -> str:
        """Addresses of these observations, in no order, as one value for a question mark."""
        return self._as_json

    def among(self, places: Collection[int]) -> tuple[set[int], int]:
        """Those of these addresses of records that have the words, and how many others were passed by to find them."""
        if not places:
            return set(), 0
        if not self.is_common or min(places) >= self._newest[-1]:
            found = self._newest_as_set.intersection(places)
            return found, len(found)
        found, passed = set[int](), 0
        expressions = orjson.dumps(self._spelt_out).decode()
        for each in self._by_range(places):
            values = (as_json(each), expressions, min(each), max(each))
            count, records = self._connection.execute(_AMONG, values).fetchone()
            found.update(orjson.loads(records))
            passed += count
        return found, passed

    def holds(self, observation: int) -> bool:
        """Whether an observation that has all words has its phrases too: reads its record."""
        pointers = self._connection.execute(
            f"SELECT {POINTERS} FROM observations AS o WHERE o.record = ?", (observation,)
        )
        return any(self._reads(pointer) for pointer in pointers.fetchall())

    @property
    def _most(self) -> int:
        return MOST_READ if self.has_phrase else MOST_PLACES

    @cached_property
    def _newest(self) -> list[int]:
        """Addresses of the newest records with the words, one more than are few; none for a text without words."""
        if not self._terms:
            return []
        query = "SELECT rowid FROM texts WHERE texts MATCH ? ORDER BY rowid DESC LIMIT ?"
        expression = " OR ".join(f"({each})" for each in self._spelt_out)
        values = expression or self._expression, self._most + 1
        return [record for (record,) in self._connection.execute(query, values)]

    @cached_property
    def _spelt_out(self) -> list[str]:
        return spelt_out(self._connection, self._terms)

    @cached_property
    def _newest_as_set(self) -> set[int]:
        return set(self._newest)

    @cached_property
    def _as_json(self) -> str:
        return as_json(self._observations)

    @cached_property
    def _observations(self) -> list[int]:
        if not self._terms:
            return []
        records = (
            list(matching_records(self._connection, self._expression)) if self.is_common else self._newest
        )
        amended = dict(self._amendments())
        found = {amended.get(record, record) for record in records}
        return [each for each in found if self.holds(each)] if self.has_phrase else list(found)

    def _amendments(self) -> Iterator[tuple[int, int]]:
        """(address of an amendment with the words, address of its observation)."""
        query = (
            "SELECT a.record, o.record FROM texts CROSS JOIN amendments AS a ON a.record = texts.rowid "
            "CROSS JOIN observations AS o ON o.id = a.id AND o.trace = a.trace WHERE texts MATCH ?"
        )
        return self._connection.execute(query, (self._expression,))

    def _reads(self, pointer: Pointer) -> bool:
        record = self._reading.record(pointer)
        return record is not None and snippet_of(record, self._terms) is not None

    def _by_range(self, places: Collection[int]) -> Iterable[Collection[int]]:
        """Places to be looked at together: by segment, for one may have been begun long before the others."""
        if self.has_beginning:
            return [places]
        found: dict[int, list[int]] = {}
        for place in places:
            found.setdefault(place >> SEGMENT_SHIFT, []).append(place)
        return found.values()
