"""Promises of budgets: said at 80 % and 100 %, kept to across processes within a second, and after a restart."""

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agent_trace.errors import BudgetExceeded
from agent_trace.settings import load
from agent_trace.spending import watching
from agent_trace.spending.budgets import Budget, read_budgets
from agent_trace.spending.gate import Gate, make_gate
from agent_trace.spending.states import BudgetState, read_states, work_out, write_states
from agent_trace.store import Store
from tests.support.segments import record, write_segment

NOW_NS = int(datetime(2026, 3, 31, 13, 30, tzinfo=UTC).timestamp()) * 10**9
HOUR_NS = 3_600 * 10**9


def call(id: str, dollars: str, at_ns: int = NOW_NS, **scope: str) -> dict[str, Any]:
    cost = {"total": dollars, "currency": "USD"}
    return record(id=id, type="generation", model="gpt-4o-2024-08-06", cost=cost, start_ns=at_ns, **scope)


def states_of(directory: Path, given: list[dict[str, Any]], *calls: dict[str, Any]) -> list[BudgetState]:
    write_segment(directory, calls)
    with Store(directory) as store:
        store.refresh()
        return work_out(store, read_budgets(given), NOW_NS)


@pytest.mark.parametrize(
    ("window", "hours", "ends"),
    [
        ("hour", 0.5, "2026-03-31T14:00"),
        ("day", 13.5, "2026-04-01T00:00"),
        ("month", 30 * 24 + 13.5, "2026-04-01T00:00"),
        ("24h", 24, "2026-04-01T13:30"),
        ("rolling 90m", 1.5, "2026-03-31T15:00"),
    ],
)
def test_a_window_begins_and_ends_to_the_nanosecond(
    tmp_path: Path, window: str, hours: float, ends: str
) -> None:
    begun_ns = NOW_NS - int(hours * HOUR_NS)
    budget = {"tenant": "acme", "limit": 10, "window": window}
    inside, outside = (call(id, dollars, at, tenant_id="acme") for id, dollars, at in
                       (("1", "4", begun_ns), ("2", "5", begun_ns - 1)))  # fmt: skip
    (state,) = states_of(tmp_path, [budget], inside, outside, call("3", "1", tenant_id="other"))
    assert (state.spent, state.since_ns) == (4, begun_ns)
    assert datetime.fromtimestamp(state.until_ns / 1e9, UTC).isoformat().startswith(ends)


def test_a_star_gives_each_a_limit_of_its_own_and_a_pattern_one_to_all(tmp_path: Path) -> None:
    given = [{"tenant": "*", "limit": 10}, {"agent": "a*", "limit": "6.5", "window": "hour"}]
    states = states_of(
        tmp_path, given, call("1", "8", tenant_id="x", agent_id="a1"), call("2", "1", tenant_id="y", agent_id="a2"),
        call("3", "1", agent_id="b"),
    )  # fmt: skip
    assert [(each.scope, each.spent, each.level) for each in states] == [
        ({"agent": "a*"}, 9, 100),
        ({"tenant": "x"}, 8, 80),
        ({"tenant": "y"}, 1, 0),
    ]


def test_a_model_is_meant_with_its_dated_names_and_scopes_may_be_combined(tmp_path: Path) -> None:
    given = [{"model": "gpt-4o", "tenant": "t", "limit": 1}, {"model": "gpt-4o-mini", "limit": 1}]
    states = states_of(tmp_path, given, call("1", "2", tenant_id="t"), call("2", "5", tenant_id="u"))
    assert [each.spent for each in states] == [2, 0]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"tenant": "a"}, "limit = None"),
        ({"tenant": "a", "limit": 0}, "above 0"),
        ({"limit": 3}, "whose it is"),
        ({"tenant": "a", "limit": 1, "window": "week"}, "say hour, day, month"),
        ({"tenant": "a", "limit": 1, "on_exceeded": "stop"}, "warn or raise"),
        ({"tenants": "a", "limit": 1}, "no 'tenants'"),
        (3, "say a table"),
    ],
)
def test_a_budget_that_cannot_be_kept_to_is_said_and_the_others_hold(
    given: Any, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "agent_trace"):
        (budget,) = read_budgets([given, {"agent": "fine", "limit": 1}])
    assert budget == Budget(None, "fine", None, Decimal(1), "day")
    assert said in caplog.text


def test_budgets_come_from_a_file_or_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = '[[{}budgets]]\ntenant = "acme"\nlimit = 0.1\nwindow = "7d"\non_exceeded = "raise"\n'
    expected = (Budget("acme", None, None, Decimal("0.1"), "7d", "raise"),)
    (tmp_path / "pyproject.toml").write_text(text.format("tool.agent_trace."))
    (tmp_path / "limits.toml").write_text(text.format(""))
    assert read_budgets(load(cwd=tmp_path).budgets) == expected
    monkeypatch.setenv("AGENT_TRACE_BUDGETS", "limits.toml")
    assert read_budgets(load(cwd=tmp_path).budgets) == expected
    assert make_gate(load({"budgets": None}, cwd=tmp_path)) is None


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Callable[..., watching.Watcher]]:
    made = []

    def make(budget: dict[str, Any]) -> watching.Watcher:
        made.append(watching.Watcher(tmp_path, read_budgets([budget])))
        return made[-1]

    yield make
    watching._callbacks.clear()
    for watcher in made:
        watcher.let_go()


