"""Promises of charts: the numbers that they show, and that no name in them is ever more than text."""

import json
import re
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from agent_trace.store.answers import CostRow, SignalRow
from agent_trace.viewer.charts import COLOURS, Chart, plain
from agent_trace.viewer.signals_chart import signals_chart
from agent_trace.viewer.spending_chart import spending_chart
from tests.support.asked import asked
from tests.support.segments import record, write_segment
from tests.support.stores import generation

SCRIPT = "</script><script>alert(1)</script>"
STEERING = "\u202eexe.gnp\x1b[31m\ud800"


def row(day: str, name: str, total: str | None = "1", unpriced: int = 0) -> CostRow:
    cost = None if total is None else Decimal(total)
    return CostRow(day, cost, {}, calls=1, unpriced=unpriced, keys=(day, name))


def signal(action: str = "BUY", **fields: Any) -> SignalRow:
    given = {"confidence": 0.8, "percent": 80, "symbol": "AAPL", "agent": "analyst", "at_ns": 10**18}
    return SignalRow(action=action, trace_id="ab" * 16, id="cd" * 8, **{**given, **fields})


def drawn(chart: Chart | None) -> dict[str, Any]:
    assert chart is not None
    return {each["name"]: each for each in chart.figure["data"]}


@pytest.mark.parametrize(
    "name", [SCRIPT, STEERING, "<!--", "&lt;b&gt;", "<a href='javascript:alert(1)'>x</a>"]
)
def test_a_hostile_name_neither_ends_the_script_block_nor_becomes_markup_of_the_chart(name: str) -> None:
    for chart in (
        spending_chart([row("2026-11-22", name)], "agent"),
        signals_chart([signal(name, symbol=name, agent=name)], "agent"),
    ):
        assert chart is not None
        text = str(chart.embedded())
        assert not re.search("[<>&]", text)
        assert json.loads(text) == json.loads(json.dumps(chart.figure))
        said = json.dumps(
            [value for each in chart.figure["data"] for value in (each["name"], each["customdata"])]
        )
        assert "<" not in said
        assert "\\ud800" not in said.lower() or "\\\\ud800" in said.lower()


def test_a_name_is_cut_to_what_fits_and_reads_as_it_was_written() -> None:
    assert plain("a & b <c>") == "a &amp; b &lt;c&gt;"
    assert unescape(plain("x" * 500)) == "x" * 27 + "…"
    assert plain("a\u202eb") == "a\\u202eb"


def test_bars_are_stacked_by_name_and_the_most_expensive_has_the_first_colour() -> None:
    rows = [row("2026-11-21", "cheap"), row("2026-11-22", "dear", "5"), row("2026-11-21", "dear", "0.25")]
    bars = drawn(spending_chart(rows, "agent"))
    assert list(bars) == ["dear", "cheap"]
    assert (bars["dear"]["x"], bars["dear"]["y"]) == (["2026-11-21", "2026-11-22"], [0.25, 5.0])
    assert bars["dear"]["customdata"] == ["$0.2500", "$5.00"]
    assert [each["meta"]["colour"] for each in bars.values()] == list(COLOURS[:2])


def test_what_has_no_colour_of_its_own_is_one_layer_and_nothing_is_left_out() -> None:
    rows = [row("2026-11-22", f"agent {n}", str(n)) for n in range(1, 21)]
    bars = drawn(spending_chart(rows, "agent"))
    assert len(bars) == len(COLOURS) + 1
    assert list(bars)[-1] == "all others"
    assert sum(sum(each["y"]) for each in bars.values()) == sum(range(1, 21))


def test_an_unknown_price_is_marked_and_is_no_bar() -> None:
    chart = spending_chart([row("2026-11-22", "house", None, 3), row("2026-11-22", "known", "2", 1)], "model")
    marks = drawn(chart)
    assert drawn(chart)["house"]["y"] == []
    assert marks["no known price"]["x"] == ["2026-11-22"]
    assert (marks["no known price"]["y"], marks["no known price"]["customdata"]) == ([2.0], ["4 calls"])
    assert chart is not None and "$2.00+?" in chart.label


