"""What the index keeps of a session: when it was, who took part, and sums, kept up as observations come and go."""

import sqlite3
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

import orjson

from agent_trace.store.cells import CellTable, Figures, summed, waiting
from agent_trace.store.rows import ObservationRow
from agent_trace.store.spending import FIGURES, count_rarer

_TRACES: Final = CellTable("session_traces", ("session", "trace"), ("observations",), ("observations",))
_RARELY: Final = CellTable("session_rarely", ("session", "class"), ("count",), ("count",))

_FIND: Final = "SELECT number, first_ns, last_ns, agents, tenants FROM sessions WHERE session_id = ?"
_ADD: Final = (
    "INSERT INTO sessions (session_id, first_ns, last_ns, agents, tenants) VALUES (?, ?, ?, '[]', '[]')"
)
_CHANGE: Final = (
    "UPDATE sessions SET first_ns = ?, last_ns = ?, agents = ?, tenants = ?, "
    f"{', '.join(f'{each} = {each} + ?' for each in FIGURES)} WHERE number = ?"
)
_OBSERVATIONS: Final = (
    "FROM session_traces AS s JOIN observations AS o ON o.trace = s.trace "
    "WHERE s.session = sessions.number AND o.session_id = sessions.session_id"
)
_RECOUNT: Final = f"""
UPDATE sessions SET (first_ns, last_ns, agents, tenants) = (SELECT
    min(o.start_ns),
    max(o.start_ns),
    (SELECT json_group_array(agent) FROM (
        SELECT DISTINCT coalesce(nullif(o.agent_id, ''), o.agent_name) AS agent {_OBSERVATIONS}
        AND agent <> '' ORDER BY agent)),
    (SELECT json_group_array(tenant) FROM (
        SELECT DISTINCT o.tenant_id AS tenant {_OBSERVATIONS} AND tenant <> '' ORDER BY tenant))
    {_OBSERVATIONS})
WHERE number = ?
"""
_DROP: Final = "DELETE FROM sessions WHERE number = ? AND NOT EXISTS (SELECT 1 FROM session_traces WHERE session = number)"

_UNKNOWN_START: Final = (1 << 63) - 1


@dataclass(slots=True)
class _Session:
    """What a batch says of one session."""

    added: list[ObservationRow] = field(default_factory=list)
    removed: list[ObservationRow] = field(default_factory=list)
    figures: list[Figures] = field(default_factory=list)
    must_recount: bool = False


class SessionSums:
    """What a batch of observations adds."""

    __slots__ = ("_sessions",)

    def __init__(self) -> None:
        self._sessions: dict[str, _Session] = {}

    def count(self, row: ObservationRow, figures: Figures, sign: int) -> None:
        """Count an observation with these figures in (1), or out again (-1): its figures are negative then."""
        id = row.session_id
        if id is None:
            return
        session = self._sessions.get(id)
        if session is None:
            session = self._sessions[id] = _Session()
        (session.added if sign > 0 else session.removed).append(row)
        session.figures.append(figures)

    def forget_names(self, row: ObservationRow) -> None:
        """What an observation that was counted out said of its session has to be looked up again."""
        if row.session_id is not None:
            self._sessions[row.session_id].must_recount = True

    def write(self, connection: sqlite3.Connection) -> None:
        """Add it all to the tables, when the observations themselves are written or removed."""
        sums = summed({(id,): session.figures for id, session in self._sessions.items()})
        numbers = {id: _save(connection, id, self._sessions[id].added, each) for (id,), each in sums.items()}
        traces, rarer = defaultdict[tuple[int, int], int](int), waiting()
        for id, session in self._sessions.items():
            for rows, sign in ((session.added, 1), (session.removed, -1)):
                for row in rows:
                    traces[numbers[id], row.trace] += sign
                count_rarer(rarer, (numbers[id],), rows, sign)
        _TRACES.add(connection, {key: (count,) for key, count in traces.items()})
        _RARELY.add(connection, summed(rarer))
        again = [(numbers[id],) for id, session in self._sessions.items() if session.must_recount]
        connection.executemany(_DROP, again)
        connection.executemany(_RECOUNT, again)


def _save(connection: sqlite3.Connection, id: str, rows: list[ObservationRow], sums: Figures) -> int:
    """Write down who takes part and what it adds up to, and give the number of the session."""
    starts = [row.start_ns for row in rows]
    begin_ns, end_ns = min(starts, default=_UNKNOWN_START), max(starts, default=0)
    found = connection.execute(_FIND, (id,)).fetchone()
    if found is None:
        connection.execute(_ADD, (id, begin_ns, end_ns))
        found = connection.execute(_FIND, (id,)).fetchone()
    number, first_ns, last_ns, agents, tenants = found
    names = (
        _joined(agents, {row.agent_id or row.agent_name for row in rows}),
        _joined(tenants, {row.tenant_id for row in rows}),
    )
    connection.execute(_CHANGE, (min(first_ns, begin_ns), max(last_ns, end_ns), *names, *sums, number))
    return int(number)


def _joined(known: str, more: set[str | None]) -> str:
    names: list[str] = orjson.loads(known)
    new = {each for each in more if each}.difference(names)
    return orjson.dumps(sorted([*names, *new])).decode() if new else known
