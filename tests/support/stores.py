"""What tests ask of a store as a whole."""

from pathlib import Path
from typing import Any

from agent_trace.store import Store
from tests.support.segments import record, write_segment


def generation(**fields: Any) -> dict[str, Any]:
    """A generation of a known price."""
    return record(type="generation", model="gpt-4o", usage={"input": 1000, "output": 100}, **fields)


def store_of(directory: Path, *records: Any) -> Store:
    """The store of one finished segment with these records."""
    write_segment(directory, records)
    return Store(directory)


def content(store: Store) -> dict[str, list[Any]]:
    """Everything that the index says, without the numbers that depend on what arrived first."""
    connection = store._index.connection
    traces = connection.execute("SELECT * FROM traces ORDER BY trace_id").fetchall()
    names = {number: trace_id for number, trace_id, *_ in traces}
    observations = connection.execute("SELECT * FROM observations ORDER BY record").fetchall()
    signals = connection.execute("SELECT * FROM signals ORDER BY record, nth").fetchall()
    amendments = connection.execute("SELECT * FROM amendments ORDER BY record").fetchall()
    return {
        "traces": [row[1:] for row in traces],
        "observations": [(*row[:2], names[row[2]], *row[3:]) for row in observations],
        "signals": [(*row[:2], names[row[2]], *row[3:]) for row in signals],
        "amendments": [(*row[:2], names[row[2]], *row[3:]) for row in amendments],
        "spent_daily": connection.execute("SELECT * FROM spent_daily").fetchall(),
        "spent_hourly": connection.execute("SELECT * FROM spent_hourly").fetchall(),
        "spent_rarely": connection.execute("SELECT * FROM spent_rarely").fetchall(),
        "tags": connection.execute("SELECT * FROM tags ORDER BY record, tag").fetchall(),
        "segments": connection.execute(
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
