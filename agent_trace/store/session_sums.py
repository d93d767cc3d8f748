"""What the index keeps of a session: when it was, who took part, and sums, kept up as observations come and go."""

import sqlite3
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from agent_trace.store.cells import CellTable, Figures, Waiting, summed, waiting
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


@dataclass(slots=True)
class _Session:
    """What a batch says of one session."""

    first_ns: int = (1 << 63) - 1
    last_ns: int = 0
    agents: set[str] = field(default_factory=set)
    tenants: set[str] = field(default_factory=set)
    traces: dict[int, int] = field(default_factory=dict)
    must_recount: bool = False


class SessionSums:
    """What a batch of observations adds."""

    __slots__ = ("_cells", "_rarer", "_sessions")

    def __init__(self) -> None:
        self._sessions: dict[str, _Session] = {}
        self._cells: Waiting = waiting()
        self._rarer: Waiting = waiting()

    def count(self, row: ObservationRow, figures: Figures, sign: int) -> None:
        """Count an observation with these figures in (1), or out again (-1): its figures are negative then."""
        if row.session_id is None:
            return
        session = self._sessions.get(row.session_id)
        if session is None:
            session = self._sessions[row.session_id] = _Session()
        self._cells[row.session_id,].append(figures)
        session.traces[row.trace] = session.traces.get(row.trace, 0) + sign
        if row.usage_other is not None:
            count_rarer(self._rarer, (row.session_id,), row, sign)
        if sign > 0:
            self._add_names(session, row)

    def forget_names(self, row: ObservationRow) -> None:
        """What an observation that was counted out said of its session has to be looked up again."""
        if row.session_id is not None:
            self._sessions[row.session_id].must_recount = True

    def _add_names(self, session: _Session, row: ObservationRow) -> None:
        if row.start_ns < session.first_ns:
            session.first_ns = row.start_ns
        if row.start_ns > session.last_ns:
            session.last_ns = row.start_ns
        agent = row.agent_id or row.agent_name
        if agent:
            session.agents.add(agent)
        if row.tenant_id:
            session.tenants.add(row.tenant_id)

    def write(self, connection: sqlite3.Connection) -> None:
        """Add it all to the tables, when the observations themselves are written or removed."""
        numbers = {
            id: _save(connection, id, self._sessions[id], sums) for (id,), sums in summed(self._cells).items()
        }
        each = [(numbers[id], session) for id, session in self._sessions.items()]
        traces = {(n, trace): (count,) for n, session in each for trace, count in session.traces.items()}
        rarer = {(numbers[id], name): cell for (id, name), cell in summed(self._rarer).items()}
        _TRACES.add(connection, traces)
        _RARELY.add(connection, rarer)
        again = [(number,) for number, session in each if session.must_recount]
        connection.executemany(_DROP, again)
        connection.executemany(_RECOUNT, again)


def _save(connection: sqlite3.Connection, id: str, session: _Session, sums: Figures) -> int:
    """Write down who takes part and what it adds up to, and give the number of the session."""
    found = connection.execute(_FIND, (id,)).fetchone()
    if found is None:
        connection.execute(_ADD, (id, session.first_ns, session.last_ns))
        found = connection.execute(_FIND, (id,)).fetchone()
    number, first_ns, last_ns, agents, tenants = found
    first_ns, last_ns = min(first_ns, session.first_ns), max(last_ns, session.last_ns)
    names = _joined(agents, session.agents), _joined(tenants, session.tenants)
    connection.execute(_CHANGE, (first_ns, last_ns, *names, *sums, number))
    return int(number)


def _joined(known: str, more: set[str]) -> str:
    if not more:
        return known
    names: list[Any] = orjson.loads(known)
    more -= set(names)
    return orjson.dumps(sorted([*names, *more])).decode() if more else known
