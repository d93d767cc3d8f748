"""Working costs out again when prices have changed: another version of the price table, or prices of your own.

Costs that the records state themselves stay. Everything else in the index stays as well, the text included.
"""

import logging
import sqlite3
from collections.abc import Iterator
from typing import Any, Final

import orjson

from agent_trace.costs import price_pico, price_source
from agent_trace.store.index import Index
from agent_trace.store.rollups import Rollups
from agent_trace.store.rows import USAGE_COLUMNS, ObservationRow
from agent_trace.store.summaries import recount

logger = logging.getLogger("agent_trace")

_PRICED: Final = (
    "SELECT record, trace, model, start_ns, cost_pico, usage_other, "
    + ", ".join(f"usage_{each}" for each in USAGE_COLUMNS)
    + " FROM observations WHERE tokens IS NOT NULL AND model <> '' AND NOT stated"
)
_AT_ONCE: Final = 10_000
"""Rows are held in memory until they are summed up, and it may be all of a million that cost something else."""
_CHANGE: Final = "UPDATE observations SET cost_pico = ?, unpriced = ? WHERE record = ?"


def match_prices(index: Index) -> None:
    """See to it that the costs in the index are worked out with the prices that are in force now."""
    source, known = price_source(), _known(index.connection)
    if known == source:
        return
    with index.transaction() as connection:
        # Asked again inside the transaction: another process may have done it while this one waited.
        known = _known(connection)
        if known == source:
            return
        if known is not None:
            logger.warning("prices changed from %s to %s: costs are worked out again", known, source)
            _reprice(connection)
        connection.execute("DELETE FROM priced_with")
        connection.execute("INSERT INTO priced_with VALUES (?)", (source,))


def _known(connection: sqlite3.Connection) -> str | None:
    found = connection.execute("SELECT source FROM priced_with").fetchone()
    return None if found is None else str(found[0])


def _reprice(connection: sqlite3.Connection) -> None:
    changed = list(_changed(connection))
    for start in range(0, len(changed), _AT_ONCE):
        _change(connection, changed[start : start + _AT_ONCE])
    recount(connection, {trace for _, trace, _ in changed})


def _change(connection: sqlite3.Connection, changed: list[tuple[int, int, int | None]]) -> None:
    rollups = Rollups(connection)
    for record, _, cost in changed:
        row = connection.execute("SELECT * FROM observations WHERE record = ?", (record,)).fetchone()
        old = ObservationRow(*row)
        rollups.replace(old, old._replace(cost_pico=cost, unpriced=cost is None))
    connection.executemany(_CHANGE, ((cost, cost is None, record) for record, _, cost in changed))
    rollups.write()


def _changed(connection: sqlite3.Connection) -> Iterator[tuple[int, int, int | None]]:
    """(address, trace, new cost) of each observation that costs something else than before."""
    for record, trace, model, start_ns, before, other, *counts in connection.execute(_PRICED):
        usage: dict[str, Any] = {
            name: count for name, count in zip(USAGE_COLUMNS, counts, strict=True) if count is not None
        }
        if other is not None:
            usage.update(orjson.loads(other))
        after = price_pico(model, usage, start_ns)
        if after != before:
            yield record, trace, after
