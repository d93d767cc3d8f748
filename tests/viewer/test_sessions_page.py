"""Promises of the page of sessions."""

from pathlib import Path

import pytest

from tests.support.asked import asked
from tests.support.html_tables import read
from tests.support.segments import START_NS, record, write_segment
from tests.support.stores import generation

HOSTILE = "<script>alert(1)</script>\u202e & more"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    directory = tmp_path / "store"
    morning = {"trace_id": "1", "session_id": "morning", "tenant_id": "acme", "agent_id": "analyst"}
    write_segment(
        directory,
        [
            record(id="1", type="agent", signal={"action": "BUY", "confidence": 0.8}, **morning),
            generation(id="2", parent_id="1", start_ns=START_NS + 60 * 10**9, **morning),
            record(id="3", trace_id="2", session_id=HOSTILE, level="ERROR", start_ns=START_NS + 3600 * 10**9),
            record(id="4", trace_id="3"),
        ],
    )
    return directory


def test_each_session_says_what_it_came_to_and_leads_to_its_traces(store: Path) -> None:
    with asked(store) as client:
        page = read(client.get("/sessions").text)
        newest, oldest = page.rows("Sessions")
        assert newest["Session"] == "<script>alert(1)</script>\\u202e & more"
        assert (newest["Traces"], newest["Errors"], newest["Cost"]) == ("1", "1", "—")
        assert (oldest["Session"], oldest["Traces"], oldest["Calls"]) == ("morning", "1", "1")
        assert (oldest["Lasted"], oldest["Tokens"], oldest["Cost"]) == ("1 min 00 s", "1.1 k", "$0.0035")
        assert (oldest["Signals"], oldest["Agents"], oldest["Tenant"]) == ("BUY", "analyst", "acme")
        target = next(each for each in page.links if each.startswith("/?session=%3Cscript"))
        (trace,) = client.get(target.replace("/?", "/traces.json?")).json()["traces"]
        assert trace["session_id"] == HOSTILE


def test_the_json_has_the_same_exact_to_the_last_digit(store: Path) -> None:
    with asked(store) as client:
        sessions = client.get("/sessions.json").json()["sessions"]
        assert [each["session_id"] for each in sessions] == [HOSTILE, "morning"]
        assert (sessions[1]["cost"], sessions[1]["signals"]) == ("0.0035", {"BUY": 1})


def test_filters_stand_in_the_url_and_in_the_form(store: Path) -> None:
    with asked(store) as client:
        answer = client.get("/sessions?tenant=acme&since=2025-01-01")
        assert [row["Session"] for row in read(answer.text).rows("Sessions")] == ["morning"]
        assert 'value="acme"' in answer.text
        assert client.get("/sessions.json?tenant=nobody").json()["sessions"] == []
        assert "No session has anything that fits" in client.get("/sessions?tenant=nobody").text
        wrong = client.get("/sessions?since=someday")
        assert (wrong.status_code, "someday" in wrong.text, "yesterday" in wrong.text) == (400, True, True)


def test_pages_follow_one_another_without_a_gap(tmp_path: Path) -> None:
    sessions = [
        record(id=f"{n + 1:x}", trace_id=f"{n + 1:x}", session_id=f"run {n}", start_ns=START_NS + n // 3)
        for n in range(120)
    ]
    write_segment(tmp_path / "store", sessions)
    with asked(tmp_path / "store") as client:
        seen, path = [], "/sessions.json"
        while path:
            answer = client.get(path).json()
            seen += [each["session_id"] for each in answer["sessions"]]
            path = answer["older"] and f"/sessions.json?before={answer['older'].replace(' ', '+')}"
        assert sorted(seen) == sorted(f"run {n}" for n in range(120))
        first = read(client.get("/sessions").text)
        (older,) = [each for each in first.links if "before=" in each]
        assert "run 69" in client.get(older).text
        assert client.get("/sessions?before=yesterday").status_code == 400


def test_without_sessions_it_is_said_how_there_come_to_be_some(tmp_path: Path) -> None:
    write_segment(tmp_path / "store", [record()])
    with asked(tmp_path / "store") as client:
        assert "scope(session_id=" in client.get("/sessions").text
