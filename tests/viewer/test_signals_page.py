"""Promises of the page of signals."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.asked import asked
from tests.support.html_tables import read
from tests.support.segments import START_NS, record, write_segment

HOSTILE = "<b>BUY</b>\u202e"


def given(number: int, action: str, **fields: Any) -> dict[str, Any]:
    """An observation with a signal, `number` milliseconds after the first."""
    signal = {"action": action, **fields.pop("signal", {})}
    start_ns = START_NS + number * 10**6
    identity = {"id": f"{number + 1:x}", "trace_id": f"{number + 1:x}"}
    return record(signal=signal, start_ns=start_ns, **{"agent_id": "analyst", **identity, **fields})


@pytest.fixture
def store(tmp_path: Path) -> Path:
    directory = tmp_path / "store"
    sure = {"confidence": 0.82, "confidence_scale": "0-1", "confidence_percent": 82, "symbol": "AAPL"}
    nonsense = {"confidence": 752, "confidence_scale": "nonsense"}
    write_segment(
        directory,
        [
            given(0, "BUY", signal={**sure, "reasoning": "It rose.\nAnd more."}),
            given(1, HOSTILE, signal={**nonsense, "symbol": HOSTILE, "reasoning": HOSTILE}, agent_id=HOSTILE),
            given(
                2,
                "SELL",
                signal={
                    "reasoning": "the last word",
                    "earlier": [{"action": "HOLD", "confidence": "very sure", "confidence_scale": "words"}],
                },
            ),
        ],
    )
    return directory


def test_each_signal_is_told_as_it_was_given_the_newest_first(store: Path) -> None:
    with asked(store) as client:
        page = read(client.get("/signals").text)
    told = [
        (row["Action"], row["Confidence"], row["Symbol"], row["Agent"], row["Reasoning"])
        for row in page.rows("Signals")
    ]
    spelt = "<b>BUY</b>\\u202e"
    assert told == [
        ("SELL", "—", "—", "analyst", "the last word"),
        ("HOLD", "very sure", "—", "analyst", ""),
        (spelt, "752 out of scale", spelt, spelt, spelt),
        ("BUY", "0.82 of 0-1", "AAPL", "analyst", "It rose."),
    ]
    assert f"/traces/{'1'.rjust(32, '0')}?observation={'1'.rjust(16, '0')}" in page.links
    assert "b" not in page.tags


def test_the_chart_shows_them_over_time_at_the_height_that_the_url_says(store: Path) -> None:
    with asked(store) as client:
        chart = client.get("/signals.json?height=symbol").json()["chart"]
        assert chart["figure"]["layout"]["yaxis"]["ticktext"] == [
            "",
            "AAPL",
            "&lt;b&gt;BUY&lt;/b&gt;\\u202e",
            "(no symbol)",
        ]
        assert chart["label"].startswith("4 signals over time by symbol: 1 buy, 1 sell, 1 hold, 1 other")
        assert client.get("/signals?height=beauty").status_code == 400


def test_filters_narrow_down_table_and_chart(store: Path) -> None:
    with asked(store) as client:
        answer = client.get("/signals.json?signal=buy").json()
        assert [row["action"] for row in answer["signals"]] == ["BUY"]
        assert answer["drawn"] == 1
        assert "No signal fits" in client.get("/signals?agent=nobody").text


def test_pages_follow_one_another_without_a_gap_though_one_moment_has_many(tmp_path: Path) -> None:
    many = [{"action": f"A{n}"} for n in range(30)]
    signals = [given(n, f"S{n}") for n in range(100)]
    signals[60]["signal"]["earlier"] = many
    write_segment(tmp_path / "store", signals)
    with asked(tmp_path / "store") as client:
        seen, path = [], "/signals.json"
        while path:
            answer = client.get(path).json()
            seen += [each["action"] for each in answer["signals"]]
            path = answer["older"] and f"/signals.json?before={answer['older']}"
        assert sorted(seen) == sorted([*(f"S{n}" for n in range(100)), *(each["action"] for each in many)])
        assert seen[0] == "S99"


def test_a_signal_whose_record_is_gone_is_still_told(store: Path) -> None:
    with asked(store) as client:
        client.get("/signals")
        for segment in (store / "segments").iterdir():
            segment.write_bytes(segment.read_bytes()[:1024])
        rows = client.get("/signals.json").json()["signals"]
        assert {row["reasoning"] for row in rows} <= {"", "It rose.", "the last word", "<b>BUY</b>\\u202e"}


def test_without_signals_there_is_the_line_to_write(tmp_path: Path) -> None:
    write_segment(tmp_path / "store", [record()])
    with asked(tmp_path / "store") as client:
        text = client.get("/signals").text
        assert "add_trading_signal(" in text
        assert "application/json" not in text
