"""The SQLite file beside the journal: opening it, its transactions, and starting over when it is damaged.

The index is derived. Whatever is wrong with it, the answer is the same: remove it and read the journal
again. One process at a time opens or removes it, hence the lock file. Whoever still has a removed index
open goes on with files that no longer have a name, and notices at the next question.
"""

import fcntl
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, TypeVar

from agent_trace.errors import StoreError
from agent_trace.migration import transaction
from agent_trace.store.profiles import Known
from agent_trace.store.schema import check, migrate

logger = logging.getLogger("agent_trace")

Answer = TypeVar("Answer")

INDEX_NAME: Final = "index.sqlite"
LOCK_NAME: Final = "index.lock"
"""Locked while the index is opened or removed; holds how often it was made anew."""
BUSY_TIMEOUT_S: Final = 60.0
"""A batch of another process takes a fraction of a second; many processes may queue for one."""

# Why each pragma is what it is:
PRAGMAS: Final = (
    # Readers are never blocked by the one who writes, nor the other way round.
    "journal_mode = WAL",
    # No fsync at commit. A power cut can cost the last commits, never the file, and the journal has them.
    "synchronous = NORMAL",
    # Ids are random: the upper pages of their B-trees must stay in memory, or every insert reads the disk.
    "cache_size = -65536",
    # Checkpoints sync the disk. Once every 64 MB of log instead of every 4.
    "wal_autocheckpoint = 16384",
    # The log stays as long as its longest moment unless it is told to shrink.
    "journal_size_limit = 67108864",
    # Sorting and grouping must not need a writable /tmp.
    "temp_store = MEMORY",
)

# Damage that shows while a question is asked; "locked" and "disk full" are OperationalErrors without it.
DAMAGE: Final = (
    "malformed",
    "not a database",
    "another program's database",
    "no such table",
    "no such column",
    "vtable constructor failed",
    "already exists",
    "corrupt",
    "disk I/O error",
)


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file is to blame, rather than its being busy or the disk being full."""
    return isinstance(error, sqlite3.DatabaseError) and any(words in str(error) for words in DAMAGE)


class Index:
    """One connection to the index of a store, opened when first used."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path = directory / INDEX_NAME
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._number = 0
        self._opening = 0
        self._in_memory = False
        self.profiles: Known = {}
        """What this connection was told about profiles: another file has others."""

    @property
    def connection(self) -> sqlite3.Connection:
        """The open connection. Raises StoreTooNew, and StoreError when the file cannot be opened at all."""
        if self._connection is None:
            self._connection = self._open()
            self._opening += 1  # SQLite's own numbers begin anew with each connection
        return self._connection

    @property
    def version(self) -> tuple[int, ...]:
        """Another value after any change: what others committed, what this connection wrote, which opening it is."""
        others: int = self.connection.execute("PRAGMA data_version").fetchone()[0]
        return others, self.connection.total_changes, self._opening

    def close(self) -> None:
        """Close the connection; using the index again opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self.profiles.clear()

    def notice_replacement(self) -> None:
        """Let go of a file that somebody deleted or replaced, so that the next use opens the one in place."""
        if self._connection is not None and not self._in_memory and _inode(self._path) != self._inode:
            self.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write alone: all of what is done inside, or nothing of it."""
        with transaction(self.connection) as connection:
            yield connection

    def ask(self, question: Callable[[], Answer], rebuild: Callable[[], object]) -> Answer:
        """Put a question to the index; one that proves damaged is made anew, filled by `rebuild`, and asked again.

        Raises StoreError when the file cannot be used for another reason, or still not.
        """
        self.notice_replacement()
        try:
            return question()
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise self._unusable(error) from error
            self.start_over(str(error))
        try:
            rebuild()
            return question()
        except sqlite3.DatabaseError as error:
            raise self._unusable(error) from error

    def start_over(self, reason: str) -> None:
        """Remove a damaged index; the next use makes an empty one."""
        self.close()
        with self._lock() as lock:
            # Another number than when this process opened it: somebody else was faster.
            if _read_number(lock) == self._number:
                logger.warning("the index %s was damaged (%s): rebuilt from the journal", self._path, reason)
                self._remove()

    def _open(self) -> sqlite3.Connection:
        if not os.access(self._directory, os.W_OK):
            return self._open_in_memory("the directory cannot be written to")
        try:
            return self._open_file()
        except sqlite3.DatabaseError as error:
            if not is_damage(error):
                raise self._unusable(error) from error
            self.start_over(str(error))
        try:
            return self._open_file()
        except sqlite3.DatabaseError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: sqlite3.Error) -> StoreError:
        return StoreError(
            f"the index {self._path} cannot be used: {error}. What was recorded is safe in the journal; look for "
            "a full disk, a quota, or a process that holds the file"
        )

    def _open_file(self) -> sqlite3.Connection:
        with self._lock() as lock:
            self._number = _read_number(lock)
            if not _inode(self._path):
                self._number += 1
                os.pwrite(lock, b"%d" % self._number, 0)
                # The log of a deleted index: SQLite would share it with whoever has that one open.
                self._remove()
            connection = _connect(self._path)
            self._inode = _inode(self._path)
        return connection

    def _open_in_memory(self, reason: str) -> sqlite3.Connection:
        logger.warning("the index of %s is kept in memory for now: %s", self._directory, reason)
        self._in_memory = True
        return _connect(Path(":memory:"))

    def _remove(self) -> None:
        for ending in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                self._path.with_name(INDEX_NAME + ending).unlink()

    @contextmanager
    def _lock(self) -> Iterator[int]:
        lock = os.open(self._directory / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield lock
        finally:
            # Closing alone would not do: a child that was forked meanwhile has the file open as well.
            fcntl.flock(lock, fcntl.LOCK_UN)
            os.close(lock)


def _connect(path: Path) -> sqlite3.Connection:
    if str(path) != ":memory:":
        # SQLite would create it with the umask's mode; what was said to an agent is its owner's business.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
    usable = False
    try:
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        migrate(connection)
        check(connection)
        usable = True
    finally:
        if not usable:
            connection.close()
    return connection


def _read_number(lock: int) -> int:
    written = os.pread(lock, 32, 0)
    return int(written) if written.isdigit() else 0


def _inode(path: Path) -> int:
    """The file's inode number; 0 when there is no file, or nothing in it."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return 0
    return found.st_ino if found.st_size else 0
