"""Promises of the cost tracker: exact by tenant and agent, and never zero for what nobody knows."""

import asyncio
import json
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agent_trace import CostTracker
from agent_trace.errors import SettingError
from agent_trace.recording.journal.control import write_flag
from agent_trace.testing import recorded
from tests.support.segments import record, write_segment

NOW_NS = time.time_ns()
DAY_NS = 86_400 * 10**9


def call(id: str, **fields: Any) -> dict[str, Any]:
    made = {
        "type": "generation",
        "model": "gpt-4o",
        "usage": {"input": 1_000_000},
        "start_ns": NOW_NS - 10**9,
    }
    return record(id=id, **{**made, **fields})


def tracker_of(directory: Path, *records: dict[str, Any], **settings: Any) -> CostTracker:
    write_segment(directory, records)
    return CostTracker({"directory": str(directory), **settings}, source="local")


def test_a_million_input_tokens_of_gpt_4o_cost_exactly_two_dollars_fifty_under_tenant_and_agent(
    tmp_path: Path,
) -> None:
    tracker = tracker_of(tmp_path, call("a", tenant_id="acme", agent_id="analyst"))
    of_tenant = asyncio.run(tracker.get_tenant_costs("acme"))
    assert of_tenant["total_cost"] == Decimal("2.50") == of_tenant["agents"]["analyst"]["total_cost"]
    assert of_tenant["source"] == "local"
    of_agent = tracker.get_agent_costs_sync("analyst")
    assert of_agent["total_cost"] == Decimal("2.50") == of_agent["tenants"]["acme"]["total_cost"]


def test_the_shape_is_the_documented_one(tmp_path: Path) -> None:
    tracker = tracker_of(
        tmp_path,
        call(
            "a", tenant_id="acme", agent_id="analyst", usage={"input": 1000, "cache_read": 500, "output": 10}
        ),
        call("b", tenant_id="acme", agent_id="analyst", type="agent", model=None, usage=None),
        call("c", tenant_id="acme", agent_id="analyst", model="house"),
        call("d", tenant_id="other", agent_id="analyst"),
    )
    cost = Decimal("0.003225")
    figures = {"total_cost": cost, "total_tokens": 1_001_510, "calls": 2, "unpriced_observations": 1}
    models = {
        "gpt-4o": {"total_cost": cost, "total_tokens": 1510, "calls": 1, "unpriced_observations": 0},
        "house": {"total_cost": None, "total_tokens": 1_000_000, "calls": 1, "unpriced_observations": 1},
    }
    found = tracker.get_tenant_costs_sync("acme", period_days=7)
    prices = found.pop("prices")
    assert found == {
        "tenant_id": "acme",
        "period_days": 7,
        "agents": {"analyst": {**figures, "invocation_count": 1, "models": models}},
        **figures,
        "source": "local",
    }
    assert prices.startswith("genai-prices ")
    of_agent = asyncio.run(tracker.get_agent_costs("analyst"))
    assert set(of_agent) == {*found, "agent_id", "tenants", "prices"} - {"tenant_id", "agents"}
    assert {name: each["total_cost"] for name, each in of_agent["tenants"].items()} == {
        "other": Decimal("2.5"),
        "acme": cost,
    }