def test_each_level_is_said_once_in_the_log_and_to_the_callback(
    tmp_path: Path, watched: Callable[..., watching.Watcher], caplog: pytest.LogCaptureFixture
) -> None:
    told: list[tuple[int, Decimal]] = []
    watching.on_budget_change(lambda state: 1 / 0)
    watching.on_budget_change(lambda state: told.append((state.level, state.spent)))
    watcher = watched({"tenant": "acme", "limit": 10, "window": "366d"})
    spent = ("7.99", "0.01", "1.5", "0.5", "3")
    for number, dollars in enumerate(spent):
        write_segment(
            tmp_path, [call(str(number + 1), dollars, time.time_ns(), tenant_id="acme")], started_s=number
        )
        watcher._pass()
        watcher._pass()
    assert told == [(80, Decimal("8.00")), (100, Decimal("10"))]
    lines = [each.message for each in caplog.records if "budget" in each.message]
    assert len(lines) == 2
    assert "tenant acme has spent 80 % of its budget: $8.0" in lines[0]
    assert [each.spent for each in read_states(tmp_path)] == [13]


def test_one_of_several_watchers_does_the_work_and_the_next_takes_over(
    tmp_path: Path, watched: Callable[..., watching.Watcher]
) -> None:
    budget = {"tenant": "acme", "limit": 1, "window": "366d"}
    write_segment(tmp_path, [call("1", "2", time.time_ns(), tenant_id="acme")])
    first, second = watched(budget), watched(budget)
    assert (first._leads(), second._leads()) == (True, False)
    first.let_go()
    assert second._leads()


def test_a_forked_child_does_not_keep_the_lock_when_its_parent_is_gone(
    tmp_path: Path, watched: Callable[..., watching.Watcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = {"tenant": "acme", "limit": 1}
    write_segment(tmp_path, [call("1", "2")])
    first, second = watched(budget), watched(budget)
    assert first._leads()
    monkeypatch.setitem(watching._watchers, tmp_path, first)
    child = os.fork()
    if child == 0:
        time.sleep(20)
        os._exit(0)
    first.let_go()
    end_s = time.monotonic() + 5
    while not (leads := second._leads()) and time.monotonic() < end_s:
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert leads


def gate_with(directory: Path, *states: BudgetState, monkeypatch: pytest.MonkeyPatch) -> Gate:
    monkeypatch.setattr("agent_trace.spending.gate.watch", lambda *_: None)
    directory.mkdir(exist_ok=True)
    write_states(directory, states)
    return Gate(load({"directory": str(directory)}), ())


class FakeSpan:
    type = "generation"

    def __init__(self, model: str | None = None, **scope: str) -> None:
        self.model, self.scope = model, scope


def state(until_s: float = 60.0, on_exceeded: Any = "raise", spent: int = 10, **scope: str) -> BudgetState:
    until_ns = time.time_ns() + int(until_s * 1e9)
    return BudgetState(scope, Decimal(10), Decimal(spent), 0, "day", 0, until_ns, on_exceeded)


def test_the_gate_stops_what_asks_a_model_for_a_spent_scope_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = (
        state(tenant="acme"),
        state(agent="a*", model="gpt-4o"),
        state(tenant="warned", on_exceeded="warn"),
    )
    gate: Any = gate_with(tmp_path, *closed, state(tenant="half", spent=9), monkeypatch=monkeypatch)
    refused = gate(FakeSpan(tenant_id="acme"))
    assert isinstance(refused, BudgetExceeded)
    assert "the budget of tenant acme is spent: $10 of $10" in str(refused)
    assert gate(FakeSpan("gpt-4o-2024-08-06", agent_id="analyst")) is not None
    for other in (
        FakeSpan(), FakeSpan(tenant_id="half"), FakeSpan(tenant_id="warned"), FakeSpan("gpt-4o", agent_id="b"),
        FakeSpan("o3", agent_id="analyst"),
    ):  # fmt: skip
        assert gate(other) is None
    span = FakeSpan(tenant_id="acme")
    for span.type, stopped in (("embedding", True), ("retriever", False), ("tool", False)):
        assert (gate(span) is not None) == stopped


def test_the_gate_opens_when_the_window_ends_though_nobody_watches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate: Any = gate_with(tmp_path, state(until_s=-1, tenant="acme"), monkeypatch=monkeypatch)
    assert gate(FakeSpan(tenant_id="acme")) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"states": [{}]}', b"\x00" * 9])
def test_a_damaged_file_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    gate: Any = gate_with(tmp_path, state(tenant="acme"), monkeypatch=monkeypatch)
    (tmp_path / "budgets.json").write_bytes(content)
    assert gate(FakeSpan(tenant_id="acme")) is None