def test_names_that_are_missing_are_said_to_be() -> None:
    assert list(drawn(spending_chart([row("2026-11-22", "")], "tenant"))) == ["(no tenant)"]
    assert signals_chart([signal(symbol=None)], "symbol").figure["layout"]["yaxis"]["ticktext"] == [
        "",
        "(no symbol)",
    ]


@pytest.mark.parametrize(
    ("first", "last", "span", "stands_at"),
    [
        ("2026-08-01", "2026-11-22", "day", "2026-11-22"),
        ("2026-01-01", "2026-11-22", "week", "2026-11-16"),
        ("2020-01-01", "2026-11-22", "month", "2026-11-01"),
        ("0001-01-01", "9999-12-31", "month", "9999-12-01"),
    ],
)
def test_many_days_are_told_by_the_week_or_month(first: str, last: str, span: str, stands_at: str) -> None:
    chart = spending_chart([row(first, "a"), row(last, "a", "2")], "agent")
    assert drawn(chart)["a"]["x"][-1] == stands_at
    assert drawn(chart)["a"]["y"] == [1.0, 2.0]
    assert chart is not None and chart.label.startswith(f"Cost by {span} from {first} to {last}")


def test_one_day_is_shown_among_those_before_it() -> None:
    chart = spending_chart([row("2026-11-22", "a")], "agent")
    assert chart is not None
    assert chart.figure["layout"]["xaxis"]["range"] == ["2026-11-08T12:00", "2026-11-22T12:00"]


def test_a_point_is_what_was_decided_and_leads_to_its_trace() -> None:
    points = drawn(signals_chart([signal("buy "), signal("LONG"), signal("REBALANCE")], "confidence"))
    assert list(points) == ["BUY, LONG", "REBALANCE"]
    assert points["BUY, LONG"]["marker"]["symbol"] == "triangle-up"
    assert (points["BUY, LONG"]["x"], points["BUY, LONG"]["y"]) == ([10**12] * 2, [80, 80])
    told = points["REBALANCE"]["customdata"][0]
    assert told == ["REBALANCE", "0.8", "AAPL", "analyst", f"{'ab' * 16}/{'cd' * 8}"]


def test_a_confidence_without_a_scale_stands_below_the_scale() -> None:
    for given in ({"confidence": 752, "percent": None}, {"confidence": None, "percent": None}):
        points = drawn(signals_chart([signal(**given)], "confidence"))
        assert points["BUY"]["y"][0] < 0
        assert points["BUY"]["customdata"][0][1] == ("752" if given["confidence"] else "—")


def test_lanes_are_those_with_the_most_signals_and_the_rest_shares_one() -> None:
    rows = [signal(symbol=f"S{n}") for n in range(30) for _ in range(30 - n)]
    chart = signals_chart(rows, "symbol")
    assert chart is not None
    names = chart.figure["layout"]["yaxis"]["ticktext"]
    assert (names[0], names[1], names[-1], len(names)) == ("all others", "S15", "S0", 17)
    heights = chart.figure["data"][0]["y"]
    assert (heights[0], heights[-1], len(heights)) == (16, 0, len(rows))


def test_there_is_no_chart_of_nothing() -> None:
    assert spending_chart([], "agent") is None
    assert signals_chart([], "confidence") is None


@pytest.mark.parametrize("path", ["/costs", "/signals"])
def test_the_script_of_charts_comes_only_with_something_to_draw(tmp_path: Path, path: str) -> None:
    write_segment(tmp_path / "none", [record()])
    write_segment(tmp_path / "some", [generation(signal={"action": "BUY"})])
    with asked(tmp_path / "none") as client:
        answer = client.get(path)
        assert "charts.js" not in answer.text
        assert "unsafe-inline" not in answer.headers["content-security-policy"]
    with asked(tmp_path / "some") as client:
        answer = client.get(path)
        assert "charts.js" in answer.text and "unsafe-inline" in answer.headers["content-security-policy"]
        assert "charts.js" not in client.get(f"{path}?agent=nobody").text