def test_only_what_lies_in_the_period_counts_to_the_nanosecond(tmp_path: Path) -> None:
    old = [
        call(f"{n + 1:x}", tenant_id="acme", start_ns=NOW_NS - n * DAY_NS // 4 - 60 * 10**9)
        for n in range(24)
    ]
    tracker = tracker_of(tmp_path, *old)
    for days, calls in ((0.2, 1), (0.3, 2), (1, 4), (2.5, 10), (30, 24)):
        assert tracker.get_tenant_costs_sync("acme", period_days=days)["calls"] == calls, days


def test_an_agent_without_an_observation_of_its_own_was_invoked_once_a_call(tmp_path: Path) -> None:
    tracker = tracker_of(tmp_path, *(call(f"{n + 1:x}", tenant_id="t", agent_id="a") for n in range(3)))
    assert tracker.get_tenant_costs_sync("t")["agents"]["a"]["invocation_count"] == 3


def test_a_tenant_that_spent_nothing_has_spent_zero(tmp_path: Path) -> None:
    found = tracker_of(tmp_path, call("a", tenant_id="acme")).get_tenant_costs_sync("nobody")
    assert (found["source"], found["total_cost"], found["agents"]) == ("local", 0, {})


def test_without_a_store_nobody_can_tell(tmp_path: Path) -> None:
    found = CostTracker({"directory": str(tmp_path / "none")}, source="local").get_tenant_costs_sync("acme")
    assert (found["source"], found["total_cost"], found["agents"]) == ("unavailable", None, {})
    assert "nothing was recorded" in found["reason"]


def test_a_fresh_store_with_nothing_in_it_cannot_tell_either(tmp_path: Path) -> None:
    assert tracker_of(tmp_path).get_agent_costs_sync("a")["source"] == "unavailable"


def test_while_recording_is_off_nobody_can_tell(tmp_path: Path) -> None:
    tracker = tracker_of(tmp_path, call("a", tenant_id="acme"))
    write_flag(tmp_path, False)
    assert tracker.get_tenant_costs_sync("acme")["source"] == "unavailable"
    write_flag(tmp_path, True)
    assert tracker.get_tenant_costs_sync("acme")["source"] == "local"
    off = CostTracker({"directory": str(tmp_path), "enabled": False}, source="local")
    assert off.get_tenant_costs_sync("acme")["total_cost"] is None
    with recorded():  # whatever this process records elsewhere
        assert off.get_tenant_costs_sync("acme")["total_cost"] is None
        assert tracker.get_tenant_costs_sync("acme")["source"] == "local"


def test_a_store_that_cannot_be_read_is_unavailable(tmp_path: Path) -> None:
    write_segment(tmp_path, [call("a", tenant_id="acme")])
    (tmp_path / "index.sqlite").mkdir()
    found = CostTracker({"directory": str(tmp_path)}, source="local").get_tenant_costs_sync("acme")
    assert (found["source"], found["total_cost"]) == ("unavailable", None)


def test_what_a_provider_said_it_cost_wins_and_what_is_nested_or_amended_counts_once(tmp_path: Path) -> None:
    tracker = tracker_of(
        tmp_path,
        call("a", tenant_id="t", cost={"total": 0.7, "currency": "USD", "source": "provider"}),
        call("b", tenant_id="t", parent_id="a", model="gpt-4o"),
        call("c", tenant_id="t", usage=None, reported_usage={"input": 1_000_000}),
        record("amendment", id="b", at_ns=NOW_NS, agent_id="late", tags=["x"]),
        record("amendment", id="b", at_ns=NOW_NS + 1, metadata={"k": 1}),
    )
    found = tracker.get_tenant_costs_sync("t")
    assert (found["total_cost"], found["calls"]) == (Decimal("3.2"), 2)
    assert found["agents"]["late"]["total_cost"] == Decimal("2.5")


def test_settings_may_be_an_object_and_a_wrong_source_or_period_is_said(tmp_path: Path) -> None:
    class Given:
        agent_trace_dir = str(tmp_path)

    write_segment(tmp_path, [call("a", tenant_id="acme")])
    assert CostTracker(Given(), "local").get_tenant_costs_sync("acme")["calls"] == 1
    with pytest.raises(SettingError, match="'auto', 'local' or 'langfuse'"):
        CostTracker(source="cloud")  # type: ignore[arg-type]
    with pytest.raises(SettingError, match="above 0"):
        CostTracker(Given()).get_tenant_costs_sync("acme", period_days=0)


def test_an_answer_can_be_written_as_json(tmp_path: Path) -> None:
    found = tracker_of(tmp_path, call("a", tenant_id="acme")).get_tenant_costs_sync("acme")
    assert json.loads(json.dumps(found, default=str))["total_cost"] == "2.5"
