"""What cannot be shown is told as a page tells it: in sentences, and with links instead of commands to type."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from agent_trace.errors import StoreTooNew
from agent_trace.viewer.problems import Piece, pieces, status_of
from tests.support.asked import asked
from tests.support.html_tables import read
from tests.support.segments import record, write_segment

TRACE = "ab" * 16


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    write_segment(tmp_path, [record(trace_id=TRACE, id="c1"), record(trace_id="cd" * 16, id="c2")])
    with asked(tmp_path) as client:
        yield client


def said(problem: str) -> str:
    return "".join(piece.text for piece in pieces(problem))


@pytest.mark.parametrize(
    ("path", "heading", "sentence"),
    [
        ("/traces/ffff", "There is nothing here", "No trace or observation has an id that starts with"),
        ("/traces/no-id", "There is nothing here", "an id, or the start of one, is up to 32 digits"),
        (f"/observations/{TRACE}", "There is nothing here", "is a trace, not an observation."),
        ("/traces/0000", "That cannot be asked", "Give a few more digits."),
        ("/?status=fine", "That cannot be asked", "<code>status</code>="),
        ("/nowhere", "There is nothing here", "There is no page at /nowhere."),
    ],
)
def test_a_problem_reads_as_a_page(client: TestClient, path: str, heading: str, sentence: str) -> None:
    html = client.get(path).text
    assert f"<h1>{heading}</h1>" in html and f"<title>{heading} · agent_trace</title>" in html
    assert sentence in html
    assert "`" not in html and "agent-trace list" not in html and "agent-trace show" not in html
    assert '<a href="/">All traces</a>' in html


def test_ids_in_it_lead_to_what_they_name_but_not_back(client: TestClient) -> None:
    near = TRACE[:-1] + "0"
    assert f"/traces/{TRACE}" in read(client.get(f"/traces/{near}").text).links
    assert f"/traces/{near}" not in read(client.get(f"/traces/{near}").text).links
    links = read(client.get("/traces/0000").text).links
    assert links.count(f"/traces/{'c1':0>16}") == links.count(f"/traces/{'c2':0>16}") == 1


def test_what_stands_in_an_address_stays_text(client: TestClient) -> None:
    html = client.get("/traces/<img src=x onerror=alert(1)>").text
    assert "<img" not in html and "&lt;img" in html
    assert "<img" not in client.get("/?status=<img src=x>").text


def test_commands_go_and_everything_else_stays() -> None:
    assert said("no trace has it. `agent-trace list` shows them") == "No trace has it."
    assert said("'x' is a trace: `agent-trace show x` lists what is in it") == "'x' is a trace."
    assert (
        said("upgrade agent-trace, or delete index.sqlite") == "Upgrade agent-trace, or delete index.sqlite."
    )
    assert said("view='film' is not known; say tree") == "view='film' is not known; say tree."
    assert pieces("run `make` now") == [Piece("Run "), Piece("make", is_code=True), Piece(" now.")]


def test_whose_fault_it_is_stands_in_the_status() -> None:
    assert status_of(StoreTooNew("newer")) == 500
