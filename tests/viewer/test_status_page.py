"""Promises of the page of status, and of the switch on it."""

import re
from pathlib import Path

import pytest

from agent_trace.recording.journal.control import read_flag
from agent_trace.recording.journal.health_file import AttachedTo, Health, HealthFile
from tests.support.asked import asked
from tests.support.html_tables import read
from tests.support.segments import record, write_segment


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "setup.cfg").write_text(
        "[agent_trace]\nsample_rate = 0.5\ninstrument = desk.models:Model.ask\n"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def store(tmp_path: Path) -> Path:
    directory = tmp_path / "store"
    write_segment(directory, [record(), b"no record\n"], lost={"disk_full": 1203})
    return directory


def test_the_ledger_is_a_sum_and_what_was_lost_comes_with_what_to_do(store: Path) -> None:
    with asked(store) as client:
        text = client.get("/status").text
        page = read(text)
        *parts, whole = page.rows("This store")
        told = {row["Records"]: int(row["Number"].replace(",", "")) for row in parts}
        assert told == {
            "indexed": 1,
            "pending": 0,
            "torn": 0,
            "damaged": 1,
            "evicted": 0,
            "lost: disk_full": 1203,
        }
        assert (whole["Records"], whole["Number"]) == ("recorded", "1,205")
        assert "1,203 records were never written (disk_full)" in text
        assert "Free some space, run <code>agent-trace prune</code>" in text
        (account,) = client.get("/status.json").json()["accounts"]
        assert sum(part["count"] for part in account["parts"]) + account["missing"] == account["recorded"]


def test_settings_say_their_value_and_where_it_came_from(store: Path) -> None:
    with asked(store) as client:
        text = client.get("/status").text
        rows = {row["Setting"]: row for row in read(text).rows("Settings")}
    assert rows["sample_rate"]["Value"] == "0.5"
    assert rows["sample_rate"]["From"].endswith("setup.cfg: sample_rate")
    assert rows["segment_bytes"]["Value"] == "8.0 MiB"
    assert "desk.models:Model.ask" in text


def test_secrets_are_never_shown(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGFUSE_SECRET_KEY", "sk-lf-very-secret")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20very-secret")
    monkeypatch.setenv("LANGFUSE_HOST", "https://me:very-secret@langfuse.example")
    with asked(store) as client:
        for path in ("/status", "/status.json"):
            text = client.get(path).text
            assert "very-secret" not in text
            assert text.count("(hidden)") == 3 if path == "/status" else "(hidden)" in text


def switched(client, to: str) -> str:
    """The page after its own form was sent."""
    token = re.search('name="token" value="([^"]+)"', client.get("/status").text)
    assert token is not None
    answer = client.post("/switch", data={"token": token[1], "to": to})
    assert (answer.status_code, answer.headers["location"]) == (303, "/status")
    return str(client.get("/status").text)


def test_the_form_switches_recording_off_and_on_again(store: Path) -> None:
    with asked(store) as client:
        assert "Switch recording off" in client.get("/status").text
        text = switched(client, "off")
        assert read_flag(store) is False
        assert ("recording is off" in text, "<code>agent-trace off</code>" in text) == (True, True)
        assert '<input type="hidden" name="to" value="on">' in text
        assert client.get("/status.json").json()["condition"]["on"] is False
        assert "Switch recording off" in switched(client, "on")
        assert read_flag(store) is True


def test_a_switch_that_a_variable_overrules_says_so(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENABLE_LANGFUSE", "false")
    with asked(store) as client:
        text = client.get("/status").text
    assert "switched off by ENABLE_LANGFUSE" in text
    assert "ENABLE_LANGFUSE keeps it off all the same" in text


def test_before_anything_was_recorded_it_says_how_recording_stands(tmp_path: Path) -> None:
    with asked(tmp_path / "nothing") as client:
        answer = client.get("/status")
        assert (answer.status_code, "recording is on" in answer.text) == (200, True)
        assert "Nothing was recorded in this directory yet" in answer.text
        assert client.get("/status.json").json()["accounts"] == []


def test_a_problem_with_markup_in_it_is_text(project: Path, store: Path) -> None:
    (project / "setup.cfg").write_text("[agent_trace]\n<script>alert(1)</script> = 1\n")
    with asked(store) as client:
        text = client.get("/status").text
    assert "&lt;script&gt;" in text
    assert "<script>alert" not in text


def test_what_is_attached_in_a_running_program_is_told_and_stays_text(store: Path) -> None:
    file = HealthFile(store, "desk")
    attached = (AttachedTo("desk.models:<i>Model.ask", "attached", 3),)
    file.write(Health(pid=4711, host="h", service="desk", at_ns=1, attached=attached))
    with asked(store) as client:
        text = client.get("/status").text
        (told,) = client.get("/status.json").json()["condition"]["processes"]
    assert "pid 4711 (desk): <code>desk.models:&lt;i&gt;Model.ask</code>" in text
    assert (told["pid"], told["attached"][0]["functions"]) == (4711, 3)
    file.remove()
    with asked(store) as client:
        assert "no running program is attached to anything" in client.get("/status").text
