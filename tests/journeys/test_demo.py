"""The demo as a stranger runs it: a real process, an empty store, and then the commands that it names."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from examples.trading_desk.server import LocalModelServer

ROOT = Path(__file__).resolve().parents[2]
KEYS = ("OPENAI_API_KEY", "LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY", "ENABLE_LANGFUSE")


def agent_trace(store: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if name not in KEYS}
    environment |= {"AGENT_TRACE_DIR": str(store), "PYTHONPATH": str(ROOT), "NO_COLOR": "1", **variables}
    command = [sys.executable, "-m", "agent_trace", *arguments]
    return subprocess.run(
        command, env=environment, cwd=store.parent, capture_output=True, text=True, timeout=60
    )


@dataclass(frozen=True)
class Demo:
    store: Path
    stdout: str
    stderr: str
    exit_code: int
    records: list[dict[str, Any]]
    """Of the trading desk."""
    untouched: list[dict[str, Any]]
    """Of the desk that knows nothing of tracing."""

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [record for record in self.records if record["type"] == kind]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    store = tmp_path_factory.mktemp("demo") / "store"
    ran = agent_trace(store, "demo")
    exported = agent_trace(store, "export", "--format", "jsonl")
    assert exported.returncode == 0, exported.stderr
    records = [json.loads(line) for line in exported.stdout.splitlines()]
    of_desk = [record for record in records if record["tenant_id"] == "demo-desk"]
    others = [record for record in records if record["tenant_id"] is None]
    assert len(of_desk) + len(others) == len(records)
    return Demo(store, ran.stdout, ran.stderr, ran.returncode, of_desk, others)


def test_it_ends_well_and_without_a_traceback(demo: Demo) -> None:
    assert demo.exit_code == 0, demo.stderr
    assert "Traceback" not in demo.stdout + demo.stderr
    assert "\x1b[" not in demo.stdout


def test_export_has_ten_generations_with_usage_and_cost(demo: Demo) -> None:
    answered = [record for record in demo.of_type("generation") if record["usage"]]
    assert len(answered) >= 10
    for record in answered:
        assert record["model"] == "gpt-4o-mini"
        assert record["usage"]["input"] > 0 and record["usage"]["output"] > 0
        assert Decimal(str(record["cost"]["total"])) > 0
        assert record["cost"]["currency"] == "USD"


def test_a_prompt_seen_before_is_counted_as_cached_and_not_as_input_as_well(demo: Demo) -> None:
    cached = [
        record["usage"] for record in demo.of_type("generation") if (record["usage"] or {}).get("cache_read")
    ]
    assert len(cached) >= 10
    assert all(usage["cache_read"] >= 1024 and usage["input"] < 1024 for usage in cached)


def test_there_is_one_signal_a_stock_with_what_was_done_about_it(demo: Demo) -> None:
    signals = {record["signal"]["symbol"]: record["signal"] for record in demo.records if record["signal"]}
    actions = {symbol: signal["action"] for symbol, signal in signals.items()}
    assert actions == {"AAPL": "SELL", "FB": "BUY", "GOOG": "BUY", "IBM": "BUY", "MSFT": "HOLD"}
    assert all(0 <= signal["confidence"] <= 1 and signal["reasoning"] for signal in signals.values())
    assert signals["AAPL"]["order_id"] == "paper-0001"
    assert signals["AAPL"]["price"] == 439.88


def test_four_agents_took_part_and_the_models_calls_are_theirs(demo: Demo) -> None:
    agents = Counter(record["agent_name"] for record in demo.of_type("agent"))
    assert agents == {"supervisor": 5, "market_analyst": 5, "risk_agent": 5, "execution_agent": 5}
    asked = {record["agent_name"] for record in demo.of_type("generation")}
    assert asked == {"market_analyst", "risk_agent", "execution_agent"}


def test_every_stock_is_one_trace_below_its_supervisor(demo: Demo) -> None:
    assert len({record["trace_id"] for record in demo.records}) == 5
    roots = [record for record in demo.records if record["parent_id"] is None]
    assert [root["agent_name"] for root in roots] == ["supervisor"] * 5
    assert {record["tenant_id"] for record in demo.records} == {"demo-desk"}


def test_the_busy_service_is_one_failed_call_that_was_made_again(demo: Demo) -> None:
    (failed,) = [record for record in demo.of_type("generation") if record["level"] == "ERROR"]
    assert "503" in failed["error"]["message"] and failed["usage"] is None
    siblings = [record for record in demo.of_type("generation") if record["parent_id"] == failed["parent_id"]]
    assert len(siblings) == 2
    assert "service busy (503), asked again" in demo.stdout


def test_the_bad_answer_is_an_error_of_the_agent_with_the_text_it_got(demo: Demo) -> None:
    (agent,) = [record for record in demo.of_type("agent") if record["error"]]
    assert agent["error"]["type"].endswith("ValidationError")
    assert agent["error"]["context"]["answer"].startswith('{"action": "BUY"')
    cut_off = [record for record in demo.of_type("generation") if record["finish_reason"] == "length"]
    assert [record["parent_id"] for record in cut_off] == [agent["id"]]


def test_streamed_answers_have_the_time_of_their_first_item(demo: Demo) -> None:
    streamed = [record for record in demo.of_type("generation") if record["name"] == "chat stream"]
    assert len(streamed) == 6
    assert all(record["start_ns"] < record["first_token_ns"] < record["end_ns"] for record in streamed)


def test_both_handoffs_of_each_stock_are_recorded(demo: Demo) -> None:
    handoffs = Counter(
        (event["metadata"]["source_agent"], event["metadata"]["target_agent"])
        for event in demo.of_type("event")
    )
    assert handoffs == {("market_analyst", "risk_agent"): 5, ("risk_agent", "execution_agent"): 5}


def test_it_prints_decisions_then_a_tree_the_signals_and_the_costs(demo: Demo) -> None:
    landmarks = ["AAPL  439.88 USD", "MSFT  27.88 USD", "4 orders on paper", "One of the traces"]
    landmarks += ["The signals", "The costs by agent", "no line of tracing", "BaseAgent.run", "Look further"]
    places = [demo.stdout.find(words) for words in landmarks]
    assert -1 not in places and places == sorted(places), dict(zip(landmarks, places, strict=True))
    assert max(map(len, demo.stdout.splitlines())) <= 110


def test_the_untouched_desk_is_one_trace_with_a_generation_for_every_question(demo: Demo) -> None:
    (asked,) = re.findall(r"(\d+) questions asked", demo.stdout)
    assert int(asked) == 47
    assert len([record for record in demo.untouched if record["type"] == "generation"]) == 47
    assert len([record for record in demo.untouched if record["type"] == "agent"]) == 20
    assert [record["name"] for record in demo.untouched if record["parent_id"] is None] == ["main.py"]


def test_its_tree_is_shown_and_what_went_wrong_in_it(demo: Demo) -> None:
    shown = demo.stdout[demo.stdout.index("branches of its trace") :]
    assert "SwarmAgent.run" in shown and "503: over capacity" in shown
    assert shown.count("SwarmAgent.run") == 1


def test_the_commands_it_names_work(demo: Demo) -> None:
    shown = re.search(r"show ([0-9a-f]{8}) --full", demo.stdout)
    assert shown is not None
    in_full = agent_trace(demo.store, "show", shown[1], "--full").stdout
    assert "503" in in_full and "You are the risk agent" in in_full
    assert agent_trace(demo.store, "list").returncode == 0


def test_live_without_a_key_says_what_is_missing(tmp_path: Path) -> None:
    ran = agent_trace(tmp_path / "store", "demo", "--live")
    assert ran.returncode != 0
    assert "OPENAI_API_KEY" in ran.stderr and "Traceback" not in ran.stderr


def test_live_the_same_desk_asks_the_service_that_the_environment_names(tmp_path: Path) -> None:
    with LocalModelServer() as service:
        variables = {"OPENAI_API_KEY": "not-a-key", "OPENAI_BASE_URL": service.base_url}
        ran = agent_trace(tmp_path / "store", "demo", "--live", "--model", "gpt-4o", **variables)
    assert ran.returncode == 0, ran.stderr
    assert "model gpt-4o, asked at 127.0.0.1" in ran.stdout and "4 orders on paper" in ran.stdout


def test_live_without_a_connection_is_one_clear_line(tmp_path: Path) -> None:
    variables = {"OPENAI_API_KEY": "not-a-key", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    ran = agent_trace(tmp_path / "store", "demo", "--live", **variables)
    assert ran.returncode != 0
    assert "could not answer" in ran.stderr and "Traceback" not in ran.stderr


def test_switched_off_the_desk_still_decides_and_says_why_there_is_nothing_to_show(tmp_path: Path) -> None:
    ran = agent_trace(tmp_path / "store", "demo", ENABLE_LANGFUSE="false")
    assert "4 orders on paper" in ran.stdout
    assert ran.returncode != 0
    assert "Traceback" not in ran.stderr and "nothing to show" in ran.stderr


def test_the_desk_runs_from_a_checkout_as_a_module_too(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in KEYS}
    ran = subprocess.run(
        [sys.executable, "-m", "examples.trading_desk"],
        env=environment | {"AGENT_TRACE_DIR": str(tmp_path / "store")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    assert "Look further" in ran.stdout
