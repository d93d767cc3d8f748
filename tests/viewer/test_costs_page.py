"""Promises of the page of costs."""

import json
import re
import time
from pathlib import Path

import pytest

from agent_trace.store import Filter, Store
from tests.support.asked import asked
from tests.support.html_tables import read
from tests.support.segments import START_NS, record, write_segment
from tests.support.stores import generation

HOSTILE = "</script><script>alert(1)</script>"
A_DAY_NS = 86_400 * 10**9


@pytest.fixture(autouse=True)
def _in_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "setup.cfg").write_text("")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    directory = tmp_path / "store"
    unpriced = record(
        id="4", trace_id="4", type="generation", model="house", usage={"input": 9}, tenant_id="acme"
    )
    write_segment(
        directory,
        [
            generation(id="1", tenant_id="acme", agent_id="analyst"),
            generation(
                id="2", trace_id="2", tenant_id="acme", agent_id=HOSTILE, start_ns=START_NS + A_DAY_NS
            ),
            generation(id="3", trace_id="3", tenant_id="acme", agent_id="analyst"),
            generation(id="5", trace_id="5"),
            unpriced,
        ],
    )
    return directory


def test_tables_by_tenant_agent_and_model_have_shares_of_one_and_the_same_sum(store: Path) -> None:
    with asked(store) as client:
        page = read(client.get("/costs").text)
    by_tenant, by_agent, by_model = (page.rows(f"by {kind},") for kind in ("tenant", "agent", "model"))
    assert [(row["Tenant"], row["Calls"], row["Cost"], row["Share"]) for row in by_tenant] == [
        ("acme", "4", "$0.0105+?", "75.0 %"),
        ("(no tenant)", "1", "$0.0035", "25.0 %"),
        ("all", "5", "$0.0140+?", "100.0 %"),
    ]
    assert [row["Agent"] for row in by_agent] == ["analyst", "(no agent)", HOSTILE, "all"]
    assert [(row["Model"], row["Cost"], row["Share"]) for row in by_model[:2]] == [
        ("gpt-4o", "$0.0140", "100.0 %"),
        ("house", "?", "—"),
    ]
    assert {rows[-1]["Cost"] for rows in (by_tenant, by_agent, by_model)} == {"$0.0140+?"}


def test_names_lead_to_their_traces_within_the_same_filter(store: Path) -> None:
    with asked(store) as client:
        page = read(client.get("/costs?tenant=acme&since=2025-01-01").text)
        assert "/?since=2025-01-01&tenant=acme&agent=analyst" in page.links
        target = next(each for each in page.links if each.startswith("/?") and "%3Cscript" in each)
        assert len(client.get(target.replace("/?", "/traces.json?")).json()["traces"]) == 1


@pytest.mark.parametrize(
    "asked_for", ["tenant=acme", "tenant=nobody", "model=gpt-4o", "tenant=acme&model=house", "agent=analyst"]
)
@pytest.mark.parametrize("by", ["", "&by=tenant", "&by=model", "&by=agent"])
def test_tables_within_a_filter_are_what_the_store_says(store: Path, asked_for: str, by: str) -> None:
    where = Filter(**dict(each.split("=") for each in asked_for.split("&")))
    with asked(store) as client:
        tables = client.get(f"/costs.json?{asked_for}{by}").json()["tables"]
    with Store(store) as opened:
        for key in ("tenant", "agent", "model"):
            shown = [
                (row["name"], row["calls"], row["tokens"], row["cost"], row["unpriced"])
                for row in tables[key]["rows"]
            ]
            told = opened.costs(where, by=key)
            costs = [None if row.total is None else str(row.total) for row in told]
            assert shown == [
                (row.key, row.calls, row.tokens, cost, row.unpriced)
                for row, cost in zip(told, costs, strict=True)
            ]


