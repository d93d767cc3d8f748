"""How much of each budget is spent, as Prometheus reads it: at once, served, and from workers in multi-process mode."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent_trace.metrics.budgets import BudgetRow, bounded
from agent_trace.metrics.serving import serve, text_of
from agent_trace.metrics.tally import Names
from tests.support.cli import clean_environment, run_cli
from tests.support.prometheus import Samples, parsed, scraped, total, value
from tests.support.segments import record, write_segment

USED, LIMIT = "agent_trace_budget_used_ratio", "agent_trace_budget_limit_usd"


def call(id: str, dollars: str, **scope: str) -> dict[str, Any]:
    cost = {"total": dollars, "currency": "USD"}
    return record(id=id, type="generation", model="gpt-4o", cost=cost, start_ns=time.time_ns(), **scope)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    write_segment(
        tmp_path,
        [
            call("1", "0.25", tenant_id="acme", agent_id="analyst"),
            call("2", "1.75", tenant_id="acme"),
            call("3", "0.5", tenant_id="globex", agent_id="analyst"),
        ],
    )
    return tmp_path


@pytest.fixture
def budgets(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def have(*given: dict[str, Any]) -> None:
        monkeypatch.setenv("AGENT_TRACE_BUDGETS", json.dumps(given))

    return have


def labels(window: str = "24h", **named: str) -> dict[str, str]:
    return {"tenant_id": "", "agent_id": "", "model": "", "window": window, **named}


def test_every_budget_is_told_with_its_share_and_its_limit(store: Path, budgets: Callable[..., None]) -> None:
    budgets(
        {"tenant": "*", "limit": 2, "window": "24h"},
        {"agent": "analyst", "limit": 3, "window": "24h"},
        {"tenant": "acme", "model": "gpt-*", "limit": "0.5", "window": "7d"},
        {"agent": "nobody", "limit": 1, "window": "24h"},
    )
    found = parsed(text_of(store))
    assert value(found, USED, **labels(tenant_id="acme")) == 1
    assert value(found, USED, **labels(tenant_id="globex")) == 0.25
    assert value(found, USED, **labels(agent_id="analyst")) == 0.25
    assert value(found, USED, **labels("7d", tenant_id="acme", model="gpt-*")) == 4
    assert value(found, USED, **labels(agent_id="nobody")) == 0
    assert value(found, LIMIT, **labels("7d", tenant_id="acme", model="gpt-*")) == 0.5
    assert total(found, LIMIT) == 2 + 2 + 3 + 0.5 + 1


def test_without_budgets_there_are_no_samples_and_no_database_is_opened(store: Path) -> None:
    assert total(parsed(text_of(store)), LIMIT) == 0
    assert not list(store.glob("index*"))


def test_the_command_prints_them(store: Path, budgets: Callable[..., None]) -> None:
    budgets({"tenant": "acme", "limit": 2, "window": "24h"})
    done = run_cli("metrics", "--once", "--store", str(store))
    assert value(parsed(done.stdout), USED, **labels(tenant_id="acme")) == 1


def until(told: Callable[[], Samples], wanted: float, **named: str) -> float | None:
    """The share that is told, once it is what is wanted; or what it is in the end."""
    end_s = time.monotonic() + 20
    while True:
        found = value(told(), USED, **labels(**named))
        if found == wanted or time.monotonic() > end_s:
            return found
        time.sleep(0.05)


def test_an_endpoint_tells_what_is_spent_meanwhile_and_no_zero_before_it_knows(
    store: Path, budgets: Callable[..., None]
) -> None:
    budgets({"tenant": "acme", "limit": 4, "window": "24h"})
    served = serve(store, "127.0.0.1", 0)
    try:
        assert value(scraped(served.port), USED, **labels(tenant_id="acme")) in (None, 0.5)
        assert until(lambda: scraped(served.port), 0.5, tenant_id="acme") == 0.5
        write_segment(store, [call("9", "1", tenant_id="acme")], started_s=9)
        assert until(lambda: scraped(served.port), 0.75, tenant_id="acme") == 0.75
    finally:
        served.close()


WORKERS = """
import os, sys, time
from agent_trace import ObservabilityContext, metrics, observe_llm
import prometheus_client

@observe_llm
def ask():
    return {"model": "gpt-4o", "usage": {"prompt_tokens": 100_000, "completion_tokens": 0}, "choices": []}

metrics.exposition()  # before the fork, as a server that loads its app first
for n in range(2):
    if os.fork() == 0:
        with ObservabilityContext.scope(tenant_id="acme"):
            ask()
        os._exit(0)
    os.wait()
if os.fork() == 0:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        text = metrics.exposition().body.decode()
        if 'agent_trace_budget_used_ratio{agent_id="",model="",tenant_id="acme",window="24h"} 0.5' in text:
            break
        time.sleep(0.05)
    print(text)
    sys.stdout.flush()
    os._exit(0)
os.wait()
"""


def test_a_worker_in_multi_process_mode_tells_what_all_of_them_have_spent(tmp_path: Path) -> None:
    (tmp_path / "counters").mkdir()
    budget = [{"tenant": "acme", "limit": 1, "window": "24h"}]
    done = subprocess.run(
        [sys.executable, "-c", WORKERS],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
        env=clean_environment(
            AGENT_TRACE_DIR=str(tmp_path / "store"),
            AGENT_TRACE_QUIET="1",
            AGENT_TRACE_BUDGETS=json.dumps(budget),
            PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "counters"),
        ),
    )
    assert done.returncode == 0, done.stderr
    assert value(parsed(done.stdout), USED, **labels(tenant_id="acme")) == 0.5


def test_names_beyond_the_bound_share_other_which_is_the_one_that_has_spent_most() -> None:
    rows = [
        BudgetRow((name, "", "", "day"), used, 1.0)
        for name, used in zip("abcd", (0.1, 0.2, 0.9, 0.3), strict=True)
    ]
    assert bounded(rows, Names(2)) == [
        BudgetRow(("a", "", "", "day"), 0.1, 1.0),
        BudgetRow(("b", "", "", "day"), 0.2, 1.0),
        BudgetRow(("other", "", "", "day"), 0.9, 1.0),
    ]
