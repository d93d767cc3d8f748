"""Promises of answers about what many have in common: however they are come upon, they are the same."""

import random
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from agent_trace.store import Filter, Store, agent_queries, planning, queries, signal_queries, totals
from tests.store.test_store_bad_days import BEFORE_PROFILES, fill
from tests.store.test_store_overviews import HOUR_NS, compare
from tests.support.segments import START_NS, record, write_segment

OF_ONE_THING = [
    Filter(agent="a"),
    Filter(tenant="t"),
    Filter(session="a"),
    Filter(model="gpt-4o"),
    Filter(session="b", status="ok"),
    Filter(session="a", since_ns=START_NS),
    Filter(tenant="u", signal="buy"),
    Filter(tenant="t", since_ns=START_NS - HOUR_NS, until_ns=START_NS + 30 * HOUR_NS),
    Filter(tag="x"),
    Filter(tag="x", model="gpt-4o"),
    Filter(tag="x", signal="buy"),
    Filter(tag="x", signal="buy", tenant="t"),
    Filter(tag="x", signal="sell", session="a"),
    Filter(tag="x", type="agent", since_ns=START_NS),
    Filter(signal="sell", model="house", agent="b"),
    Filter(until_ns=START_NS),
    Filter(model="gpt-4o", until_ns=START_NS),
    Filter(agent="a", type="generation", since_ns=START_NS - 30 * HOUR_NS, until_ns=START_NS + HOUR_NS),
    Filter(since_ns=START_NS - 30 * HOUR_NS, until_ns=START_NS + 7 * HOUR_NS),
]


@pytest.mark.parametrize("where", OF_ONE_THING, ids=str)
def test_what_is_too_much_to_be_looked_at_one_by_one_is_answered_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: Filter
) -> None:
    for module in (planning, signal_queries, totals):
        monkeypatch.setattr(module, "FEW", 0)
    monkeypatch.setattr(queries, "_LOOKED_INTO", 3)
    monkeypatch.setattr(agent_queries, "_LATELY_SEEN", 1)
    write_segment(tmp_path, [call_of(number, random.Random(number)) for number in range(60)])
    with Store(tmp_path) as store:
        compare(store, where)
        if where.since_ns is where.until_ns is None:
            found = {row.trace_id for row in store.traces(where, limit=100)}
            assert found == {each.trace_id for each in store.observations(where)}
        asked = {row.keys: row for row in store.costs(where, by=("day", "agent"), idle=True)}
        slowly = store.costs(where, by=("day", "agent", "session"), idle=True)
        assert set(asked) == {row.keys[:2] for row in slowly}
        for keys, row in asked.items():
            assert row.calls == sum(each.calls for each in slowly if each.keys[:2] == keys)


def call_of(number: int, chance: random.Random) -> dict[str, Any]:
    """One of many observations, which have nothing in common more often than by chance."""
    name = chance.choice
    return record(
        trace_id=f"{number // 3 + 1:x}",
        id=f"{number + 1:x}",
        type=name(["agent", "generation"]),
        start_ns=START_NS + chance.randint(-60, 60) * HOUR_NS,
        model=name(["gpt-4o", "house"]),
        usage=name([None, {"input": 7}]),
        signal=name([None, {"action": "Buy"}, {"action": "sell"}]),
        tags=name([None, ["x"], ["x", "y"]]),
        level=name(["DEFAULT", "ERROR"]),
        end_ns=START_NS + 70 * HOUR_NS if number % 5 else None,
        tenant_id=name(["t", "u", None]),
        **{each: name(["a", "b", None]) for each in ("agent_id", "agent_name", "session_id")},
    )


def test_names_are_offered_by_how_often_they_occur_and_actions_whatever_their_case(tmp_path: Path) -> None:
    def given(number: int, name: str, action: str) -> dict[str, Any]:
        named = dict.fromkeys(("name", "agent_id", "tenant_id", "model", "type", "session_id"), name)
        return record(id=f"{number:x}", **named, signal={"action": action}, start_ns=START_NS + number)

    said = [("b", "buy"), ("b", "Buy"), ("a", "SELL"), ("b", "sell"), ("c", "BUY"), ("a", "hold")]
    write_segment(tmp_path, [given(number, *each) for number, each in enumerate(said, 1)])
    with Store(tmp_path) as store:
        names = store.names()
    assert names.signals == ["BUY", "SELL", "HOLD"]
    assert names.sessions == ["a", "c", "b"]
    for kind in (names.agents, names.tenants, names.models, names.types, names.names):
        assert kind == ["b", "a", "c"]


def test_an_index_from_before_those_of_profiles_gets_them_and_keeps_its_rows(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path, segments=1, records=5)
    with Store(tmp_path) as store:
        store.search("word")
    path = tmp_path / "index.sqlite"
    with sqlite3.connect(path) as connection:
        made = (
            "SELECT name FROM sqlite_schema WHERE type = 'index' AND name LIKE 'profiles_by%' ORDER BY name"
        )
        indexes = [name for (name,) in connection.execute(made)]
        for condition in ("agent_id = 'a' OR agent_name = 'a'", "tenant_id = 'a'"):
            plan = connection.execute(
                f"EXPLAIN QUERY PLAN SELECT observations FROM profiles WHERE {condition}"
            )
            assert "SCAN" not in str(plan.fetchall())
        dropped = "; ".join(f"DROP INDEX {name}" for name in indexes)
        connection.executescript(
            f"{dropped}; DROP TABLE tag_profiles; PRAGMA user_version = {BEFORE_PROFILES}"
        )
        # Were the journal read again, this would go.
        connection.execute("UPDATE segments SET torn = 7")
        connection.commit()
        with Store(tmp_path) as store:
            assert len(store.traces()) == 5
        assert indexes and [name for (name,) in connection.execute(made)] == indexes
        assert connection.execute("SELECT torn FROM segments").fetchone() == (7,)
    connection.close()
    assert "rebuilt" not in caplog.text
