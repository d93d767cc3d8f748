"""`export`: the records of the design, and flat columns of them."""

import csv
import io
import json
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from agent_trace.cli.console import to_json
from agent_trace.cli.export_formats import COLUMNS
from agent_trace.observation import RECORD_KEYS
from tests.support.cli import ANSWER, DESK, EVIL, HOSTILE, desk_store, run_cli


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> str:
    return str(desk_store(tmp_path_factory.mktemp("desk")))


def exported(store: str, *arguments: str) -> list[dict]:
    result = run_cli("export", "--store", store, *arguments)
    assert result.exit_code == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_jsonl_has_every_key_of_the_record_in_order_the_oldest_first(store):
    records = exported(store)
    assert all(tuple(each) == RECORD_KEYS for each in records)
    assert [each["name"] for each in records] == ["trading desk", "analyst", "chat", "chat", EVIL, "cut off"]
    assert [each["kind"] for each in records].count("opened") == 1


def test_amendments_are_merged_and_cost_is_a_number(store):
    found = next(each for each in exported(store) if each["id"] == ANSWER)
    assert found["signal"]["action"] == "BUY"
    assert found["tags"] == ["signal:BUY"]
    assert found["cost"]["total"] == 0.0123


def test_money_keeps_every_digit():
    exact = "0.1234567890123456789012345"
    assert to_json({"total": Decimal(exact)}) == f'{{"total":{exact}}}\n'.encode()
    assert to_json(Decimal("1E-7")) == b"0.0000001\n"
    assert to_json(Decimal("NaN")) == b"null\n"


def test_filters_and_limit_take_the_newest(store):
    assert {each["trace_id"] for each in exported(store, "--agent", "analyst")} == {DESK}
    assert [each["name"] for each in exported(store, "--limit", "2")] == [EVIL, "cut off"]


def test_raw_is_the_journal_as_it_was_written(store):
    kinds = [each["kind"] for each in exported(store, "--raw")]
    assert sorted(kinds) == sorted(["opened"] * 3 + ["observation"] * 5 + ["amendment"])


def test_raw_takes_no_filters(store):
    assert run_cli("export", "--raw", "--agent", "x", "--store", store).exit_code == 2


def test_csv_has_one_row_an_observation(store):
    rows = list(csv.DictReader(io.StringIO(run_cli("export", "--format", "csv", "--store", store).stdout)))
    assert list(rows[0]) == list(COLUMNS)
    answer = rows[3]
    assert (answer["tokens_cache_read"], answer["cost_total"], answer["signal_action"]) == (
        "1024",
        "0.0123",
        "BUY",
    )
    assert answer["duration_s"] == "0.49"
    assert json.loads(answer["input_json"])["messages"][1]["content"] == "Look at AAPL."
    assert rows[4]["name"] == EVIL


def test_parquet_has_the_same_columns_with_types(store, tmp_path: Path):
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "out.parquet"
    assert run_cli("export", "--format", "parquet", "--output", str(path), "--store", store).exit_code == 0
    table = parquet.read_table(path)
    assert table.column_names == list(COLUMNS)
    assert table["tokens_output"].to_pylist()[3] == 48
    assert str(table.schema.field("start").type) == "timestamp[us, tz=UTC]"


def test_parquet_without_pyarrow_says_what_to_install(store, tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    path = tmp_path / "out.parquet"
    result = run_cli("export", "--format", "parquet", "--output", str(path), "--store", store)
    assert result.exit_code == 1
    assert "pip install pyarrow" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_only_when_all_is_written(store, tmp_path: Path, monkeypatch):
    path = tmp_path / "out.jsonl"
    path.write_text("what was there\n")
    monkeypatch.setattr("agent_trace.cli.export_formats.to_json", lambda item: 1 / 0)
    run_cli("export", "--output", str(path), "--store", store)
    assert path.read_text() == "what was there\n"
    monkeypatch.undo()
    assert run_cli("export", "--output", str(path), "--store", store).stdout == ""
    assert HOSTILE in path.read_text()
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_written_is_named(store, tmp_path: Path):
    result = run_cli("export", "--output", str(tmp_path / "no" / "such" / "file"), "--store", store)
    assert result.exit_code == 1
    assert "there is no such directory" in result.stderr
