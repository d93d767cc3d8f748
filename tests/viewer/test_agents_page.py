"""Promises of the page of agents."""

from pathlib import Path

import pytest

from tests.support.asked import asked
from tests.support.html_tables import read
from tests.support.segments import START_NS, record, write_segment
from tests.support.stores import generation

HOSTILE = "<img src=x onerror=alert(1)>\u202e"
SECOND = 10**9


@pytest.fixture
def store(tmp_path: Path) -> Path:
    directory = tmp_path / "store"
    calls = [
        record(id=f"{n:x}", trace_id=f"{n:x}", type="agent", agent_id="analyst", end_ns=START_NS + n * SECOND)
        for n in range(1, 101)
    ]
    calls[0] |= {"level": "ERROR", "signal": {"action": "SELL"}}
    other = {"agent_name": HOSTILE, "trace_id": "c8", "tenant_id": "acme"}
    write_segment(
        directory,
        [
            *calls,
            generation(id="c8", **other),
            record(id="c9", type="generation", model="house", usage={"input": 9}, **other),
        ],
    )
    return directory


def test_calls_errors_latency_tokens_cost_and_signals_of_each(store: Path) -> None:
    with asked(store) as client:
        analyst, hostile = read(client.get("/agents").text).rows("Agents")
    assert (analyst["Agent"], analyst["Calls ↓"], analyst["Errors"], analyst["Errors of all"]) == (
        "analyst",
        "100",
        "1",
        "1.0 % of 100",
    )
    assert [round(float(analyst[each].split()[0]) / 5) for each in ("p50",)] == [10]
    assert analyst["p95"].startswith("1 min 3") and analyst["p99"].startswith("1 min 3")
    assert (analyst["Signals"], analyst["Cost"], analyst["Tokens"]) == ("SELL", "—", "0")
    assert hostile["Agent"] == "<img src=x onerror=alert(1)>\\u202e"
    assert (hostile["Calls ↓"], hostile["Cost"], hostile["Tokens"]) == ("2", "$0.0035+?", "1.1 k")


def test_a_name_is_text_and_its_link_leads_to_its_traces(store: Path) -> None:
    with asked(store) as client:
        page = read(client.get("/agents").text)
        assert "img" not in page.tags
        target = next(each for each in page.links if "agent=%3Cimg" in each)
        assert [
            each["agents"] for each in client.get(target.replace("/?", "/traces.json?")).json()["traces"]
        ] == [[HOSTILE]]


def test_rows_are_in_the_order_that_the_url_asks_for(store: Path) -> None:
    with asked(store) as client:
        for order, first in (
            ("calls", "analyst"),
            ("cost", HOSTILE),
            ("tokens", HOSTILE),
            ("p99", "analyst"),
        ):
            assert client.get(f"/agents.json?sort={order}").json()["agents"][0]["agent"] == first
        assert 'aria-sort="descending"' in client.get("/agents?sort=cost").text
        assert client.get("/agents?sort=beauty").status_code == 400


def test_filters_narrow_down_and_an_order_outlives_them(store: Path) -> None:
    with asked(store) as client:
        answer = client.get("/agents?tenant=acme&sort=cost")
        assert len(read(answer.text).rows("Agents")) == 1
        assert '<input type="hidden" name="sort" value="cost">' in answer.text
        assert "No agent did anything that fits" in client.get("/agents?tenant=nobody").text


def test_no_more_agents_are_told_than_a_page_holds_and_their_number_is(tmp_path: Path) -> None:
    many = [record(id=f"{n:x}", trace_id=f"{n:x}", type="agent", agent_id=f"a{n}") for n in range(1, 251)]
    write_segment(tmp_path / "store", many)
    with asked(tmp_path / "store") as client:
        answer = client.get("/agents.json").json()
        assert (len(answer["agents"]), answer["count"]) == (200, 250)
        assert "The first 200 of 250 agents" in client.get("/agents").text


def test_without_agents_it_is_said_how_to_name_one(tmp_path: Path) -> None:
    write_segment(tmp_path / "store", [record()])
    with asked(tmp_path / "store") as client:
        assert "scope(agent_id=" in client.get("/agents").text
