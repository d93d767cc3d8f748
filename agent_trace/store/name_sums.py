"""Sums by agent, tenant and model, and how long an agent's calls took, each by day, kept up as observations come and go."""

import sqlite3
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
        self._took: dict[tuple[str, int, int, int], int] = {}

    def count(self, row: ObservationRow, figures: Figures, sign: int) -> None:
        """Count an observation with these figures in (1), or out again (-1): its figures are negative then."""
        agent, day = row.agent_id or row.agent_name or "", row.start_ns // NS_A_DAY
        self._days["agent", agent, day].append(figures)
        self._days["tenant", row.tenant_id or "", day].append(figures)
        self._days["model", row.model or "", day].append(figures)
        is_generation = row.type == "generation"
        if agent and row.took is not None and (is_generation or row.type == "agent"):
            key = (agent, int(is_generation), row.took, day)
            self._took[key] = self._took.get(key, 0) + sign

    def write(self, connection: sqlite3.Connection) -> None:
        """Add it all to the tables."""
        _DAYS.add(connection, summed(self._days))
        _TOOK.add(connection, {key: (calls,) for key, calls in self._took.items()})
