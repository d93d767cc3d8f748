"""Records that a backend refused for good: kept with its answer, listed, and put up for another try."""

import sqlite3
from dataclasses import dataclass
from typing import Any

import orjson

from agent_trace.delivery.backend import Answer
from agent_trace.delivery.standing.state import DeliveryState, Effect
from agent_trace.migration import transaction

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record and what the server said to it; `at_ns` in nanoseconds since the epoch."""

    consumer: str
    segment: str
    offset: int
    id: str
    record: Record
    status: int | None
    answer: str
    at_ns: int


def bury(
    consumer: str, segment: str, offset: int, id: str, record: Record, answer: Answer, at_ns: int
) -> Effect:
    """Keep a record that was refused; one that was refused before has another answer now."""
    text = orjson.dumps(record).decode()
    return (
        "INSERT INTO dead_letters (consumer, segment, offset, id, record, status, answer, at_ns) "
        "VALUES (?,?,?,?,?,?,?,?) ON CONFLICT (consumer, segment, offset) DO UPDATE SET "
        "status = excluded.status, answer = excluded.answer, at_ns = excluded.at_ns, retry = 0",
        (consumer, segment, offset, id, text, answer.status, answer.text[:1000], at_ns),
    )


def unbury(consumer: str, segment: str, offset: int) -> Effect:
    """A dead letter was accepted after all."""
    statement = "DELETE FROM dead_letters WHERE consumer = ? AND segment = ? AND offset = ?"
    return statement, (consumer, segment, offset)


def dead_letters(state: DeliveryState, consumer: str, *, to_retry: bool = False) -> list[DeadLetter]:
    """The dead letters of a consumer, oldest first; or those that are to be tried again."""
    query = (
        "SELECT consumer, segment, offset, id, record, status, answer, at_ns FROM dead_letters "
        f"WHERE consumer = ? {'AND retry' if to_retry else ''} ORDER BY number"
    )
    rows = state.connection.execute(query, (consumer,))
    return [
        DeadLetter(name, segment, offset, id, orjson.loads(text), status, answer, at_ns)
        for name, segment, offset, id, text, status, answer, at_ns in rows
    ]


def put_up_for_retry(state: DeliveryState, consumer: str) -> int:
    """Have whoever forwards next try every dead letter again; gives their number.

    Those that lie ahead of the position are left: their turn comes when the position passes them.
    """
    with transaction(state.connection) as connection:
        changed: sqlite3.Cursor = connection.execute(
            "UPDATE dead_letters SET retry = 1 WHERE consumer = ? AND NOT EXISTS (SELECT 1 FROM ahead AS a "
            "WHERE a.consumer = dead_letters.consumer AND a.segment = dead_letters.segment AND a.offset = dead_letters.offset)",
            (consumer,),
        )
    return changed.rowcount