def test_the_chart_is_in_layers_of_what_the_url_says_and_holds_no_markup(store: Path) -> None:
    with asked(store) as client:
        text = client.get("/costs?by=agent").text
        block = re.search('<script type="application/json">(.*?)</script>', text)
        assert block is not None
        layers = {each["name"]: each for each in json.loads(block[1])["data"]}
        assert layers["analyst"]["y"] == [0.007]
        assert any("&lt;script&gt;" in name for name in layers)
        assert '<script src="/static/charts.js" defer></script>' in text
        models = client.get("/costs.json?by=model").json()["chart"]["figure"]["data"]
        assert [each["name"] for each in models] == ["gpt-4o", "house", "no known price"]
        assert client.get("/costs?by=colour").status_code == 400


def test_a_hostile_name_is_text_wherever_it_stands(store: Path) -> None:
    with asked(store) as client:
        text = client.get("/costs").text
    assert "<script>alert" not in text
    assert read(text).tags.count("script") == 3, "the page's own, the charts' own, and the figure"


def test_the_json_has_the_figures_exact_to_the_last_digit(store: Path) -> None:
    with asked(store) as client:
        answer = client.get("/costs.json").json()
    assert (answer["total"]["cost"], answer["total"]["unpriced"]) == ("0.014", 1)
    unpriced = answer["tables"]["model"]["rows"][1]
    assert (unpriced["name"], unpriced["cost"], unpriced["share"]) == ("house", None, None)


def test_what_is_not_told_one_by_one_is_one_row_that_the_sums_still_have(tmp_path: Path) -> None:
    many = [generation(id=f"{n:x}", trace_id=f"{n:x}", agent_id=f"agent {n:02}") for n in range(1, 41)]
    write_segment(tmp_path / "store", many)
    with asked(tmp_path / "store") as client:
        page = read(client.get("/costs").text)
        rows = page.rows("by agent,")
        assert (len(rows), rows[-2]["Agent"], rows[-2]["Cost"]) == (27, "15 others", "$0.0525")
        (everything,) = [each for each in page.links if "all=agent" in each]
        assert len(read(client.get(everything).text).rows("by agent,")) == 41


def test_budgets_say_how_much_is_used_and_what_happens_then(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh = [generation(id="9", trace_id="9", tenant_id="acme", start_ns=time.time_ns())]
    write_segment(store, fresh, started_s=9)
    budgets = [
        {"tenant": "acme", "limit": "0.004", "window": "24h"},
        {"agent": "nobody", "limit": 1, "on_exceeded": "raise"},
        {"tenant": "x"},
    ]
    monkeypatch.setenv("AGENT_TRACE_BUDGETS", json.dumps(budgets))
    with asked(store) as client:
        text = client.get("/costs").text
        rows = read(text).rows("Budgets")
        assert [(row["Budget of"], row["Spent"], row["Used"], row["Then"]) for row in rows] == [
            ("tenant acme", "$0.0035", "88 %", "a warning"),
            ("agent nobody", "$0", "0 %", "calls are refused"),
        ]
        assert "is not kept to: limit = None" in text
        states = client.get("/costs.json").json()["budgets"]
        assert [(each["level"], each["rolling"]) for each in states] == [(80, True), (0, False)]


def test_without_budgets_it_is_said_how_to_set_one(store: Path) -> None:
    with asked(store) as client:
        assert "[[tool.agent_trace.budgets]]" in client.get("/costs").text


def test_what_could_be_saved_is_looked_for_when_it_is_asked_for(store: Path) -> None:
    cheaper = generation(id="8", trace_id="8") | {"model": "gpt-4o-mini"}
    write_segment(store, [cheaper], started_s=9)
    with asked(store) as client:
        assert client.get("/costs.json").json()["savings"] is None
        assert "in the place of gpt-4o" in client.get("/costs?savings=yes").text


def test_nothing_spent_is_no_zero_and_no_chart(tmp_path: Path) -> None:
    write_segment(tmp_path / "store", [record()])
    with asked(tmp_path / "store") as client:
        text = client.get("/costs").text
        assert "Nothing has reported tokens or a cost yet" in text
        assert "application/json" not in text
        assert "Nothing that fits" in client.get("/costs?tenant=nobody").text
