"""SQLite files that are brought up to date in steps, each taken once, by whoever opens the file first."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from agent_trace.errors import StoreTooNew

Step = tuple[str, str]
"""A name, and the statements that change the tables. A step that was released is never edited."""


@contextmanager
def transaction(connection: sqlite3.Connection, kind: str = "IMMEDIATE") -> Iterator[sqlite3.Connection]:
    """All of what is done inside, or nothing of it, and alone; DEFERRED sees one moment and lets others write."""
    connection.execute(f"BEGIN {kind}")
    try:
        yield connection
        connection.execute("COMMIT")
    finally:
        # Only after a failure; and one that SQLite rolled back itself leaves nothing to undo.
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def migrate(
    connection: sqlite3.Connection, steps: Sequence[Step], too_new: str, application_id: int = 0
) -> None:
    """Take the steps that the file has not seen yet, in one transaction.

    Raises StoreTooNew for a file that has seen more than these: `too_new`, with its `{version}` and the `{known}` one.
    """
    if _version(connection) == len(steps):
        return
    with transaction(connection):
        # Asked again inside the transaction: another process may have migrated while this one waited.
        version = _version(connection)
        if version > len(steps):
            raise StoreTooNew(too_new.format(version=version, known=len(steps)))
        for _, statements in steps[version:]:
            for statement in statements.split(";\n"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute(f"PRAGMA application_id = {application_id}")


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version
