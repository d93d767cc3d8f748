"""The tables of the index, and the named steps that make them. Nothing here reads or writes a row.

A record is known by its address: the number of its segment times 2**32 plus its offset there. An address is
the primary key of what came from the record, so a record read twice cannot be there twice, the rows of a
segment are one range, and newer segments have higher addresses.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from agent_trace.errors import StoreTooNew

FIRST_TABLES: Final = """
CREATE TABLE segments (
    number INTEGER PRIMARY KEY,             -- seconds from 2020 to its start, or the next free one after it
    name TEXT NOT NULL UNIQUE,
    position INTEGER NOT NULL DEFAULT 0,    -- where the next record to index starts; 0: nothing read yet
    text_position INTEGER NOT NULL DEFAULT 0,   -- the same for the full text, which may lag behind
    records INTEGER NOT NULL DEFAULT 0,
    torn INTEGER NOT NULL DEFAULT 0,
    damaged INTEGER NOT NULL DEFAULT 0,
    finished INTEGER NOT NULL DEFAULT 0,    -- read to its end, and its writer is gone
    crashed INTEGER NOT NULL DEFAULT 0      -- its writer went without sealing it
);
CREATE TABLE traces (
    number INTEGER PRIMARY KEY,
    trace_id BLOB NOT NULL UNIQUE,
    start_ns INTEGER NOT NULL,
    end_ns INTEGER,
    observations INTEGER NOT NULL,          -- 0: only amendments came so far
    generations INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    cost_pico INTEGER NOT NULL,             -- 10**-12 US dollars
    priced INTEGER NOT NULL,
    unpriced INTEGER NOT NULL,
    errors INTEGER NOT NULL,
    opened INTEGER NOT NULL,                -- observations that were opened and not finished
    agents TEXT NOT NULL,                   -- JSON lists, sorted
    models TEXT NOT NULL
);
CREATE INDEX traces_by_start ON traces (start_ns, number) WHERE observations > 0;
CREATE TABLE observations (
    record INTEGER PRIMARY KEY,             -- its address
    length INTEGER NOT NULL,
    trace INTEGER NOT NULL,
    id BLOB NOT NULL,
    is_root INTEGER NOT NULL,
    opened INTEGER NOT NULL,                -- 1: this is an opening, nothing finished it yet
    amended INTEGER NOT NULL,
    type TEXT, name TEXT, start_ns INTEGER NOT NULL, end_ns INTEGER,
    level INTEGER NOT NULL,                 -- index into LEVELS
    model TEXT, agent_id TEXT, agent_name TEXT, tenant_id TEXT, user_id TEXT, session_id TEXT,
    tokens INTEGER,
    usage_input INTEGER, usage_output INTEGER, usage_cache_read INTEGER, usage_cache_write INTEGER,
    usage_reasoning INTEGER, usage_other TEXT,  -- JSON of the rarer classes
    cost_pico INTEGER,
    unpriced INTEGER NOT NULL,
    input_preview TEXT, output_preview TEXT     -- of roots
);
CREATE UNIQUE INDEX observations_by_id ON observations (id, trace);
CREATE INDEX observations_by_trace ON observations (trace, is_root DESC, start_ns);
CREATE INDEX observations_by_start ON observations (start_ns, record);
-- Sessions and users are many and small: going through all traces for one of them takes seconds.
CREATE INDEX observations_by_session ON observations (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX observations_by_user ON observations (user_id) WHERE user_id IS NOT NULL;
CREATE TABLE amendments (
    record INTEGER PRIMARY KEY,
    length INTEGER NOT NULL,
    trace INTEGER NOT NULL,
    id BLOB NOT NULL,
    at_ns INTEGER NOT NULL
);
CREATE INDEX amendments_by_id ON amendments (id, trace);
CREATE INDEX amendments_by_trace ON amendments (trace);
CREATE TABLE tags (record INTEGER NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (record, tag)) WITHOUT ROWID;
CREATE INDEX tags_by_tag ON tags (tag);
CREATE TABLE signals (
    record INTEGER NOT NULL,                -- of the observation that the signal belongs to
    nth INTEGER NOT NULL,
    trace INTEGER NOT NULL,
    at_ns INTEGER NOT NULL,
    action TEXT NOT NULL, confidence TEXT, percent INTEGER, symbol TEXT,    -- confidence: JSON, as given
    PRIMARY KEY (record, nth)
) WITHOUT ROWID;
CREATE TABLE forgotten (
    bytes INTEGER NOT NULL                  -- text of a removed segment that the full text still has words of
);
CREATE INDEX signals_by_trace ON signals (trace, at_ns);
CREATE INDEX signals_by_time ON signals (at_ns);
"""

# detail=none keeps the words of a record and not their places: half the size and two thirds of the time.
# A phrase is compared with the record itself, which a search opens anyway. columnsize=0: nothing ranks by
# length. content='': the text is in the journal already. hashsize: a whole batch is sorted in memory, which
# halves the time and the size; FTS5 would write, and soon merge, a part for every megabyte. automerge: parts
# are merged by 16, so that each word is written again half as often.
FULL_TEXT: Final = """
CREATE VIRTUAL TABLE texts USING fts5 (text, content='', columnsize=0, detail=none);
INSERT INTO texts (texts, rank) VALUES ('hashsize', 67108864);
INSERT INTO texts (texts, rank) VALUES ('automerge', 16);
"""

# Sums by day and hour answer what was spent without reading a million observations. They need to know whose figure a
# cost is, which only the records say: all rows are read again, and the full text stays.
SPENDING: Final = """
DELETE FROM observations;
DELETE FROM traces;
DELETE FROM amendments;
DELETE FROM tags;
DELETE FROM signals;
UPDATE segments SET position = 0, records = 0, torn = 0, damaged = 0, finished = 0;
-- 1: the cost is the record's own.
ALTER TABLE observations ADD COLUMN stated INTEGER NOT NULL DEFAULT 0;
CREATE TABLE spent_daily (                  -- one row for all that a day, tenant, agent and model share
    span INTEGER NOT NULL,                  -- days since 1970
    tenant TEXT NOT NULL,                   -- '': none, as in all the names here
    agent_id TEXT NOT NULL, agent_name TEXT NOT NULL, model TEXT NOT NULL,
    calls INTEGER NOT NULL,                 -- observations that reported tokens or a cost
    invocations INTEGER NOT NULL,           -- observations of type agent
    priced INTEGER NOT NULL, unpriced INTEGER NOT NULL, cost_pico INTEGER NOT NULL,
    usage_input INTEGER NOT NULL, usage_output INTEGER NOT NULL, usage_cache_read INTEGER NOT NULL,
    usage_cache_write INTEGER NOT NULL, usage_reasoning INTEGER NOT NULL,
    usage_other INTEGER NOT NULL,           -- tokens of the rarer classes, which are in a table of their own
    PRIMARY KEY (span, tenant, agent_id, agent_name, model)
) WITHOUT ROWID;
CREATE INDEX spent_by_tenant ON spent_daily (tenant, span);
CREATE INDEX spent_by_agent ON spent_daily (agent_id, span);
CREATE INDEX spent_by_agent_name ON spent_daily (agent_name, span) WHERE agent_name <> '';
CREATE TABLE spent_hourly (                 -- the same by hour, for the days that a question begins and ends in
    span INTEGER NOT NULL,                  -- hours since 1970
    tenant TEXT NOT NULL,
    agent_id TEXT NOT NULL, agent_name TEXT NOT NULL, model TEXT NOT NULL,
    calls INTEGER NOT NULL,
    invocations INTEGER NOT NULL,
    priced INTEGER NOT NULL, unpriced INTEGER NOT NULL, cost_pico INTEGER NOT NULL,
    usage_input INTEGER NOT NULL, usage_output INTEGER NOT NULL, usage_cache_read INTEGER NOT NULL,
    usage_cache_write INTEGER NOT NULL, usage_reasoning INTEGER NOT NULL,
    usage_other INTEGER NOT NULL,
    PRIMARY KEY (span, tenant, agent_id, agent_name, model)
) WITHOUT ROWID;
CREATE TABLE spent_rarely (                 -- tokens of the rarer classes, by hour
    span INTEGER NOT NULL, tenant TEXT NOT NULL,
    agent_id TEXT NOT NULL, agent_name TEXT NOT NULL, model TEXT NOT NULL,
    class TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (span, tenant, agent_id, agent_name, model, class)
) WITHOUT ROWID;
CREATE TABLE priced_with (
    source TEXT NOT NULL                    -- the prices that all costs here were worked out with
);
"""

STEPS: Final[tuple[tuple[str, str], ...]] = (
    ("first tables", FIRST_TABLES),
    ("full text", FULL_TEXT),
    ("spending", SPENDING),
)
"""Every change ever made to the tables, oldest first. A step that was released is never edited."""

VERSION: Final = len(STEPS)
APPLICATION_ID: Final = 0x41547263
"""`ATrc` in the head of the file: tells our index from some other program's database."""

# What a query of this version needs, by table: a file that lacks one of them is not usable as it is.
NEEDED: Final = (
    "SELECT number, name, position, text_position, records, torn, damaged, finished, crashed FROM segments",
    "SELECT number, trace_id, start_ns, observations, opened, agents, models FROM traces",
    "SELECT record, length, trace, id, is_root, opened, amended, cost_pico, usage_other, stated FROM observations",
    "SELECT record, length, trace, id, at_ns FROM amendments",
    "SELECT record, tag FROM tags",
    "SELECT record, nth, trace, at_ns, action, percent FROM signals",
    "SELECT bytes FROM forgotten",
    "SELECT span, tenant, agent_id, agent_name, model, calls, invocations, priced, cost_pico FROM spent_daily",
    "SELECT span, tenant, agent_id, agent_name, model, calls, invocations, priced, cost_pico FROM spent_hourly",
    "SELECT span, class, count FROM spent_rarely",
    "SELECT source FROM priced_with",
    "SELECT rowid FROM texts WHERE texts MATCH 'x'",
)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Write alone: all of what is done inside, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    finally:
        # Only after a failure; and one that SQLite rolled back itself leaves nothing to undo.
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables to this version, in one transaction. Raises StoreTooNew."""
    if _version(connection) == VERSION:
        return
    with transaction(connection):
        # Asked again inside the transaction: another process may have migrated while this one waited.
        for number in range(_checked_version(connection), VERSION):
            for statement in STEPS[number][1].split(";\n"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def check(connection: sqlite3.Connection) -> None:
    """Raise sqlite3.DatabaseError when a table or column that this version reads is not there."""
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise sqlite3.DatabaseError("another program's database")
    for query in NEEDED:
        connection.execute(f"{query} LIMIT 1").fetchone()


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _checked_version(connection: sqlite3.Connection) -> int:
    version = _version(connection)
    if version > VERSION:
        raise StoreTooNew(
            f"the index has version {version} and this agent_trace reads up to {VERSION}: "
            "upgrade agent-trace, or delete index.sqlite to have it rebuilt from the journal"
        )
    return version
