"""The first two changes ever made to the tables of the index, which later ones start from: `steps.py` has them all.

A record is known by its address: the number of its segment times 2**32 plus its offset there. An address is
the primary key of what came from the record, so a record read twice cannot be there twice, the rows of a
segment are one range, and newer segments have higher addresses.
"""

from typing import Final

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
