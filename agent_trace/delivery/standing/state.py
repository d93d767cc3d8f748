"""What each consumer has got so far, in SQLite: offsets and counts by segment, dead letters, what sampling holds.

Written by the one forwarder of a store, in one transaction per batch; read by whoever asks for the status.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agent_trace.delivery.standing.schema import connect
from agent_trace.migration import transaction
from agent_trace.recording import forks
from agent_trace.recording.journal import layout

STATE_NAME: Final = "state.sqlite"
OUTCOMES: Final = ("delivered", "dead", "held_history", "held_sampling", "held_elsewhere", "torn", "damaged")
"""What can become of a record, as the columns of the table of offsets that count it."""

Effect = tuple[str, tuple[object, ...]]
"""A statement and its parameters, to be executed with the commit that settles a record."""

_ADVANCE: Final = f"""
INSERT INTO offsets (consumer, segment, start, position, finished, {", ".join(OUTCOMES)})
VALUES ({", ".join("?" * (5 + len(OUTCOMES)))})
ON CONFLICT (consumer, segment) DO UPDATE SET start = coalesce(start, excluded.start),
position = max(position, excluded.position), finished = max(finished, excluded.finished),
{", ".join(f"{name} = {name} + excluded.{name}" for name in OUTCOMES)}
"""

_parents_connections: list[sqlite3.Connection] = []


class StateChanged(Exception):
    """Another process changed what a consumer shall get; whoever forwards has to read the state again."""


@dataclass(slots=True)
class Advance:
    """How far one segment got with a commit: changes of its counts, and of its place unless it is None."""

    position: int | None = None
    start: int | None = None
    finished: bool = False
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Offset:
    """A segment as a consumer knows it."""

    segment: str
    start: int | None
    position: int
    finished: bool
    counts: dict[str, int]


class DeliveryState:
    """One connection to `delivery/state.sqlite`, opened when first used. Every method may raise sqlite3.Error."""

    def __init__(self, directory: Path, create: bool = True) -> None:
        self.path = directory / layout.DELIVERY / STATE_NAME
        self._create = create
        self._connection: sqlite3.Connection | None = None
        forks.watch(self)

    @property
    def connection(self) -> sqlite3.Connection:
        """The open connection. Raises sqlite3.Error, StoreTooNew, OSError."""
        if self._connection is None:
            if self._create:
                layout.make_private_directory(self.path.parent)
            self._connection = connect(self.path, self._create)
        return self._connection

    def close(self) -> None:
        """Close the connection; using the state again opens it again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def set_aside(self) -> Path:
        """Move a damaged file out of the way and give its new place; the next use starts an empty one."""
        self.close()
        damaged = self.path.with_name(f"{STATE_NAME}.damaged")
        with suppress(FileNotFoundError):
            self.path.replace(damaged)
        for ending in ("-wal", "-shm"):
            self.path.with_name(STATE_NAME + ending).unlink(missing_ok=True)
        return damaged

    def snapshot(self) -> AbstractContextManager[sqlite3.Connection]:
        """Everything read inside is of one moment."""
        return transaction(self.connection, "DEFERRED")

    def register(self, consumer: str, since_ns: int) -> None:
        """Note a consumer that is not known yet."""
        with transaction(self.connection) as connection:
            connection.execute(
                "INSERT OR IGNORE INTO consumers (name, since_ns) VALUES (?, ?)", (consumer, since_ns)
            )

    def since_ns(self, consumer: str) -> int | None:
        """When a consumer was registered; None when it was not."""
        query = "SELECT since_ns FROM consumers WHERE name = ?"
        found = self.connection.execute(query, (consumer,)).fetchone()
        return None if found is None else found[0]

    def generation(self, consumer: str) -> int:
        """A number that changes when another process changes what this consumer shall get; -1 for one not known."""
        query = "SELECT generation FROM consumers WHERE name = ?"
        found = self.connection.execute(query, (consumer,)).fetchone()
        return -1 if found is None else found[0]

    def consumers(self) -> list[tuple[str, int]]:
        """Name and registration (nanoseconds since the epoch) of every consumer."""
        return self.connection.execute("SELECT name, since_ns FROM consumers ORDER BY name").fetchall()

    def offsets(self, consumer: str) -> dict[str, Offset]:
        """Every segment that a consumer has begun, by name; those that are gone too."""
        query = f"SELECT segment, start, position, finished, {', '.join(OUTCOMES)} FROM offsets WHERE consumer = ?"
        return {
            row[0]: Offset(row[0], row[1], row[2], bool(row[3]), dict(zip(OUTCOMES, row[4:], strict=True)))
            for row in self.connection.execute(query, (consumer,))
        }

    def commit(
        self, consumer: str, generation: int, advances: Mapping[str, Advance], effects: Iterable[Effect] = ()
    ) -> None:
        """Write down what was settled, all or nothing.

        Raises StateChanged, with nothing written, when the consumer's generation is not the given one.
        """
        with transaction(self.connection) as connection:
            if self.generation(consumer) != generation:
                raise StateChanged(consumer)
            connection.executemany(_ADVANCE, [_row(consumer, *each) for each in advances.items()])
            for statement, values in effects:
                connection.execute(statement, values)

    def tell_problem(self, consumer: str, problem: str, at_ns: int) -> None:
        """Note for the status why nothing can be delivered."""
        statement = "UPDATE consumers SET problem = ?, problem_at_ns = ? WHERE name = ?"
        self.connection.execute(statement, (problem, at_ns, consumer))

    def extend(self, consumer: str, since_ns: int) -> int:
        """Have a consumer get history too, from `since_ns` on: gives the number of segments that start over."""
        of_consumer = "consumer = ? AND segment IN (SELECT segment FROM offsets WHERE consumer = ? AND held_history > 0)"
        with transaction(self.connection) as connection:
            changed = connection.execute(
                "UPDATE consumers SET since_ns = ?, generation = generation + 1 WHERE name = ? AND since_ns > ?",
                (since_ns, consumer, since_ns),
            )
            if not changed.rowcount:
                return 0
            for table in ("dead_letters", "held", "waiting", "ahead", "openings"):
                connection.execute(f"DELETE FROM {table} WHERE {of_consumer}", (consumer, consumer))
            query = "DELETE FROM offsets WHERE consumer = ? AND held_history > 0"
            return connection.execute(query, (consumer,)).rowcount

    def forget_parent(self) -> None:
        """In a forked child, which must not even close it: SQLite's locks and log belong to the process that opened it."""
        if self._connection is not None:
            _parents_connections.append(self._connection)
            self._connection = None

    def forget(self, consumer: str) -> None:
        """Remove all that is known of a consumer."""
        with transaction(self.connection) as connection:
            connection.execute("DELETE FROM consumers WHERE name = ?", (consumer,))
            for table in (
                "offsets",
                "dead_letters",
                "held",
                "totals",
                "kept",
                "waiting",
                "ahead",
                "openings",
            ):
                connection.execute(f"DELETE FROM {table} WHERE consumer = ?", (consumer,))


def note_acceptance(consumer: str, at_ns: int) -> Effect:
    """The backend takes what it is sent."""
    statement = "UPDATE consumers SET accepted_at_ns = ?, problem = NULL, problem_at_ns = NULL WHERE name = ?"
    return statement, (at_ns, consumer)


def _row(consumer: str, segment: str, advance: Advance) -> tuple[object, ...]:
    counts = advance.counts
    return (
        consumer,
        segment,
        advance.start,
        advance.position or 0,
        advance.finished,
        *[counts.get(name, 0) for name in OUTCOMES],
    )
