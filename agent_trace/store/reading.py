"""Whole observations: their records fetched from the journal, amended, and with their cost filled in."""

import sqlite3
from collections.abc import Callable, Iterator
from typing import Final

from agent_trace.costs import price, recorded_cost
from agent_trace.observation import Observation
from agent_trace.store.conditions import Narrowing, all_of, observation_conditions
from agent_trace.store.names import Found
from agent_trace.store.records import Address, Record, amend, parse, text
from agent_trace.store.rows import token_counts

ReadBytes = Callable[[int, int, int], bytes | None]
"""What stands in a segment: its number, from where, how many bytes; None when it is gone."""
PAGE: Final = 500
POINTERS: Final = "o.record, o.length, o.trace, o.id, o.amended"
Pointer = tuple[int, int, int, bytes, int]


class Reading:
    """Reads observations through their pointers, on one connection."""

    def __init__(self, connection: sqlite3.Connection, read_bytes: ReadBytes) -> None:
        self._connection = connection
        self.read_bytes = read_bytes

    def _fetch(self, address: Address) -> Record | None:
        line = self.read_bytes(address.segment, address.offset, address.length)
        return None if line is None else parse(line)

    def record(self, pointer: Pointer) -> Record | None:
        """The record with its amendments; None when its segment was removed."""
        number, length, trace, id, amended = pointer
        record = self._fetch(Address(number, length))
        if record is None or not amended:
            return record
        return amend(record, self.amendments(trace, id))

    def amendments(self, trace: int, id: bytes) -> list[Record]:
        """What was added to an observation, the oldest first, as it was written."""
        query = "SELECT record, length FROM amendments WHERE id = ? AND trace = ? ORDER BY at_ns, record"
        return self._all(query, id, trace)

    def added_to(self, observation: Found) -> list[Record]:
        """The same of an observation that was found by its id."""
        return self.amendments(observation.trace, bytes.fromhex(observation.id))

    def scores(self, trace: Found) -> list[Record]:
        """The scores of a trace and of what is in it, the oldest first."""
        query = "SELECT record, length FROM scores WHERE trace_id = ? ORDER BY at_ns, record"
        return self._all(query, bytes.fromhex(trace.trace_id))

    def _all(self, query: str, *values: object) -> list[Record]:
        rows = self._connection.execute(query, values).fetchall()
        found = [self._fetch(Address(*row)) for row in rows]
        return [each for each in found if each is not None]

    def observation(self, pointer: Pointer) -> Observation | None:
        """The observation; None when its segment was removed."""
        record = self.record(pointer)
        return None if record is None else as_observation(record)

    def page(
        self, asked: Narrowing, after: tuple[int, int] | None, newest_first: bool, limit: int
    ) -> list[tuple[int, Pointer]]:
        """(start_ns, pointer) of the next observations that fit, by start."""
        conditions, values = observation_conditions(asked)
        if after is not None:
            conditions.append(f"(o.start_ns, o.record) {'<' if newest_first else '>'} (?, ?)")
            values += after
        order = "DESC" if newest_first else "ASC"
        rows = self._connection.execute(
            f"SELECT o.start_ns, {POINTERS} FROM observations AS o WHERE {all_of(conditions)} "
            f"ORDER BY o.start_ns {order}, o.record {order} LIMIT ?",
            (*values, limit),
        )
        return [
            (start_ns, (record, length, trace, id, amended))
            for start_ns, record, length, trace, id, amended in rows
        ]

    def of_trace(self, number: int) -> Iterator[tuple[int, bool, Observation]]:
        """(address, whether it is only opened, observation) of a whole trace, by start."""
        query = f"SELECT o.opened, {POINTERS} FROM observations AS o WHERE o.trace = ? ORDER BY o.start_ns, o.record"
        for opened, *pointer in self._connection.execute(query, (number,)).fetchall():
            found = self.observation((pointer[0], pointer[1], pointer[2], pointer[3], pointer[4]))
            if found is not None:
                yield pointer[0], bool(opened), found


def as_observation(record: Record) -> Observation:
    """The observation of a record; `cost` is the provider's own, or else worked out from `usage`."""
    observation = Observation.from_record(record)
    cost = recorded_cost(record.get("cost")) or price(
        text(record.get("model")), token_counts(record.get("usage")), record.get("start_ns") or 0
    )
    observation.cost = None if cost is None else cost.to_record()
    return observation
