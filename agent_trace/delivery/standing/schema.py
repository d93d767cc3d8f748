"""The tables of the delivery state, and the named steps that make them. Nothing here reads or writes a row."""

import os
import sqlite3
from pathlib import Path
from typing import Final

from agent_trace.migration import Step, migrate

FIRST_TABLES: Final = """
CREATE TABLE consumers (
    name TEXT PRIMARY KEY,
    since_ns INTEGER NOT NULL,              -- what was recorded before is history
    generation INTEGER NOT NULL DEFAULT 0,  -- counts what others changed: whoever forwards has to look again
    problem TEXT,                           -- why nothing can be delivered now; NULL when all is well
    problem_at_ns INTEGER,
    accepted_at_ns INTEGER
) WITHOUT ROWID;
CREATE TABLE offsets (
    consumer TEXT NOT NULL,
    segment TEXT NOT NULL,
    start INTEGER,                          -- where delivery began; NULL while all that was read is history
    position INTEGER NOT NULL,              -- everything before it is settled
    delivered INTEGER NOT NULL,
    dead INTEGER NOT NULL,
    held_history INTEGER NOT NULL,
    held_sampling INTEGER NOT NULL,
    held_elsewhere INTEGER NOT NULL,
    torn INTEGER NOT NULL,
    damaged INTEGER NOT NULL,
    finished INTEGER NOT NULL,              -- read to its end, and its writer is gone
    PRIMARY KEY (consumer, segment)
) WITHOUT ROWID;
CREATE TABLE dead_letters (
    number INTEGER PRIMARY KEY,
    consumer TEXT NOT NULL,
    segment TEXT NOT NULL,
    offset INTEGER NOT NULL,
    id TEXT NOT NULL,
    record TEXT NOT NULL,                   -- JSON, amendments merged
    status INTEGER,
    answer TEXT NOT NULL,
    at_ns INTEGER NOT NULL,
    retry INTEGER NOT NULL DEFAULT 0,
    UNIQUE (consumer, segment, offset)
);
CREATE INDEX dead_letters_to_retry ON dead_letters (consumer) WHERE retry;
CREATE TABLE held (                         -- records of traces that sampling leaves out so far
    consumer TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    segment TEXT NOT NULL,
    offset INTEGER NOT NULL,
    length INTEGER NOT NULL,
    PRIMARY KEY (consumer, trace_id, segment, offset)
) WITHOUT ROWID;
CREATE INDEX held_by_segment ON held (consumer, segment);
CREATE TABLE kept (                         -- traces that sampling would leave out, and that must go
    consumer TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    at_ns INTEGER NOT NULL,
    PRIMARY KEY (consumer, trace_id)
) WITHOUT ROWID;
CREATE TABLE waiting (                      -- amendments whose observation was not read yet
    consumer TEXT NOT NULL,
    id TEXT NOT NULL,
    segment TEXT NOT NULL,
    offset INTEGER NOT NULL,
    length INTEGER NOT NULL,
    PRIMARY KEY (consumer, id, segment, offset)
) WITHOUT ROWID;
CREATE TABLE ahead (                        -- records behind the position that are settled already
    consumer TEXT NOT NULL,
    segment TEXT NOT NULL,
    offset INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    PRIMARY KEY (consumer, segment, offset)
) WITHOUT ROWID;
CREATE TABLE openings (                     -- observations that began and were not seen to end
    consumer TEXT NOT NULL,
    id TEXT NOT NULL,
    segment TEXT NOT NULL,
    offset INTEGER NOT NULL,
    length INTEGER NOT NULL,
    PRIMARY KEY (consumer, id)
) WITHOUT ROWID;
"""

TOTALS: Final = """
CREATE TABLE totals (                       -- what traces that sampling leaves out so far have come to
    consumer TEXT NOT NULL,
    trace_id TEXT NOT NULL,
    start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL,
    nanodollars INTEGER NOT NULL,           -- billionths of a US dollar
    PRIMARY KEY (consumer, trace_id)
) WITHOUT ROWID;
"""

STEPS: Final[tuple[Step, ...]] = (("first tables", FIRST_TABLES), ("totals", TOTALS))
"""Every change ever made to the tables, oldest first."""

_TOO_NEW: Final = (
    "the delivery state has version {version} and this agent_trace knows up to {known}: upgrade agent-trace"
)
BUSY_TIMEOUT_S: Final = 1.0
"""Others write for a millisecond. An exit waits for this, too."""

# Why each pragma is what it is:
PRAGMAS: Final = (
    # Whoever asks for the status is never blocked by the one who forwards, nor the other way round.
    "journal_mode = WAL",
    # No fsync at commit: a power cut can cost the last commits, and what they held is sent again.
    "synchronous = NORMAL",
)


def connect(path: Path, create: bool = True) -> sqlite3.Connection:
    """Open the state with its tables. Raises sqlite3.Error, StoreTooNew, OSError."""
    if create:
        # SQLite would create it with the umask's mode; dead letters are what was said to an agent.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=rw",
        uri=True,
        timeout=BUSY_TIMEOUT_S,
        isolation_level=None,
        check_same_thread=False,
    )
    usable = False
    try:
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        migrate(connection, STEPS, _TOO_NEW)
        usable = True
    finally:
        if not usable:
            connection.close()
    return connection


def is_damage(error: sqlite3.Error) -> bool:
    """Whether the file is to blame, rather than its being busy or the disk being full."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return False
    # SQLITE_ERROR is what a missing table or column gives; our own statements are tested.
    return code == sqlite3.SQLITE_IOERR_SHORT_READ or code & 0xFF in (
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_ERROR,
    )
