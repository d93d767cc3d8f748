"""Makes the tables of the index from the steps, brings older ones up to date, and checks that they are usable."""

import sqlite3
from typing import Final

from agent_trace import migration
from agent_trace.store.steps import STEPS

APPLICATION_ID: Final = 0x41547263
"""`ATrc` in the head of the file: tells our index from some other program's database."""

_TOO_NEW: Final = (
    "the index has version {version} and this agent_trace reads up to {known}: "
    "upgrade agent-trace, or delete index.sqlite to have it rebuilt from the journal"
)

# What a query of this version needs, by table: a file that lacks one of them is not usable as it is.
NEEDED: Final = (
    "SELECT number, name, position, text_position, records, torn, damaged, finished, crashed FROM segments",
    "SELECT number, trace_id, start_ns, observations, opened, agents, models, tenants FROM traces",
    "SELECT record, length, trace, id, opened, cost_pico, stated, parent_id, profile, took FROM observations",
    "SELECT record, length, trace, id, at_ns FROM amendments",
    "SELECT record, tag FROM tags",
    "SELECT tag, profile, observations FROM tag_profiles",
    "SELECT record, nth, trace, at_ns, action, percent, profile, start_ns FROM signals",
    "SELECT bytes FROM forgotten",
    "SELECT span, tenant, agent_id, agent_name, model, calls, invocations, priced, cost_pico FROM spent_daily",
    "SELECT span, tenant, agent_id, agent_name, model, calls, invocations, priced, cost_pico FROM spent_hourly",
    "SELECT span, class, count FROM spent_rarely",
    "SELECT source FROM priced_with",
    "SELECT number, key, type, level, name, model, agent_id, last_ns, observations, calls FROM profiles",
    "SELECT aspect, value, span, is_open, is_failed, traces FROM trace_days",
    "SELECT aspect, value, span, observations, calls FROM name_days",
    "SELECT agent, is_generation, took, span, calls FROM agent_took",
    "SELECT number, session_id, first_ns, last_ns, agents, tenants, calls FROM sessions",
    "SELECT session, trace, observations FROM session_traces",
    "SELECT session, class, count FROM session_rarely",
    "SELECT record, length, trace_id, at_ns FROM scores",
    "SELECT rowid FROM texts WHERE texts MATCH 'x'",
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables to this version. Raises StoreTooNew."""
    migration.migrate(connection, STEPS, _TOO_NEW, APPLICATION_ID)


def check(connection: sqlite3.Connection) -> None:
    """Raise sqlite3.DatabaseError when a table or column that this version reads is not there."""
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise sqlite3.DatabaseError("another program's database")
    for query in NEEDED:
        connection.execute(f"{query} LIMIT 1").fetchone()
