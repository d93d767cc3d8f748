"""Promises of `agent-trace costs` and `agent-trace budgets`."""

import csv
import io
import json
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agent_trace.observation import Observation
from agent_trace.spending.savings import look_for_savings
from tests.support.cli import run_cli, run_in_terminal
from tests.support.segments import START_NS, record, write_segment

LONG = "a long system prompt " * 400


@pytest.fixture
def store(tmp_path: Path) -> Path:
    (tmp_path / "setup.cfg").write_text("")
    directory = tmp_path / ".agent_trace"
    write_segment(
        directory,
        [
            call("1", "gpt-4o", 1_000_000, tenant_id="acme", agent_id="analyst"),
            call("2", "gpt-4o-mini", 1_000_000, tenant_id="acme", agent_id="=SUM(A1)"),
            call("3", "house", 10, tenant_id="other", agent_id="analyst", start_ns=START_NS + 86_400 * 10**9),
        ],
    )
    return directory


def call(id: str, model: str, tokens: int, **fields: Any) -> dict[str, Any]:
    return record(id=id, type="generation", model=model, usage={"input": tokens}, **fields)


def ask(store: Path, *arguments: str) -> Any:
    done = run_cli("costs", "--store", str(store), *arguments)
    assert done.exit_code == 0, done.stderr
    return done


def test_totals_and_shares_by_any_key(store: Path) -> None:
    lines = [line.split() for line in ask(store).stdout.splitlines()[:4]]
    assert lines == [
        ["AGENT", "CALLS", "INPUT", "CACHED", "OUTPUT", "TOKENS", "COST", "SHARE"],
        ["analyst", "2", "1.0", "M", "—", "0", "1.0", "M", "$2.50+?", "94.3", "%"],
        ["=SUM(A1)", "1", "1.0", "M", "—", "0", "1.0", "M", "$0.1500", "5.7", "%"],
        ["all", "3", "2.0", "M", "—", "0", "2.0", "M", "$2.65+?", "100.0", "%"],
    ]
    for by, keys in (
        ("tenant", ["acme", "other"]),
        ("model", ["gpt-4o", "gpt-4o-mini", "house"]),
        ("session", [""]),
        ("day", ["2025-11-22", "2025-11-23"]),
    ):
        answer = json.loads(ask(store, "--by", by, "--json").stdout, parse_float=Decimal)
        assert [row["key"] for row in answer["rows"]] == keys
        assert (answer["total"]["cost"], answer["total"]["unpriced_observations"]) == (Decimal("2.65"), 1)


def test_filters_narrow_down(store: Path) -> None:
    answer = json.loads(ask(store, "--tenant", "acme", "--until", "2025-11-23", "--json").stdout)
    assert [(row["key"], row["cost"]) for row in answer["rows"]] == [("analyst", 2.5), ("=SUM(A1)", 0.15)]
    assert answer["prices"].startswith("genai-prices ")
    assert "nothing that fits" in ask(store, "--tenant", "nobody").stderr


def test_a_question_mark_is_explained_where_there_is_one(store: Path) -> None:
    by_agent, by_model = (ask(store, "--by", by, "--no-savings").stdout for by in ("agent", "model"))
    assert "the sums lack 1 call of models without a known price" in by_agent
    assert "costs --by model" in by_agent and "costs --by model" not in by_model
    assert "known price" not in ask(store, "--tenant", "acme").stdout


def test_days_come_in_their_order_and_all_else_by_what_it_cost(store: Path) -> None:
    later = {"tenant_id": "acme", "start_ns": START_NS + 2 * 86_400 * 10**9}
    write_segment(store, [call("4", "gpt-4o", 9_000_000, **later)], started_s=9)
    lines = ask(store, "--by", "day", "--no-savings").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["2025-11-22", "2025-11-23", "2025-11-24"]
    assert ask(store, "--by", "model").stdout.splitlines()[1].startswith("gpt-4o ")


def test_what_is_not_there_is_blamed_on_filters_only_where_there_are_some(tmp_path: Path) -> None:
    write_segment(tmp_path, [record(id="1", type="span")])
    assert ask(tmp_path).stderr.endswith("nothing that was recorded has reported tokens or a cost.\n")
    assert "fewer filters" in ask(tmp_path, "--tenant", "acme").stderr


