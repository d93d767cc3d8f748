"""Removing segments with their rows, and rows whose segment somebody else removed."""

import sqlite3
from typing import Final

from agent_trace.store.records import range_of
from agent_trace.store.rollups import Rollups
from agent_trace.store.rows import ObservationRow
from agent_trace.store.summaries import recount
from agent_trace.store.tag_sums import TagSums

_TABLES: Final = ("signals", "tags", "amendments", "scores", "observations")


def forget(connection: sqlite3.Connection, segment: int) -> None:
    """Take everything of one segment out of the index, inside the caller's transaction.

    Its words stay in the full text, and a search passes over them: `text.py` says when they go.
    """
    first, last = range_of(segment)
    traces = {
        number
        for table in ("observations", "amendments")
        for (number,) in connection.execute(
            f"SELECT DISTINCT trace FROM {table} WHERE record BETWEEN ? AND ?", (first, last)
        )
    }
    rollups = Rollups(connection)
    for row in connection.execute("SELECT * FROM observations WHERE record BETWEEN ? AND ?", (first, last)):
        rollups.remove(ObservationRow(*row))
    tag_sums = TagSums()
    tag_sums.remove(connection, first, last)
    for table in _TABLES:
        connection.execute(f"DELETE FROM {table} WHERE record BETWEEN ? AND ?", (first, last))
    rollups.write()
    tag_sums.write(connection)
    connection.execute(
        "INSERT INTO forgotten SELECT text_position FROM segments WHERE number = ?", (segment,)
    )
    connection.execute("DELETE FROM segments WHERE number = ?", (segment,))
    recount(connection, traces)
