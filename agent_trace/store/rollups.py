"""Everything that is summed up over observations, as one: what is counted in somewhere is counted in everywhere."""

import sqlite3
from collections import defaultdict

from agent_trace.store.cells import Figures, total
from agent_trace.store.name_sums import NameSums
from agent_trace.store.profile_sums import ProfileSums
from agent_trace.store.rows import ObservationRow
from agent_trace.store.session_sums import SessionSums
from agent_trace.store.spending import NS_AN_HOUR, Spending, figures_of


class Rollups:
    """What a batch of observations adds to all sums. For one transaction."""

    __slots__ = ("_connection", "_groups", "_sessions")

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        # By profile, hour, and whether they are counted in (1) or out again (-1): what most sums tell apart.
        self._groups: defaultdict[tuple[int, int, int], list[tuple[ObservationRow, Figures]]] = defaultdict(
            list
        )
        self._sessions = SessionSums()

    def add(self, row: ObservationRow) -> None:
        """Count an observation in."""
        self._count(row, 1)

    def remove(self, row: ObservationRow) -> None:
        """Count an observation out again."""
        self._count(row, -1)
        self._sessions.forget_names(row)

    def replace(self, old: ObservationRow, new: ObservationRow) -> None:
        """Count `new` in for `old`."""
        self._count(old, -1)
        self._count(new, 1)
        if _place(old) != _place(new):
            self._sessions.forget_names(old)

    def _count(self, row: ObservationRow, sign: int) -> None:
        figures = figures_of(row)
        if sign < 0:
            figures = tuple(-each for each in figures)
        self._groups[row.profile, row.start_ns // NS_AN_HOUR, sign].append((row, figures))
        self._sessions.count(row, figures, sign)

    def write(self) -> None:
        """Add it all to the tables, when the observations themselves are written or removed."""
        profiles, spending, names = ProfileSums(), Spending(), NameSums()
        for (_, _, sign), group in self._groups.items():
            rows, figures = zip(*group, strict=True)
            together = total(figures)
            profiles.count(rows, together, sign)
            spending.count(rows, together, sign)
            names.count(rows, together, sign)
        profiles.write(self._connection)
        spending.write(self._connection)
        names.write(self._connection)
        self._sessions.write(self._connection)


def _place(row: ObservationRow) -> tuple[object, ...]:
    return row.session_id, row.trace, row.start_ns, row.tenant_id, row.agent_id or row.agent_name
