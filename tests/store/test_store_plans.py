"""Promises of how an answer is come upon: what many observations have in common is not looked up one by one."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agent_trace.store import Filter, Store, planning, queries
from tests.support.segments import START_NS, record, write_segment

READS_ROWS = (
    "SEARCH o USING INTEGER PRIMARY KEY",
    "observations_by_trace",
    "observations_by_start",
    "SCAN o",
)
"""What the plan of a query says that reads rows of observations."""


def plans_of(store: Store, question: Callable[[], object], about: str) -> str:
    """How SQLite goes about the queries of a question that mention `about`."""
    asked: list[str] = []
    connection = store._index.connection
    connection.set_trace_callback(asked.append)
    question()
    connection.set_trace_callback(None)
    plans = [connection.execute(f"EXPLAIN QUERY PLAN {each}").fetchall() for each in asked if about in each]
    assert plans
    return "\n".join(step[-1] for plan in plans for step in plan)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = [
        record(
            trace_id=f"{number:x}",
            id=f"{number:x}",
            type="agent" if number % 2 else "generation",
            model=None if number % 2 else "gpt-4o",
            signal={"action": "BUY"} if number % 2 else None,
            tags=["t"] if number % 2 and number > 4 else None,
            agent_id="a",
            tenant_id="u" if number < 8 else None,
            session_id="s" if number != 5 else None,
            start_ns=START_NS + number,
        )
        for number in range(1, 21)
    ]
    write_segment(tmp_path, made)
    opened = Store(tmp_path)
    opened.refresh()
    return opened


@pytest.mark.parametrize("where", [Filter(agent="a"), Filter(model="gpt-4o", until_ns=START_NS + 9)], ids=str)
def test_agents_of_what_profiles_tell_are_summed_without_reading_a_row(store: Store, where: Filter) -> None:
    plan = plans_of(store, lambda: store.agents(where, refresh=False), "observations AS o")
    assert "COVERING INDEX observations_by_profile" in plan
    assert not [each for each in READS_ROWS if each in plan]


def test_traces_of_what_profiles_tell_are_picked_out_without_reading_a_row(store: Store) -> None:
    where = Filter(model="gpt-4o", level="DEFAULT")
    plan = plans_of(store, lambda: store.traces(where, refresh=False), "t.number IN")
    assert "COVERING INDEX observations_by_profile" in plan
    assert not [each for each in READS_ROWS if each in plan]


def test_of_a_signal_and_a_profile_that_many_have_and_none_has_both_nothing_is_looked_into(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "FEW", 5)
    where = Filter(signal="buy", model="gpt-4o")
    for ask in (store.traces, store.sessions):
        found = plans_of(store, lambda ask=ask: ask(where, refresh=False), "observations AS o")  # type: ignore[misc]
        assert "signals_by_action" in found
        assert "observations_by_trace" not in found


def test_of_a_signal_and_a_profile_that_few_have_together_all_else_is_asked_as_well(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "FEW", 5)
    both = Filter(signal="buy", tenant="u")
    for where, count in ((both, 4), (replace(both, tag="t"), 2), (replace(both, tag="t", session="s"), 1)):
        plan = plans_of(store, lambda asked=where: store.traces(asked, refresh=False), "t.number IN")  # type: ignore[misc]
        # Who has the tag besides is told by fewer profiles than gave the signal.
        assert ("signals_by_action" in plan) == (where.tag is None)
        found = {row.trace_id for row in store.traces(where)}
        assert found == {each.trace_id for each in store.observations(where)}
        assert len(found) == count


@pytest.mark.parametrize("other", [{"type": "agent"}, {"signal": "buy"}], ids=str)
def test_of_a_tag_and_something_else_that_many_have_only_the_newest_traces_are_looked_into(
    store: Store, monkeypatch: pytest.MonkeyPatch, other: dict[str, str]
) -> None:
    monkeypatch.setattr(planning, "FEW", 5)
    monkeypatch.setattr(queries, "_LOOKED_INTO", 5)
    where = Filter(tag="t", **other)  # type: ignore[arg-type]
    plan = plans_of(store, lambda: store.traces(where, refresh=False), "t.number IN")
    assert "SEARCH o USING INTEGER PRIMARY KEY" not in plan
    assert {row.trace_id for row in store.traces(where)} == {
        each.trace_id for each in store.observations(where)
    }
    monkeypatch.setattr(queries, "_LOOKED_INTO", 20)
    with pytest.raises(AssertionError):
        plans_of(store, lambda: store.traces(where, refresh=False), "t.number IN")


def test_the_newest_that_are_looked_into_begin_where_anything_has_both(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "FEW", 5)
    monkeypatch.setattr(queries, "_LOOKED_INTO", 1)
    asked: list[str] = []
    store._index.connection.set_trace_callback(asked.append)
    store.traces(Filter(tag="t", type="agent"), refresh=False)
    # The last trace of all has no agent: the one before it is the first, and one more is looked into.
    assert [each for each in asked if f"+t.start_ns >= {START_NS + 18} AND EXISTS" in each]


def test_of_a_tag_and_a_profile_that_many_have_and_none_has_both_nothing_is_looked_into(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "FEW", 5)
    where = Filter(tag="t", model="gpt-4o")
    plan = plans_of(store, lambda: store.traces(where, refresh=False), "t.number IN")
    assert "tag_profiles" in plan
    assert "observations_by_trace" not in plan and "SEARCH o USING INTEGER PRIMARY KEY" not in plan
    assert store.traces(where) == []


def test_costs_of_tenants_are_added_up_in_the_order_in_which_the_sums_lie(store: Store) -> None:
    where = Filter(model="gpt-4o", since_ns=START_NS - 9 * 10**14)
    plan = plans_of(store, lambda: store.costs(where, by="tenant", refresh=False), "FROM spent_daily")
    # Once for all parts together, and not once more for the days.
    assert plan.count("USE TEMP B-TREE FOR GROUP BY") == 1
    asked = plans_of(store, lambda: store.costs(where, by="tenant", refresh=False), "GROUP BY span, tenant")
    assert "spent_daily USING PRIMARY KEY" in asked


def test_profiles_of_agents_among_the_last_observations_are_not_gone_through(store: Store) -> None:
    asked: list[str] = []
    store._index.connection.set_trace_callback(asked.append)
    (row,) = store.agents(Filter(until_ns=START_NS + 9), refresh=False)
    assert row.last_ns == START_NS + 8
    assert [each for each in asked if "NOT IN (SELECT value FROM json_each('[\"a\"]'))" in each]
