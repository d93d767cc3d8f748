"""Sums by profile over all time, kept up as observations come and go."""

import sqlite3
from collections.abc import Sequence
from typing import Final

from agent_trace.store.cells import Figures, Waiting, summed, waiting
from agent_trace.store.rows import ObservationRow
from agent_trace.store.spending import FIGURES, SUMS

_ADD: Final = (
    "UPDATE profiles SET observations = observations + ?, "
    f"{', '.join(f'{each} = {each} + ?' for each in SUMS)}, last_ns = max(last_ns, ?) WHERE number = ?"
)
_RECOUNT: Final = (
    "UPDATE profiles SET last_ns = coalesce((SELECT max(start_ns) FROM observations WHERE profile = number), 0) "
    "WHERE number = ?"
)
_FIRST_SUM: Final = FIGURES.index(SUMS[0])


class ProfileSums:
    """What a batch of observations adds."""

    __slots__ = ("_cells", "_last_ns", "_recount")

    def __init__(self) -> None:
        self._cells: Waiting = waiting()
        self._last_ns: dict[int, int] = {}
        self._recount: set[int] = set()

    def count(self, rows: Sequence[ObservationRow], figures: Figures, sign: int) -> None:
        """Count observations of one profile, which come to these figures, in (1) or out again (-1)."""
        profile = rows[0].profile
        self._cells[profile,].append(figures)
        if sign < 0:
            self._recount.add(profile)
        else:
            starts = [row.start_ns for row in rows]
            self._last_ns[profile] = max(self._last_ns.get(profile, 0), *starts)

    def write(self, connection: sqlite3.Connection) -> None:
        """Add it all to the table, when the observations themselves are written or removed."""
        changes = [
            (cell[0], *cell[_FIRST_SUM:], self._last_ns.get(number, 0), number)
            for (number,), cell in summed(self._cells).items()
        ]
        connection.executemany(_ADD, changes)
        connection.executemany(_RECOUNT, [(number,) for number in self._recount])
