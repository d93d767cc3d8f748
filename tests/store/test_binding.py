"""What the index writes is bound by `sqlite3` as it is: nothing is looked for, and nobody's adapters see it."""

import sqlite3
from pathlib import Path

import pytest

from agent_trace.store import Store
from agent_trace.store.binding import write_rows
from tests.support.segments import record, write_segment


def test_none_is_null_and_bytes_are_bytes_whether_or_not_any_row_has_something() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE t (a, id, b, c, parent)")
    rows = [(None, b"\0id", None, "", None), (None, b"\1id", 0, "c", b"\0")]
    write_rows(connection, "INSERT INTO t", ("a", "id", "b", "c", "parent"), rows, ("id", "parent"))
    assert connection.execute("SELECT * FROM t ORDER BY id").fetchall() == rows


def test_no_rows_write_nothing() -> None:
    connection = sqlite3.connect(":memory:")
    write_rows(connection, "INSERT INTO t", ("a",), [], ())
    assert connection.total_changes == 0


def test_no_adapter_is_looked_for_however_many_observations_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it looks for takes half a microsecond a value. Rows of sums, a few for a batch, may have some."""
    seen: list[object] = []

    def adapt(value: object) -> object:
        seen.append(value)
        return value

    for kind in (bool, bytes, type(None)):
        monkeypatch.setitem(sqlite3.adapters, (kind, sqlite3.PrepareProtocol), adapt)
    records = [
        record(trace_id=f"{at:x}", id=f"{at:x}", parent_id=None if at % 2 else "1", usage={"input": 5})
        for at in range(1, 501)
    ]
    write_segment(tmp_path / "store", records)
    with Store(tmp_path / "store") as store:
        assert store.refresh() == 500
        rows = store._index.connection.execute(
            "SELECT hex(id), hex(parent_id), is_root, opened, user_id, unpriced, stated FROM observations ORDER BY record"
        ).fetchall()
    assert 0 < len(seen) < 100
    assert rows[0] == ("0" * 15 + "1", "", 1, 0, None, 1, 0)
    assert rows[1] == ("0" * 15 + "2", "0" * 15 + "1", 0, 0, None, 1, 0)
