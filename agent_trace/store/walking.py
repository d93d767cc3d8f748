"""Traces in which a common text is said, the newest first: found by going through them, as far as is needed."""

import sqlite3
from collections.abc import Iterator
from typing import Final

from agent_trace.store.conditions import Conditions, Narrowing, Places, all_of, as_json, text_conditions

_FIRST_LOOK: Final = 500
"""Observations that are looked at first; then twice as many, and so on."""
_LARGEST_LOOK: Final = 16_000
_LOOK_AT_ONCE: Final = 40_000
"""Where every look takes its time, whatever it looks at."""
_PASSED_AT_ONCE: Final = 4
"""So many places with the words are passed by in the time that an observation is looked at."""
_WORK_OF_READING: Final = 20
"""What it takes to read a record, when to look at the address of one is 1."""


class Walk:
    """Goes through the traces that fit `conditions`, the newest first, until there are no more or it is enough work.

    `most_work`: about so many observations are looked at, some 1.5 µs each; without it, all.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        said: Places,
        asked: Narrowing,
        conditions: Conditions,
        most_work: int | None = None,
    ) -> None:
        self._connection = connection
        self._said = said
        self._texts = text_conditions(asked._replace(said=None))
        self._conditions = conditions
        self._most_work = most_work
        self._work = 0
        self._size = _FIRST_LOOK
        self.is_complete = False
        """Whether all traces were gone through."""
        self.reached = 0
        """The last trace that was gone through."""

    def numbers(self) -> Iterator[int]:
        """The traces with an observation that has the words and whatever else is asked of it."""
        for portion, observations in self._portions():
            found = self._candidates(portion, observations)
            for number in portion:
                self.reached = number
                if number in found and self._has_phrase(found[number]):
                    yield number
                if self._said.has_phrase and self._is_enough():
                    return
            if self._is_enough():
                return
        self.is_complete = True

    def _is_enough(self) -> bool:
        return self._most_work is not None and self._work > self._most_work

    def _portions(self) -> Iterator[tuple[list[int], int]]:
        """(traces, how many observations they have): so many as shall be looked at together."""
        conditions, values = self._conditions
        traces = self._connection.execute(
            f"SELECT t.number, t.observations FROM traces AS t WHERE {all_of(conditions)} "
            "ORDER BY t.start_ns DESC, t.number DESC",
            values,
        )
        portion, observations = list[int](), 0
        for number, count in traces:
            portion.append(number)
            observations += count
            if observations >= self._size:
                yield portion, observations
                portion, observations = [], 0
        if portion:
            yield portion, observations

    def _candidates(self, traces: list[int], observations: int) -> dict[int, list[int]]:
        """By trace, the observations with all words, whether in their own record or in an amendment."""
        conditions, values = self._texts
        of = (tuple(traces), tuple(conditions), tuple(values))
        found, hits = self._said.walked.get(None, of, lambda: self._look_through(traces))
        self._work += observations + hits // _PASSED_AT_ONCE
        self._grow(is_sparse=hits > _PASSED_AT_ONCE * observations)
        return found

    def _look_through(self, traces: list[int]) -> tuple[dict[int, list[int]], int]:
        """The candidates among these traces, and how many places with the words were passed by."""
        conditions, values = self._texts
        given = (as_json(traces), *values)
        rows = self._connection.execute(
            "SELECT o.trace, o.record, o.record FROM json_each(?) AS w "
            "CROSS JOIN observations AS o INDEXED BY observations_by_trace ON o.trace = w.value "
            f"WHERE {all_of(conditions)}",
            given,
        ).fetchall()
        rows += self._connection.execute(
            "SELECT o.trace, o.record, a.record FROM json_each(?) AS w "
            "CROSS JOIN amendments AS a INDEXED BY amendments_by_trace ON a.trace = w.value "
            f"CROSS JOIN observations AS o ON o.id = a.id AND o.trace = a.trace WHERE {all_of(conditions)}",
            given,
        )
        hits, passed = self._said.among([place for _, _, place in rows])
        found: dict[int, list[int]] = {}
        for trace, observation, place in rows:
            if place in hits:
                found.setdefault(trace, []).append(observation)
        return found, passed

    def _grow(self, is_sparse: bool) -> None:
        """Look at more next time, unless these lie so far apart that most of what was read was between them."""
        if self._said.has_beginning:
            self._size = _LOOK_AT_ONCE
        elif not is_sparse:
            self._size = min(2 * self._size, _LARGEST_LOOK)

    def _has_phrase(self, observations: list[int]) -> bool:
        if not self._said.has_phrase:
            return True
        for observation in dict.fromkeys(observations):
            self._work += _WORK_OF_READING
            if self._said.holds(observation):
                return True
        return False
