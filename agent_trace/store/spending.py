"""What was spent, by day and by hour, tenant, agent and model: sums over the observations, kept up as these come and go.

Every figure is a whole number that is added and taken away again, so that no order of arrival matters.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, Final

import orjson

from agent_trace.store.cells import CellTable, Figures, Waiting, summed, waiting
from agent_trace.store.rows import ObservationRow

NS_AN_HOUR: Final = 3_600_000_000_000
HOURS_A_DAY: Final = 24
AGENT: Final = "agent"

KEY: Final = ("span", "tenant", "agent_id", "agent_name", "model")
SUMS: Final = (
    "calls",
    "invocations",
    "priced",
    "unpriced",
    "cost_pico",
    "usage_input",
    "usage_output",
    "usage_cache_read",
    "usage_cache_write",
    "usage_reasoning",
    "usage_other",
)
OF_OBSERVATION: Final[dict[str, str]] = {
    "span": f"o.start_ns / {NS_AN_HOUR}",
    "tenant": "coalesce(o.tenant_id, '')",
    "agent_id": "coalesce(o.agent_id, '')",
    "agent_name": "coalesce(o.agent_name, '')",
    "model": "coalesce(o.model, '')",
    "calls": "(o.tokens IS NOT NULL OR o.cost_pico IS NOT NULL)",
    "invocations": "coalesce(o.type = 'agent', 0)",
    "priced": "(o.cost_pico IS NOT NULL)",
    "unpriced": "o.unpriced",
    "cost_pico": "coalesce(o.cost_pico, 0)",
    "usage_input": "coalesce(o.usage_input, 0)",
    "usage_output": "coalesce(o.usage_output, 0)",
    "usage_cache_read": "coalesce(o.usage_cache_read, 0)",
    "usage_cache_write": "coalesce(o.usage_cache_write, 0)",
    "usage_reasoning": "coalesce(o.usage_reasoning, 0)",
    # All tokens but those of the usual classes.
    "usage_other": "iif(o.usage_other IS NULL, 0, o.tokens - coalesce(o.usage_input, 0) - coalesce(o.usage_output, 0) "
    "- coalesce(o.usage_cache_read, 0) - coalesce(o.usage_cache_write, 0) - coalesce(o.usage_reasoning, 0))",
}
"""What one observation `o` adds to each column of `spent_hourly`."""

COUNTED: Final = "(o.tokens IS NOT NULL OR o.cost_pico IS NOT NULL OR o.type = 'agent')"
"""Which observations add anything."""

COUNTS: Final = ("observations", "generations", "errors")
FIGURES: Final = (*COUNTS, *SUMS)
"""What `figures_of` gives."""

_FIRST_SUM: Final = FIGURES.index(SUMS[0])
_FIRST_FIGURE: Final = ObservationRow._fields.index("tokens")
_AFTER_FIGURES: Final = ObservationRow._fields.index("unpriced") + 1
_ERROR: Final = 2
_NOTHING: Final = (0,) * len(SUMS[2:])

_DAILY: Final = CellTable("spent_daily", KEY, SUMS, ("calls", "invocations"))
_HOURLY: Final = CellTable("spent_hourly", KEY, SUMS, ("calls", "invocations"))
_RARELY: Final = CellTable("spent_rarely", (*KEY, "class"), ("count",), ("count",))


def figures_of(row: ObservationRow) -> Figures:
    """What one observation adds to FIGURES."""
    type_ = row.type
    counts = (1, type_ == "generation", row.level == _ERROR)
    # One slice costs what two names do, and this runs for every observation.
    figures: tuple[Any, ...] = row[_FIRST_FIGURE:_AFTER_FIGURES]
    tokens, given, answered, read, written, reasoned, other, cost_pico, unpriced = figures
    if tokens is None and cost_pico is None:
        return (*counts, 0, type_ == AGENT, *_NOTHING)
    is_priced = cost_pico is not None
    usage = (given or 0, answered or 0, read or 0, written or 0, reasoned or 0)
    return (
        *counts,
        1,
        type_ == AGENT,
        is_priced,
        unpriced and not is_priced,
        cost_pico or 0,
        *usage,
        0 if other is None else tokens - sum(usage),
    )


class Spending:
    """What a batch of observations adds to the sums, by hour."""

    __slots__ = ("_cells", "_rarer")

    def __init__(self) -> None:
        self._cells: Waiting = waiting()
        self._rarer: Waiting = waiting()

    def count(self, rows: Sequence[ObservationRow], figures: Figures, sign: int) -> None:
        """Count observations of one profile and hour, which come to these figures, in (1) or out again (-1)."""
        spent = figures[_FIRST_SUM:]
        if not (spent[0] or spent[1]):
            return
        row = rows[0]
        hour = row.start_ns // NS_AN_HOUR
        key = (hour, row.tenant_id or "", row.agent_id or "", row.agent_name or "", row.model or "")
        self._cells[key].append(spent)
        count_rarer(self._rarer, key, rows, sign)

    def write(self, connection: sqlite3.Connection) -> None:
        """Add it all to the tables."""
        hours, days = summed(self._cells), waiting()
        for (hour, *names), figures in hours.items():
            days[hour // HOURS_A_DAY, *names].append(figures)
        _HOURLY.add(connection, hours)
        _DAILY.add(connection, summed(days))
        _RARELY.add(connection, summed(self._rarer))


def count_rarer(rarer: Waiting, key: tuple[Any, ...], rows: Iterable[ObservationRow], sign: int) -> None:
    """Count the tokens of the rarer classes by class."""
    for row in rows:
        if row.usage_other is not None:
            for name, count in orjson.loads(row.usage_other).items():
                rarer[*key, name].append((sign * count,))
