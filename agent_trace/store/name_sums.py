"""Sums by agent, tenant and model, and how long an agent's calls took, each by day, kept up as observations come and go."""

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from agent_trace.store.cells import CellTable, Figures, Waiting, summed, waiting
from agent_trace.store.rows import ObservationRow
from agent_trace.store.spans import NS_A_DAY
from agent_trace.store.spending import FIGURES

_DAYS: Final = CellTable("name_days", ("aspect", "value", "span"), FIGURES, ("observations",))
_TOOK: Final = CellTable("agent_took", ("agent", "is_generation", "took", "span"), ("calls",), ("calls",))


class NameSums:
    """What a batch of observations adds."""

    __slots__ = ("_days", "_took")

    def __init__(self) -> None:
        self._days: Waiting = waiting()
        self._took: defaultdict[tuple[str, int, int, int], int] = defaultdict(int)

    def count(self, rows: Sequence[ObservationRow], figures: Figures, sign: int) -> None:
        """Count observations of one profile and day, which come to these figures, in (1) or out again (-1)."""
        row = rows[0]
        agent, day = row.agent_id or row.agent_name or "", row.start_ns // NS_A_DAY
        self._days["agent", agent, day].append(figures)
        self._days["tenant", row.tenant_id or "", day].append(figures)
        self._days["model", row.model or "", day].append(figures)
        is_generation = row.type == "generation"
        if agent and (is_generation or row.type == "agent"):
            for each in rows:
                if each.took is not None:
                    self._took[agent, int(is_generation), each.took, day] += sign

    def write(self, connection: sqlite3.Connection) -> None:
        """Add it all to the tables."""
        _DAYS.add(connection, summed(self._days))
        _TOOK.add(connection, {key: (calls,) for key, calls in self._took.items()})
