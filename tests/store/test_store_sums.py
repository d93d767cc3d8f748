"""Promises of signals and costs over a whole store."""

from decimal import Decimal
from pathlib import Path

from agent_trace.store import Filter
from tests.support.segments import START_NS, record
from tests.support.stores import generation, store_of

SECOND = 1_000_000_000


def test_signals_come_with_agent_percent_and_in_the_order_given(tmp_path: Path) -> None:
    first = {"action": "HOLD", "confidence": 0.4, "confidence_scale": "0-1", "confidence_percent": 40}
    second = {
        "action": "BUY",
        "confidence": 752,
        "confidence_scale": "nonsense",
        "symbol": "ETH",
        "earlier": [first],
    }
    store = store_of(
        tmp_path,
        record(id="a", agent_id="analyst", signal=second),
        record(
            "amendment", id="a", at_ns=START_NS + 9 * SECOND, signal={"action": "SELL", "confidence": "high"}
        ),
    )
    rows = store.signals()
    assert [(row.action, row.confidence, row.percent, row.symbol) for row in rows] == [
        ("HOLD", 0.4, 40, None),
        ("BUY", 752, None, "ETH"),
        ("SELL", "high", None, None),
    ]
    assert {row.agent for row in rows} == {"analyst"}
    assert rows[-1].at_ns == START_NS + 9 * SECOND
    assert store.traces()[0].signals == ["HOLD", "BUY", "SELL"]
    assert [row.action for row in store.signals(Filter(signal="sell"))] == ["SELL"]
    assert [row.action for row in store.signals(limit=2)] == ["BUY", "SELL"]


def test_costs_are_summed_by_key_exactly_and_with_every_class_of_tokens(tmp_path: Path) -> None:
    store = store_of(
        tmp_path,
        *[generation(id=f"{n + 1:x}", agent_id="analyst", session_id="s") for n in range(3)],
        record(id="a", agent_name="risk", model="house", usage={"input": 5, "quanta": 2}, start_ns=START_NS),
        record(
            id="b", agent_name="risk", model="gpt-4o", usage={"input": 1, "cache_read": 3, "audio_input": 2}
        ),
        record(id="c", name="no usage"),
    )
    analyst, risk = store.costs(by="agent")
    assert (analyst.key, analyst.total, analyst.calls, analyst.unpriced) == (
        "analyst",
        Decimal("0.0105"),
        3,
        0,
    )
    assert analyst.tokens == {"input": 3000, "output": 300}
    assert (risk.key, risk.calls, risk.unpriced) == ("risk", 2, 1)
    assert risk.total == Decimal("0.00001125")
    assert risk.tokens == {"input": 6, "cache_read": 3, "audio_input": 2, "quanta": 2}
    assert {row.key for row in store.costs(by="day")} == {"2025-11-22"}
    assert {row.key for row in store.costs(by="session")} == {"s", ""}
    assert [row.key for row in store.costs(Filter(agent="risk"), by="model")] == ["gpt-4o", "house"]
