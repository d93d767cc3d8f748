"""What was spent, by day and by hour, tenant, agent and model: sums over the observations, kept up as these come and go.

Every figure is a whole number that is added and taken away again, so that no order of arrival matters.
"""

import sqlite3
from collections.abc import Iterable
from typing import Any, Final

import orjson

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

_FIRST_FIGURE: Final = ObservationRow._fields.index("tokens")
_AFTER_FIGURES: Final = ObservationRow._fields.index("unpriced") + 1
_FIRST_USAGE: Final = SUMS.index("usage_input")
_MOST: Final = (1 << 63) - 1
_Key = tuple[int, str, str, str, str]


class Spending:
    """What a batch of observations adds to the sums, by hour."""

    __slots__ = ("_cells", "_rarer")

    def __init__(
        self, cells: dict[_Key, list[int]] | None = None, rarer: dict[tuple[_Key, str], int] | None = None
    ) -> None:
        self._cells = cells or {}
        self._rarer = rarer or {}

    def count(self, row: ObservationRow, sign: int) -> None:
        """Count an observation in (1) or out again (-1)."""
        # One slice costs what two names do, and this runs for every observation.
        figures: tuple[Any, ...] = row[_FIRST_FIGURE:_AFTER_FIGURES]
        tokens, *usage, other, cost_pico, unpriced = figures
        is_call, is_agent = tokens is not None or cost_pico is not None, row.type == AGENT
        if not is_call and not is_agent:
            return
        hour = row.start_ns // NS_AN_HOUR
        key = (hour, row.tenant_id or "", row.agent_id or "", row.agent_name or "", row.model or "")
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = [0] * len(SUMS)
        cell[0] += sign * is_call
        if is_agent:
            cell[1] += sign
        if cost_pico is not None:
            cell[2] += sign
            cell[4] += sign * cost_pico
        elif unpriced:
            cell[3] += sign
        for place, count in enumerate(usage, _FIRST_USAGE):
            if count:
                cell[place] += sign * count
        if other is not None:
            self._count_rarer(key, cell, other, sign)

    def _count_rarer(self, key: _Key, cell: list[int], other: str, sign: int) -> None:
        for name, count in orjson.loads(other).items():
            cell[-1] += sign * count
            self._rarer[key, name] = self._rarer.get((key, name), 0) + sign * count

    def write(self, connection: sqlite3.Connection) -> None:
        """Add it all to the tables."""
        _write(connection, "spent_hourly", self._cells)
        _write(connection, "spent_daily", _by_day(self._cells))
        rarer = self._rarer.items()
        connection.executemany(_ADD_RARER, ((*key, name, _bounded(count)) for (key, name), count in rarer))
        emptied = {key for (key, _), count in rarer if count <= 0}
        connection.executemany(_drop("spent_rarely", "count = 0"), emptied)


def _by_day(cells: dict[_Key, list[int]]) -> dict[_Key, list[int]]:
    days: dict[_Key, list[int]] = {}
    for (hour, *names), cell in cells.items():
        key = (hour // HOURS_A_DAY, names[0], names[1], names[2], names[3])
        before = days.get(key)
        days[key] = cell if before is None else [one + other for one, other in zip(before, cell, strict=True)]
    return days


def _write(connection: sqlite3.Connection, table: str, cells: dict[_Key, list[int]]) -> None:
    connection.executemany(
        _add(table, KEY, SUMS), ((*key, *map(_bounded, cell)) for key, cell in cells.items())
    )
    emptied = [key for key, cell in cells.items() if cell[0] <= 0 and cell[1] <= 0]
    connection.executemany(_drop(table, "calls = 0 AND invocations = 0"), emptied)


def _bounded(number: int) -> int:
    return min(max(number, -_MOST), _MOST)


def _add(table: str, key: Iterable[str], sums: Iterable[str]) -> str:
    columns = (*key, *sums)
    added = ", ".join(f"{each} = {each} + excluded.{each}" for each in sums)
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({','.join('?' * len(columns))}) "
        f"ON CONFLICT DO UPDATE SET {added}"
    )


def _drop(table: str, empty: str) -> str:
    return f"DELETE FROM {table} WHERE {' AND '.join(f'{each} = ?' for each in KEY)} AND {empty}"


_ADD_RARER: Final = _add("spent_rarely", (*KEY, "class"), ("count",))

_NAMES: Final = ", ".join(OF_OBSERVATION[each] for each in KEY)
_GROUPED: Final = (
    f"SELECT {_NAMES}, {', '.join(f'sum({OF_OBSERVATION[each]})' for each in SUMS)} FROM observations AS o "
    f"WHERE o.record BETWEEN ? AND ? AND {COUNTED} GROUP BY 1, 2, 3, 4, 5"
)
_GROUPED_RARER: Final = (
    f"SELECT {_NAMES}, each.key, sum(each.value) FROM observations AS o, json_each(o.usage_other) AS each "
    "WHERE o.record BETWEEN ? AND ? AND o.usage_other IS NOT NULL GROUP BY 1, 2, 3, 4, 5, 6"
)


def take_out(connection: sqlite3.Connection, first: int, last: int) -> None:
    """Take the observations with these addresses out of the sums, before they are removed."""
    _gathered(connection, first, last, -1).write(connection)


def count_anew(connection: sqlite3.Connection) -> None:
    """Make the sums again from all observations."""
    for table in ("spent_daily", "spent_hourly", "spent_rarely"):
        connection.execute(f"DELETE FROM {table}")
    _gathered(connection, 0, _MOST, 1).write(connection)


def _gathered(connection: sqlite3.Connection, first: int, last: int, sign: int) -> Spending:
    within = (first, last)
    return Spending(
        {
            (hour, tenant, agent_id, agent_name, model): [sign * each for each in sums]
            for hour, tenant, agent_id, agent_name, model, *sums in connection.execute(_GROUPED, within)
        },
        {
            ((hour, tenant, agent_id, agent_name, model), name): sign * count
            for hour, tenant, agent_id, agent_name, model, name, count in connection.execute(
                _GROUPED_RARER, within
            )
        },
    )
