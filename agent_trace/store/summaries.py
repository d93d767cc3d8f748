"""The row that the index keeps of a trace: sums over its observations, kept up as they arrive."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import orjson

from agent_trace.store.binding import blob, write_rows
from agent_trace.store.rows import ObservationRow
from agent_trace.store.trace_sums import SUMMED, TraceFigures, TraceSums

_COLUMNS: Final = ("number", "trace_id", "start_ns", "end_ns", *SUMMED[1:])
_UNKNOWN_START: Final = (1 << 63) - 1
ERROR: Final = 2
_FIRST_NAME: Final = ObservationRow._fields.index("model")
_AFTER_NAMES: Final = ObservationRow._fields.index("tenant_id") + 1


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
    names: set[tuple[Any, ...]] = field(default_factory=set)
    """Model, agent (id and name) and tenant of each row that was counted in."""
    known: TraceFigures | None = None
    """What the index says of the trace before it is saved again."""

    def add(self, row: ObservationRow) -> None:
        """Count an observation in."""
        self._count(row, 1)
        start_ns, end_ns = row.start_ns, row.end_ns
        if start_ns < self.start_ns:
            self.start_ns = start_ns
        if end_ns is not None and (self.end_ns is None or end_ns > self.end_ns):
            self.end_ns = end_ns
        self.names.add(row[_FIRST_NAME:_AFTER_NAMES])

    def replace(self, old: ObservationRow, new: ObservationRow) -> bool:
        """Count `new` in for `old`; False when the trace has to be counted again, for the old one cannot be undone."""
        self._count(old, -1)
        self.add(new)
        same_names = (old.model, old.tenant_id, agent_of(old)) == (new.model, new.tenant_id, agent_of(new))
        return same_names and old.start_ns == new.start_ns and old.end_ns in (None, new.end_ns)

    def _count(self, row: ObservationRow, sign: int) -> None:
        cost_pico = row.cost_pico
        self.observations += sign
        self.tokens += sign * (row.tokens or 0)
        if row.type == "generation":
            self.generations += sign
        if cost_pico is not None:
            self.cost_pico += sign * cost_pico
            self.priced += sign
        self.unpriced += sign * row.unpriced
        if row.level == ERROR:
            self.errors += sign
        self.opened += sign * row.opened

    def figures(self) -> TraceFigures:
        """What counts of it in the sums of traces."""
        agents, models, tenants = _lists_of(frozenset(self.names))
        if self.known is not None:
            agents, models, tenants = map(_joined, self.known[-3:], (agents, models, tenants))
        return (
            self.start_ns,
            self.observations,
            self.generations,
            self.tokens,
            self.cost_pico,
            self.priced,
            self.unpriced,
            self.errors,
            self.opened,
            agents,
            models,
            tenants,
        )


def agent_of(row: ObservationRow) -> str | None:
    """What an observation's agent is listed by: its id, or else its name."""
    return row.agent_id or row.agent_name


@lru_cache(maxsize=10_000)
def _lists_of(names: frozenset[tuple[Any, ...]]) -> tuple[str, str, str]:
    """Agents, models and tenants, each as a list in JSON: few traces differ in them."""
    agents = {agent_id or agent_name for _, agent_id, agent_name, _ in names}
    return _as_list(agents), _as_list({model for model, *_ in names}), _as_list({each[-1] for each in names})


def _as_list(values: set[str | None]) -> str:
    return orjson.dumps(sorted(filter(None, values))).decode()


def _joined(one: str, other: str) -> str:
    return one if one == other else _as_list({*orjson.loads(one), *orjson.loads(other)})


def load(connection: sqlite3.Connection, trace_ids: Iterable[bytes]) -> dict[bytes, Summary]:
    """The summaries of these traces, new ones for those that are not there yet."""
    wanted = list(trace_ids)
    marks = ",".join("?" * len(wanted))
    found: dict[bytes, Summary] = {}
    query = f"SELECT {', '.join(_COLUMNS)} FROM traces WHERE trace_id IN ({marks})"
    for row in connection.execute(query, list(map(blob, wanted))):
        summary = found[row[1]] = Summary(*row[:12])
        summary.known = (row[2], *row[4:])
    number = connection.execute("SELECT coalesce(max(number), 0) FROM traces").fetchone()[0]
    for trace_id in wanted:
        if trace_id not in found:
            number += 1
            found[trace_id] = Summary(number, trace_id)
    return found


def save(connection: sqlite3.Connection, summaries: Iterable[Summary]) -> None:
    """Write summaries back, and what changed into the sums of traces."""
    sums, new, known = TraceSums(), [], []
    for each in summaries:
        figures = each.figures()
        row = (each.number, each.trace_id, each.start_ns, each.end_ns, *figures[1:])
        if each.known is None:
            new.append(row)
        else:
            known.append(row)
            sums.count(each.known, -1)
        sums.count(figures, 1)
    # Where nothing has to be replaced, each index is searched once instead of twice.
    write_rows(connection, "INSERT INTO traces", _COLUMNS, new, ("trace_id",))
    write_rows(connection, "INSERT OR REPLACE INTO traces", _COLUMNS, known, ("trace_id",))
    sums.write(connection)


RECOUNT: Final = """
UPDATE traces SET
    (start_ns, end_ns, observations, generations, tokens, cost_pico, priced, unpriced, errors, opened, agents, models,
     tenants)
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
            SELECT DISTINCT model FROM observations WHERE trace = traces.number AND model <> '' ORDER BY model)),
        (SELECT json_group_array(tenant_id) FROM (
            SELECT DISTINCT tenant_id FROM observations WHERE trace = traces.number AND tenant_id <> ''
            ORDER BY tenant_id))
       FROM observations WHERE trace = traces.number)
WHERE number = ?
"""


def recount(connection: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Work these summaries out again from what is left of their traces, and drop those of which nothing is."""
    each, sums = [(number,) for number in numbers], TraceSums()
    _count(connection, each, sums, -1)
    connection.executemany(RECOUNT, each)
    _count(connection, each, sums, 1)
    sums.write(connection)
    connection.executemany(
        "DELETE FROM traces WHERE number = ? AND observations = 0 "
        "AND NOT EXISTS (SELECT 1 FROM amendments WHERE trace = traces.number)",
        each,
    )


def _count(connection: sqlite3.Connection, numbers: Iterable[tuple[int]], sums: TraceSums, sign: int) -> None:
    for number in numbers:
        row = connection.execute(
            f"SELECT {', '.join(SUMMED)} FROM traces WHERE number = ?", number
        ).fetchone()
        if row is not None:
            sums.count(row, sign)
