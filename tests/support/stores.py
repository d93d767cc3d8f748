"""What tests ask of a store as a whole."""

from decimal import Decimal
from pathlib import Path
from typing import Any

from agent_trace.store import Store, Totals, TraceRow
from tests.support.segments import record, write_segment


def generation(**fields: Any) -> dict[str, Any]:
    """A generation of a known price."""
    return record(type="generation", model="gpt-4o", usage={"input": 1000, "output": 100}, **fields)


def store_of(directory: Path, *records: Any) -> Store:
    """The store of one finished segment with these records."""
    write_segment(directory, records)
    return Store(directory)


def total_of(rows: list[TraceRow], is_complete: bool = True) -> Totals:
    """What these traces come to, added up one by one."""
    costs = [row.cost for row in rows if row.cost is not None]
    return Totals(
        traces=len(rows),
        observations=sum(row.observations for row in rows),
        generations=sum(row.generations for row in rows),
        tokens=sum(row.tokens for row in rows),
        cost=sum(costs, Decimal(0)) if costs else None,
        unpriced=sum(row.unpriced for row in rows),
        errors=sum(row.errors for row in rows),
        is_complete=is_complete,
    )


def content(store: Store) -> dict[str, list[Any]]:
    """Everything that the index says, without the numbers that depend on what arrived first."""
    ask = store._index.connection.execute
    traces = ask("SELECT * FROM traces ORDER BY trace_id").fetchall()
    names = {number: trace_id for number, trace_id, *_ in traces}
    sessions = dict(ask("SELECT number, session_id FROM sessions").fetchall())
    profiles = dict(ask("SELECT number, key FROM profiles").fetchall())
    observations = ask("SELECT * FROM observations ORDER BY record").fetchall()
    signals = ask("SELECT * FROM signals ORDER BY record, nth").fetchall()
    amendments = ask("SELECT * FROM amendments ORDER BY record").fetchall()
    return {
        "traces": [row[1:] for row in traces],
        "observations": [
            (*row[:2], names[row[2]], *row[3:-2], profiles[row[-2]], row[-1]) for row in observations
        ],
        "signals": [(*row[:2], names[row[2]], *row[3:-2], profiles[row[-2]], row[-1]) for row in signals],
        "amendments": [(*row[:2], names[row[2]], *row[3:]) for row in amendments],
        "profiles": [
            row[1:] for row in ask("SELECT * FROM profiles WHERE observations ORDER BY key").fetchall()
        ],
        "sessions": [row[1:] for row in ask("SELECT * FROM sessions ORDER BY session_id").fetchall()],
        "session_traces": sorted(
            (sessions[row[0]], names[row[1]], row[2]) for row in ask("SELECT * FROM session_traces")
        ),
        "session_rarely": sorted((sessions[row[0]], *row[1:]) for row in ask("SELECT * FROM session_rarely")),
        **{
            table: ask(f"SELECT * FROM {table}").fetchall()
            for table in (
                "name_days",
                "agent_took",
                "trace_days",
                "spent_daily",
                "spent_hourly",
                "spent_rarely",
            )
        },
        "scores": ask("SELECT * FROM scores ORDER BY record").fetchall(),
        "tags": ask("SELECT * FROM tags ORDER BY record, tag").fetchall(),
        "segments": ask(
            "SELECT name, position, records, torn, damaged FROM segments ORDER BY name"
        ).fetchall(),
    }


def rebuilt(directory: Path) -> dict[str, list[Any]]:
    """The same of an index that is made anew from the journal."""
    for path in directory.glob("index*"):
        path.unlink()
    with Store(directory) as store:
        store.refresh()
        return content(store)
