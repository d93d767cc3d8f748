"""How many observations of each profile have a tag, kept up as observations come and go: who has both need not be looked for."""

import sqlite3
from collections import Counter
from collections.abc import Iterable
from typing import Final

from agent_trace.store.cells import CellTable

_TABLE: Final = CellTable("tag_profiles", ("tag", "profile"), ("observations",), ("observations",))
_OF_RECORDS: Final = "SELECT g.tag, o.profile FROM tags AS g CROSS JOIN observations AS o ON o.record = g.record WHERE g.record"


class TagSums:
    """What a batch of observations adds."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, int]] = Counter()

    def add(self, tags: Iterable[str], profile: int) -> None:
        """Count an observation with these tags in."""
        for tag in tags:
            self._counts[tag, profile] += 1

    def remove(self, connection: sqlite3.Connection, first: int, last: int) -> None:
        """Count all out whose addresses lie between these two: before their rows go."""
        self._counts.subtract(connection.execute(f"{_OF_RECORDS} BETWEEN ? AND ?", (first, last)).fetchall())

    def write(self, connection: sqlite3.Connection) -> None:
        """Add it all to the table."""
        _TABLE.add(connection, {key: (count,) for key, count in self._counts.items() if count})
