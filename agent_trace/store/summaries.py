"""The row that the index keeps of a trace: sums over its observations, kept up as they arrive."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import orjson

from agent_trace.store.rows import ObservationRow

_COLUMNS: Final = (
    "number, trace_id, start_ns, end_ns, observations, generations, tokens, cost_pico, priced, unpriced, errors, "
    "opened, agents, models"
)
_UNKNOWN_START: Final = (1 << 63) - 1
ERROR: Final = 2


@dataclass(slots=True)
class Summary:
    """One row of `traces`, in the order of the table."""

    number: int
    trace_id: bytes
    start_ns: int = _UNKNOWN_START
    end_ns: int | None = None
    observations: int = 0
    generations: int = 0
    tokens: int = 0
    cost_pico: int = 0
    priced: int = 0
    unpriced: int = 0
    errors: int = 0
    opened: int = 0
    agents: set[str] = field(default_factory=set)
    models: set[str] = field(default_factory=set)

    def add(self, row: ObservationRow) -> None:
        """Count an observation in."""
        self._count(row, 1)
        if row.start_ns < self.start_ns:
            self.start_ns = row.start_ns
        if row.end_ns is not None and (self.end_ns is None or row.end_ns > self.end_ns):
            self.end_ns = row.end_ns
        agent = agent_of(row)
        if agent:
            self.agents.add(agent)
        if row.model:
            self.models.add(row.model)

    def replace(self, old: ObservationRow, new: ObservationRow) -> bool:
        """Count `new` in for `old`; False when the trace has to be counted again, for the old one cannot be undone."""
        self._count(old, -1)
        self.add(new)
        same_names = old.model == new.model and agent_of(old) == agent_of(new)
        return same_names and old.start_ns == new.start_ns and old.end_ns in (None, new.end_ns)

    def _count(self, row: ObservationRow, sign: int) -> None:
        self.observations += sign
        self.tokens += sign * (row.tokens or 0)
        if row.type == "generation":
            self.generations += sign
        if row.cost_pico is not None:
            self.cost_pico += sign * row.cost_pico
            self.priced += sign
        if row.unpriced:
            self.unpriced += sign
        if row.level == ERROR:
            self.errors += sign
        if row.opened:
            self.opened += sign

    def columns(self) -> tuple[object, ...]:
        """Values in the order of the table."""
        return (
            self.number,
            self.trace_id,
            self.start_ns,
            self.end_ns,
            self.observations,
            self.generations,
            self.tokens,
            self.cost_pico,
            self.priced,
            self.unpriced,
            self.errors,
            self.opened,
            _as_list(self.agents),
            _as_list(self.models),
        )


def agent_of(row: ObservationRow) -> str | None:
    """What an observation's agent is listed by: its id, or else its name."""
    return row.agent_id or row.agent_name


def _as_list(values: set[str]) -> str:
    return orjson.dumps(sorted(values)).decode() if values else "[]"


def load(connection: sqlite3.Connection, trace_ids: Iterable[bytes]) -> dict[bytes, Summary]:
    """The summaries of these traces, new ones for those that are not there yet."""
    wanted = list(trace_ids)
    marks = ",".join("?" * len(wanted))
    found: dict[bytes, Summary] = {}
    for row in connection.execute(f"SELECT {_COLUMNS} FROM traces WHERE trace_id IN ({marks})", wanted):
        summary = found[row[1]] = Summary(*row)
        summary.agents, summary.models = set(orjson.loads(row[12])), set(orjson.loads(row[13]))
    number = connection.execute("SELECT coalesce(max(number), 0) FROM traces").fetchone()[0]
    for trace_id in wanted:
        if trace_id not in found:
            number += 1
            found[trace_id] = Summary(number, trace_id)
    return found


def save(connection: sqlite3.Connection, summaries: Iterable[Summary]) -> None:
    """Write summaries back."""
    connection.executemany(
        f"INSERT OR REPLACE INTO traces ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (each.columns() for each in summaries),
    )


RECOUNT: Final = """
UPDATE traces SET
    (start_ns, end_ns, observations, generations, tokens, cost_pico, priced, unpriced, errors, opened, agents, models)
    = (SELECT
        coalesce(min(start_ns), traces.start_ns),
        max(end_ns),
        count(*),
        coalesce(sum(type = 'generation'), 0),
        coalesce(sum(tokens), 0),
        coalesce(sum(cost_pico), 0),
        count(cost_pico),
        coalesce(sum(unpriced), 0),
        coalesce(sum(level = 2), 0),
        coalesce(sum(opened), 0),
        (SELECT json_group_array(agent) FROM (
            SELECT DISTINCT coalesce(nullif(agent_id, ''), agent_name) AS agent FROM observations
            WHERE trace = traces.number AND agent <> '' ORDER BY agent)),
        (SELECT json_group_array(model) FROM (
            SELECT DISTINCT model FROM observations WHERE trace = traces.number AND model <> '' ORDER BY model))
       FROM observations WHERE trace = traces.number)
WHERE number = ?
"""


def recount(connection: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Work these summaries out again from what is left of their traces, and drop those of which nothing is."""
    each = [(number,) for number in numbers]
    connection.executemany(RECOUNT, each)
    connection.executemany(
        "DELETE FROM traces WHERE number = ? AND observations = 0 "
        "AND NOT EXISTS (SELECT 1 FROM amendments WHERE trace = traces.number)",
        each,
    )
