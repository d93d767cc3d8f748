"""Every change ever made to the tables of the index, as named steps. Nothing here runs: `schema.py` does."""

from typing import Final

from agent_trace.migration import Step
from agent_trace.store.first_steps import FIRST_TABLES, FULL_TEXT

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

# Pages ask for lists and sums over everything, in any combination, and must not wait. What one trace, session or agent
# needs is kept as it comes. All rows are read again for what they did not keep: parents, and how long it took.
PAGES: Final = """
DROP TABLE observations;
DELETE FROM traces;
DELETE FROM amendments;
DELETE FROM tags;
DROP TABLE signals;
DELETE FROM spent_daily;
DELETE FROM spent_hourly;
DELETE FROM spent_rarely;
DROP INDEX spent_by_tenant;
DROP INDEX spent_by_agent;
DROP INDEX spent_by_agent_name;
UPDATE segments SET position = 0, records = 0, torn = 0, damaged = 0, finished = 0;
ALTER TABLE traces ADD COLUMN tenants TEXT NOT NULL DEFAULT '[]';
CREATE INDEX traces_failed ON traces (start_ns, number) WHERE observations > 0 AND errors > 0;
CREATE INDEX traces_open ON traces (start_ns, number) WHERE observations > 0 AND opened > 0;
CREATE TABLE profiles (                     -- all that some observations have in common: there are few
    number INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,               -- the columns below, as JSON
    type TEXT, level INTEGER NOT NULL, name TEXT, model TEXT, agent_id TEXT, agent_name TEXT, tenant_id TEXT,
    last_ns INTEGER NOT NULL DEFAULT 0,     -- when the newest of them started; 0 when there are none
    observations INTEGER NOT NULL DEFAULT 0,
    calls INTEGER NOT NULL DEFAULT 0, invocations INTEGER NOT NULL DEFAULT 0,
    priced INTEGER NOT NULL DEFAULT 0, unpriced INTEGER NOT NULL DEFAULT 0, cost_pico INTEGER NOT NULL DEFAULT 0,
    usage_input INTEGER NOT NULL DEFAULT 0, usage_output INTEGER NOT NULL DEFAULT 0,
    usage_cache_read INTEGER NOT NULL DEFAULT 0, usage_cache_write INTEGER NOT NULL DEFAULT 0,
    usage_reasoning INTEGER NOT NULL DEFAULT 0, usage_other INTEGER NOT NULL DEFAULT 0
);
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
    input_preview TEXT, output_preview TEXT,    -- of roots
    stated INTEGER NOT NULL,                -- 1: the cost is the record's own
    parent_id BLOB,
    profile INTEGER NOT NULL,
    took INTEGER                            -- its duration in steps of 5 %; NULL while it has no end
);
CREATE UNIQUE INDEX observations_by_id ON observations (id, trace);
CREATE INDEX observations_by_trace ON observations (trace, is_root DESC, start_ns);
CREATE INDEX observations_by_start ON observations (start_ns, record);
CREATE INDEX observations_by_user ON observations (user_id) WHERE user_id IS NOT NULL;
-- Sums over what some profiles have in common read this index alone: a tenth of what the rows take.
CREATE INDEX observations_by_profile ON observations (profile, start_ns, trace, took, tokens, cost_pico, unpriced);
CREATE TABLE signals (
    record INTEGER NOT NULL,                -- of the observation that the signal belongs to
    nth INTEGER NOT NULL,
    trace INTEGER NOT NULL,
    at_ns INTEGER NOT NULL,
    action TEXT NOT NULL, confidence TEXT, percent INTEGER, symbol TEXT,    -- confidence: JSON, as given
    profile INTEGER NOT NULL, start_ns INTEGER NOT NULL,    -- of the observation
    PRIMARY KEY (record, nth)
) WITHOUT ROWID;
CREATE INDEX signals_by_trace ON signals (trace, at_ns);
CREATE INDEX signals_by_time ON signals (at_ns, profile, start_ns, action);
CREATE INDEX signals_by_action ON signals (action COLLATE NOCASE, at_ns, profile, start_ns);
CREATE INDEX signals_by_profile ON signals (profile, action, start_ns);
CREATE TABLE trace_days (                   -- sums of the traces that started on a day
    aspect TEXT NOT NULL,                   -- of all of them (''), or those with an 'agent', 'tenant' or 'model'
    value TEXT NOT NULL,                    -- of that name
    span INTEGER NOT NULL,                  -- days since 1970
    is_open INTEGER NOT NULL, is_failed INTEGER NOT NULL,
    traces INTEGER NOT NULL, observations INTEGER NOT NULL, generations INTEGER NOT NULL, tokens INTEGER NOT NULL,
    cost_pico INTEGER NOT NULL, priced INTEGER NOT NULL, unpriced INTEGER NOT NULL, errors INTEGER NOT NULL,
    PRIMARY KEY (aspect, value, span, is_open, is_failed)
) WITHOUT ROWID;
CREATE TABLE name_days (                    -- sums over the observations with a name that started on a day
    aspect TEXT NOT NULL,                   -- what the name is of: 'agent', 'tenant' or 'model'
    value TEXT NOT NULL,                    -- an agent's id, or else its name; '': none
    span INTEGER NOT NULL,                  -- days since 1970
    observations INTEGER NOT NULL, generations INTEGER NOT NULL, errors INTEGER NOT NULL,
    calls INTEGER NOT NULL, invocations INTEGER NOT NULL,
    priced INTEGER NOT NULL, unpriced INTEGER NOT NULL, cost_pico INTEGER NOT NULL,
    usage_input INTEGER NOT NULL, usage_output INTEGER NOT NULL, usage_cache_read INTEGER NOT NULL,
    usage_cache_write INTEGER NOT NULL, usage_reasoning INTEGER NOT NULL, usage_other INTEGER NOT NULL,
    PRIMARY KEY (aspect, value, span)
) WITHOUT ROWID;
CREATE TABLE agent_took (                   -- how many of its calls took how long
    agent TEXT NOT NULL,
    is_generation INTEGER NOT NULL,         -- 0: of type agent
    took INTEGER NOT NULL,                  -- in steps of 5 %
    span INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    PRIMARY KEY (agent, is_generation, took, span)
) WITHOUT ROWID;
CREATE TABLE sessions (
    number INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL UNIQUE,
    first_ns INTEGER NOT NULL, last_ns INTEGER NOT NULL,    -- starts of its first and last observation
    agents TEXT NOT NULL, tenants TEXT NOT NULL,            -- JSON lists, sorted
    observations INTEGER NOT NULL DEFAULT 0, generations INTEGER NOT NULL DEFAULT 0,
    errors INTEGER NOT NULL DEFAULT 0,
    calls INTEGER NOT NULL DEFAULT 0, invocations INTEGER NOT NULL DEFAULT 0,
    priced INTEGER NOT NULL DEFAULT 0, unpriced INTEGER NOT NULL DEFAULT 0, cost_pico INTEGER NOT NULL DEFAULT 0,
    usage_input INTEGER NOT NULL DEFAULT 0, usage_output INTEGER NOT NULL DEFAULT 0,
    usage_cache_read INTEGER NOT NULL DEFAULT 0, usage_cache_write INTEGER NOT NULL DEFAULT 0,
    usage_reasoning INTEGER NOT NULL DEFAULT 0, usage_other INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX sessions_by_last ON sessions (last_ns, session_id);
CREATE TABLE session_traces (
    session INTEGER NOT NULL, trace INTEGER NOT NULL,
    observations INTEGER NOT NULL,          -- of the session in the trace
    PRIMARY KEY (session, trace)
) WITHOUT ROWID;
CREATE TABLE session_rarely (               -- tokens of the rarer classes
    session INTEGER NOT NULL, class TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (session, class)
) WITHOUT ROWID;
"""

