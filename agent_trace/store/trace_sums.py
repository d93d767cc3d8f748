"""Sums of whole traces by day: of all, and of those with an agent, a tenant or a model, kept up as traces change."""

import sqlite3
from collections.abc import Iterable
from typing import Any, Final

import orjson

from agent_trace.store.cells import CellTable, Waiting, summed, waiting
from agent_trace.store.spans import NS_A_DAY

SUMS: Final = ("traces", "observations", "generations", "tokens", "cost_pico", "priced", "unpriced", "errors")
ASPECTS: Final = ("agent", "model", "tenant")
_DAYS: Final = CellTable("trace_days", ("aspect", "value", "span", "is_open", "is_failed"), SUMS, ("traces",))


SUMMED: Final = (
    "start_ns",
    "observations",
    "generations",
    "tokens",
    "cost_pico",
    "priced",
    "unpriced",
    "errors",
    "opened",
    "agents",
    "models",
    "tenants",
)
"""Columns of `traces` that count in the sums."""
TraceFigures = tuple[int, int, int, int, int, int, int, int, int, str, str, str]
"""Values in the order of SUMMED."""


class TraceSums:
    """What a batch of changed traces adds."""

    __slots__ = ("_cells",)

    def __init__(self) -> None:
        self._cells: Waiting = waiting()

    def count(self, figures: TraceFigures, sign: int) -> None:
        """Count a trace in (1) or out again (-1)."""
        start_ns, *sums, errors, opened, agents, models, tenants = figures
        if not sums[0]:
            return
        key = (start_ns // NS_A_DAY, opened > 0, errors > 0, agents, models, tenants)
        self._cells[key].append((1, *sums, errors) if sign > 0 else (-1, *(-each for each in sums), -errors))

    def write(self, connection: sqlite3.Connection) -> None:
        """Add it all to the table."""
        spread = waiting()
        for (span, is_open, is_failed, *lists), figures in summed(self._cells).items():
            for aspect, value in _aspects(lists):
                spread[aspect, value, span, int(is_open), int(is_failed)].append(figures)
        _DAYS.add(connection, summed(spread))


def _aspects(lists: Iterable[Any]) -> Iterable[tuple[str, str]]:
    yield "", ""
    for aspect, names in zip(ASPECTS, lists, strict=True):
        if names != "[]":
            for name in orjson.loads(names):
                yield aspect, name
