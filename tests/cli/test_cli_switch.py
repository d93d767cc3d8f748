"""`on`, `off`, `status`, `settings`, `path` and `prune`."""

import json
import time
from pathlib import Path

import pytest

from agent_trace.recording.journal.control import Control, read_flag
from agent_trace.settings_table import TABLE
from tests.support.cli import clean_environment, desk_store, run_cli, run_process
from tests.support.segments import record, write_segment


@pytest.fixture
def project(tmp_path: Path, monkeypatch) -> Path:
    (tmp_path / "setup.cfg").write_text("")
    monkeypatch.chdir(tmp_path)
    for setting in TABLE:
        for variable in setting.variables:
            monkeypatch.delenv(variable, raising=False)
    return tmp_path


def stored(project: Path) -> Path:
    return desk_store(project / ".agent_trace")


def status(*arguments: str) -> dict:
    result = run_cli("status", "--json", *arguments)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_off_and_on_flip_the_flag_of_a_running_process(project):
    stored(project)
    assert "off from now on" in run_cli("off").stdout
    running = Control(project / ".agent_trace")
    assert not running.on
    assert "on from now on" in run_cli("on").stdout
    assert running.on


def test_off_works_before_there_is_a_store(project):
    assert run_cli("off").exit_code == 0
    assert read_flag(project / ".agent_trace") is False
    assert status()["on"] is False


def test_on_twice_says_that_it_was_on(project):
    assert "already" in run_cli("on").stdout


def test_on_says_when_a_setting_still_switches_it_off(project, monkeypatch):
    monkeypatch.setenv("ENABLE_LANGFUSE", "false")
    result = run_cli("on")
    assert "ENABLE_LANGFUSE" in result.stderr
    assert status()["why"] == "switched off by ENABLE_LANGFUSE"


def test_status_of_an_empty_project_shows_the_lines_to_write(project):
    text = run_cli("status").stdout
    assert "@observe_llm" in text and "agent-trace demo" in text


def test_status_adds_up_line_by_line(project):
    store = stored(project)
    write_segment(
        store, [record(id="77", trace_id="77"), b"this is no record\n"], lost={"disk_full": 3}, started_s=9
    )
    found = status()
    ledger = found["ledger"]
    parts = sum(ledger[name] for name in ("indexed", "pending", "torn", "damaged", "evicted"))
    assert ledger["recorded"] == parts + sum(ledger["lost"].values())
    assert (ledger["damaged"], ledger["lost"]) == (1, {"disk_full": 3})
    text = run_cli("status").stdout
    assert "lost: disk_full" in text and "1 damaged" in text
    assert "agent-trace prune" in text
    assert "not accounted for" not in text


def test_status_names_problems_of_settings(project, monkeypatch):
    monkeypatch.setenv("AGENT_TRACE_MAX_DEPHT", "3")
    assert any("AGENT_TRACE_MAX_DEPTH" in problem["what"] for problem in status()["problems"])
    assert "AGENT_TRACE_MAX_DEPTH" in run_cli("status").stdout


def test_status_says_when_nothing_can_be_recorded_there(project):
    (project / "file").write_text("")
    (problem,) = status("--store", "file")["problems"]
    assert "not a directory" in problem["what"] and "AGENT_TRACE_DIR" in problem["fix"]


def test_status_knows_versions(project):
    assert {"agent-trace", "python", "orjson"} <= set(status()["versions"])


@pytest.mark.parametrize(("wanted", "told"), [("1", "compiled"), ("0", "in Python")])
def test_status_says_which_way_traced_calls_take(project, wanted, told):
    shown = run_process("status", cwd=project, env=clean_environment(AGENT_TRACE_COMPILED=wanted)).stdout
    assert f"hot path {told}" in " ".join(shown.split())


def test_settings_say_where_each_value_comes_from(project, monkeypatch):
    (project / "setup.cfg").write_text("[agent_trace]\nrelease = 1.2\n")
    monkeypatch.setenv("AGENT_TRACE_MAX_DEPTH", "7")
    rows = {row["name"]: row for row in json.loads(run_cli("settings", "--json").stdout)["settings"]}
    assert list(rows) == [setting.name for setting in TABLE]
    assert (rows["max_depth"]["value"], rows["max_depth"]["origin"]) == (7, "AGENT_TRACE_MAX_DEPTH")
    assert rows["release"]["origin"].endswith("setup.cfg: release")
    assert rows["quiet"]["origin"] == "default"


def test_settings_show_no_secret(project, monkeypatch):
    monkeypatch.setenv("LANGFUSE_SECRET_KEY", "sk-lf-planted")
    monkeypatch.setenv("LANGFUSE_BASE_URL", "https://user:planted@langfuse.example")
    for arguments in (("settings",), ("settings", "--json"), ("status",), ("status", "--json")):
        assert "planted" not in run_cli(*arguments).output
    assert "langfuse.example" in run_cli("settings").stdout


def test_settings_name_the_nearest_to_one_that_does_not_exist(project, monkeypatch):
    monkeypatch.setenv("AGENT_TRACE_QUEIT", "1")
    assert "AGENT_TRACE_QUIET" in run_cli("settings").stdout


def test_path_is_printed_whether_or_not_it_exists(project):
    assert run_cli("path").stdout == f"{project / '.agent_trace'}\n"


def old_store(project: Path) -> Path:
    store = project / ".agent_trace"
    for number in (1, 2, 3):
        write_segment(store, [record(trace_id=str(number), id=str(number))], started_s=number)
    return store


def test_prune_says_first_and_removes_then(project):
    store = old_store(project)
    assert "would remove 3 records in 3 segments" in run_cli("prune", "--max-size", "1", "--dry-run").stdout
    assert len(list((store / "segments").glob("*.jsonl"))) == 3
    assert "removed 3 records in 3 segments" in run_cli("prune", "--max-size", "1", "--yes").stdout
    assert list((store / "segments").glob("*.jsonl")) == []
    assert status()["ledger"]["evicted"] == 3
    assert "removed" in run_cli("list").stderr


def test_prune_asks_nobody_when_nobody_is_there(project):
    store = old_store(project)
    result = run_process("prune", "--max-size", "1", cwd=project, input="")
    assert result.returncode == 2
    assert "--yes" in result.stderr
    assert len(list((store / "segments").glob("*.jsonl"))) == 3


def test_prune_by_age_and_by_the_projects_own_limits(project, monkeypatch):
    old_store(project)
    assert "nothing to remove" in run_cli("prune", "--older-than", "30d", "--yes").stdout
    time.sleep(1.1)
    assert "would remove" in run_cli("prune", "--older-than", "1s", "--dry-run").stdout
    assert "nothing to remove" in run_cli("prune", "--dry-run").stdout
    monkeypatch.setenv("AGENT_TRACE_MAX_STORE_BYTES", "2KiB")
    assert "would remove 2 records" in run_cli("prune", "--dry-run").stdout