_OF_RECORDS: Final = (
    "observations traces amendments tags signals spent_daily spent_hourly spent_rarely profiles trace_days name_days "
    "agent_took sessions session_traces session_rarely"
)

# Who looks at a trace wants to see what was judged of it. All records are read again for that; the full text stays.
SCORES: Final = (
    "".join(f"DELETE FROM {table};\n" for table in _OF_RECORDS.split())
    + """
UPDATE segments SET position = 0, records = 0, torn = 0, damaged = 0, finished = 0;
CREATE TABLE scores (
    record INTEGER PRIMARY KEY,             -- its address
    length INTEGER NOT NULL,
    trace_id BLOB NOT NULL,                 -- there may be no observation of that trace, or none yet
    at_ns INTEGER NOT NULL
);
CREATE INDEX scores_by_trace ON scores (trace_id);
"""
)

# Who asks for an agent or a tenant looks through the profiles first. What a profile is of never changes: to count
# observations in costs these indexes nothing, only a new profile does.
PROFILES: Final = """
CREATE INDEX profiles_by_agent ON profiles (coalesce(nullif(agent_id, ''), agent_name));
CREATE INDEX profiles_by_agent_id ON profiles (agent_id);
CREATE INDEX profiles_by_agent_name ON profiles (agent_name);
CREATE INDEX profiles_by_tenant ON profiles (tenant_id);
"""

# Of a tag and a type that many have each, perhaps none has both: only to read every one of them would tell.
TAGS: Final = """
CREATE TABLE tag_profiles (                 -- how many observations of a profile have a tag
    tag TEXT NOT NULL, profile INTEGER NOT NULL,
    observations INTEGER NOT NULL,
    PRIMARY KEY (tag, profile)
) WITHOUT ROWID;
INSERT INTO tag_profiles
SELECT g.tag, o.profile, count(*) FROM tags AS g CROSS JOIN observations AS o ON o.record = g.record GROUP BY 1, 2;
"""

STEPS: Final[tuple[Step, ...]] = (
    ("first tables", FIRST_TABLES),
    ("full text", FULL_TEXT),
    ("spending", SPENDING),
    ("pages", PAGES),
    ("scores", SCORES),
    ("profiles", PROFILES),
    ("tags", TAGS),
)
"""Every change ever made to the tables, oldest first."""