def test_csv_is_for_spreadsheets_and_starts_no_formula(store: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(ask(store, "--csv").stdout)))
    assert [(row["agent"], row["cost"], row["unpriced_observations"]) for row in rows] == [
        ("analyst", "2.5", "1"),
        ("'=SUM(A1)", "0.15", "0"),
    ]
    done = run_cli("costs", "--store", str(store), "--csv", "--json")
    assert (done.exit_code, "not both" in done.stderr) == (2, True)


def test_a_cheaper_model_of_the_family_is_named_where_it_is_used_for_such_prompts(store: Path) -> None:
    done = ask(store)
    assert "$2.35 of $2.50 with gpt-4o-mini in the place of gpt-4o" in done.stdout
    assert "could be saved" not in ask(store, "--no-savings").stdout
    assert "could be saved" not in ask(store, "--model", "gpt-4o").stdout


def generation(number: int, messages: list[str], tokens: int, **fields: Any) -> Observation:
    said = [{"role": "user", "content": each} for each in messages]
    made = {"model": "gpt-4o", "usage": {"input": tokens}, "cost": {"total": Decimal("0.01")}, **fields}
    identity = {"id": f"{number:016x}", "trace_id": "1" * 32, "type": "generation", "name": "ask"}
    return Observation.from_record(
        {**record(start_ns=START_NS + number), **identity, "input": {"messages": said}, **made}
    )


def test_prompts_that_begin_alike_are_counted_in_tokens_that_a_cache_would_have_had() -> None:
    asked = [generation(n, [LONG, f"question {n}"], 2000) for n in range(5)]
    found = look_for_savings(asked)
    assert found.repeated_calls == 4
    assert 4 * 1900 < found.repeated_tokens <= 4 * 2000
    assert Decimal("0.009") < found.repeated_saving < Decimal("0.01")
    cached = [generation(n, [LONG, f"q {n}"], 0, usage={"input": 20, "cache_read": 1990}) for n in range(5)]
    assert look_for_savings(cached).repeated_tokens == 0
    short = [generation(n, ["hello", f"question {n}"], 500) for n in range(5)]
    assert look_for_savings(short).repeated_calls == 0


def test_answers_that_were_asked_for_again_in_the_same_place_cost_what_the_first_ones_did() -> None:
    asked = [generation(n, ["the same"], 10) for n in range(3)]
    other = generation(9, ["the same"], 10, trace_id="2" * 32)
    found = look_for_savings([*asked, other])
    assert (found.retries, found.retries_cost) == (2, Decimal("0.02"))


def test_inputs_of_any_form_are_looked_at_without_harm() -> None:
    for number, given in enumerate(
        [None, "text", 3, [], {}, {"messages": "text"}, [[["x"]]], {"prompt": {"a": 1}}]
    ):
        observation = generation(number, [], 10)
        observation.input = given
        assert look_for_savings([observation, observation]).looked_at == 2


def test_budgets_show_what_is_spent_of_each_the_fullest_first(store: Path) -> None:
    now_ns = time.time_ns()
    write_segment(store, [call("9", "gpt-4o", 1_000_000, tenant_id="acme", start_ns=now_ns)], started_s=9)
    budgets = [
        {"tenant": "*", "limit": 3, "window": "24h"},
        {"agent": "nobody", "limit": "0.5", "on_exceeded": "raise"},
        {"model": "gpt-4o", "limit": 2, "window": "month"},
    ]
    environment = {"AGENT_TRACE_BUDGETS": json.dumps(budgets), "NO_COLOR": "1"}
    seen = run_in_terminal("budgets", cwd=store.parent, **environment).splitlines()
    assert [line.split()[:7] for line in seen[1:]] == [
        ["model", "gpt-4o", "$2.50", "$2.00", "125", "%", "month"],
        ["tenant", "acme", "$2.50", "$3.00", "83", "%", "last"],
        ["agent", "nobody", "$0", "$0.5000", "0", "%", "day"],
    ]
    assert seen[3].endswith("calls are refused")
    answer = json.loads(run_in_terminal("budgets", "--json", cwd=store.parent, **environment))
    assert [(each["level"], each["spent"]) for each in answer] == [(100, 2.5), (80, 2.5), (0, 0)]


def test_without_budgets_it_is_said_where_they_go(store: Path) -> None:
    assert "AGENT_TRACE_BUDGETS" in run_in_terminal("budgets", cwd=store.parent)
    wrong = run_in_terminal("budgets", cwd=store.parent, AGENT_TRACE_BUDGETS='[{"tenant": "a"}]')
    assert "is not kept to: limit = None" in wrong
