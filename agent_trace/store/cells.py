"""Tables of sums: whole numbers that are added and taken away again, so that no order of arrival matters."""

import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

_MOST: Final = (1 << 63) - 1

Key = tuple[Any, ...]
Figures = tuple[int, ...]
"""What one thing, or many, add to the sums."""
Waiting = defaultdict[Key, list[Figures]]
"""Figures by key, not summed up yet: to sum many at once takes half as long as one after the other."""


def waiting() -> Waiting:
    """Nothing yet."""
    return defaultdict(list)


def summed(figures: Mapping[Key, list[Figures]]) -> dict[Key, Figures]:
    """The sums by key, without numbers that no column can hold."""
    sums = {key: total(each) for key, each in figures.items()}
    if sums and (max(map(max, sums.values())) > _MOST or min(map(min, sums.values())) < -_MOST):
        return {key: tuple(min(max(each, -_MOST), _MOST) for each in row) for key, row in sums.items()}
    return sums


def total(figures: Sequence[Figures]) -> Figures:
    """The sum of all."""
    return figures[0] if len(figures) == 1 else tuple(map(sum, zip(*figures, strict=True)))


class CellTable(NamedTuple):
    """A table with a key and sums; a row whose `counts` are all 0 says nothing and goes."""

    name: str
    key: tuple[str, ...]
    sums: tuple[str, ...]
    counts: tuple[str, ...]

    def add(self, connection: sqlite3.Connection, cells: Mapping[Key, Figures]) -> None:
        """Add these sums to the table."""
        connection.executemany(self._add(), [(*key, *cell) for key, cell in cells.items()])
        first, *others = (self.sums.index(each) for each in self.counts)
        emptied = [
            key
            for key, cell in cells.items()
            if cell[first] <= 0 and all(cell[place] <= 0 for place in others)
        ]
        if emptied:
            connection.executemany(self._drop(), emptied)

    def _add(self) -> str:
        columns = (*self.key, *self.sums)
        added = ", ".join(f"{each} = {each} + excluded.{each}" for each in self.sums)
        return (
            f"INSERT INTO {self.name} ({', '.join(columns)}) VALUES ({','.join('?' * len(columns))}) "
            f"ON CONFLICT DO UPDATE SET {added}"
        )

    def _drop(self) -> str:
        conditions = [f"{each} = ?" for each in self.key] + [f"{each} = 0" for each in self.counts]
        return f"DELETE FROM {self.name} WHERE {' AND '.join(conditions)}"
