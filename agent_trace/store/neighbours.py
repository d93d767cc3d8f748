"""The traces before and after a trace: in its session when it has one, and else in time."""

import sqlite3
from typing import Final

from agent_trace.store.names import Found

_SESSION: Final = (
    "SELECT s.number FROM observations AS o INDEXED BY observations_by_trace JOIN sessions AS s "
    "ON s.session_id = o.session_id WHERE o.trace = ? ORDER BY o.is_root DESC, o.start_ns LIMIT 1"
)
_IN_SESSION: Final = (
    "FROM session_traces AS st JOIN traces AS t ON t.number = st.trace WHERE st.session = ? AND "
)
_IN_TIME: Final = "FROM traces AS t WHERE t.observations > 0 AND "


def neighbours(connection: sqlite3.Connection, found: Found) -> tuple[str | None, str | None]:
    """The ids of the trace that started before this one and of the one that started after it."""
    session = connection.execute(_SESSION, (found.trace,)).fetchone()
    start_ns = connection.execute("SELECT start_ns FROM traces WHERE number = ?", (found.trace,)).fetchone()[
        0
    ]
    among, values = (_IN_TIME, ()) if session is None else (_IN_SESSION, session)
    key = (*values, start_ns, found.trace)
    return _next(connection, among, "<", "DESC", key), _next(connection, among, ">", "ASC", key)


def _next(
    connection: sqlite3.Connection, among: str, sign: str, order: str, key: tuple[int, ...]
) -> str | None:
    row = connection.execute(
        f"SELECT t.trace_id {among} (t.start_ns, t.number) {sign} (?, ?) "
        f"ORDER BY t.start_ns {order}, t.number {order} LIMIT 1",
        key,
    ).fetchone()
    return None if row is None else row[0].hex()
