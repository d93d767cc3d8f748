"""Promises of what an open store answered before: it is not worked out again, and never told when it is no longer true."""

from pathlib import Path

import pytest

from agent_trace.store import Filter, Store, liveness, planning, refresh
from agent_trace.store.recalling import Recalled
from tests.store.test_store_common_words import as_common
from tests.support.segments import START_NS, record, write_segment

TRACE = f"{1:032x}"


def signals_of(store: Store) -> dict[str, int]:
    return {row.agent: row.signals["BUY"] for row in store.agents(refresh=False)}


def call(id: str) -> dict[str, object]:
    return record(id=id, type="agent", agent_id="a", signal={"action": "BUY"})


def test_agents_and_a_trace_that_are_asked_for_again_are_not_read_again(tmp_path: Path) -> None:
    write_segment(tmp_path, [call("1"), call("2")])
    with Store(tmp_path) as store:
        first = store.agents(), store.outline(TRACE)
        queries: list[str] = []
        store._index.connection.set_trace_callback(queries.append)
        assert (store.agents(), store.outline(TRACE)) == first
    assert queries and not [each for each in queries if "agent_took" in each or "parent_id" in each]


def test_what_another_process_brought_or_took_away_is_in_the_next_answer(tmp_path: Path) -> None:
    write_segment(tmp_path, [call("1")], started_s=1)
    with Store(tmp_path) as store, Store(tmp_path) as another:
        store.refresh()
        assert signals_of(store) == {"a": 1} and len(store.outline(TRACE).entries) == 1
        later = write_segment(tmp_path, [call("2")], started_s=2)
        another.refresh()
        assert signals_of(store) == {"a": 2} and len(store.outline(TRACE).entries) == 2
        later.unlink()
        another.refresh()
        assert signals_of(store) == {"a": 1} and len(store.outline(TRACE).entries) == 1


def test_a_store_that_was_closed_meanwhile_recalls_nothing(tmp_path: Path) -> None:
    write_segment(tmp_path, [call("1")], started_s=1)
    with Store(tmp_path) as store:
        store.refresh()
        store.close()
        # As often as a connection is opened anew, it counts from the beginning.
        assert len(store.outline(TRACE).entries) == 1
        store.close()
        write_segment(tmp_path, [call("2")], started_s=2)
        with Store(tmp_path) as another:
            another.refresh()
        assert len(store.outline(TRACE).entries) == 2


def test_whether_a_trace_is_still_running_is_looked_up_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_segment(tmp_path, [record("opened", type="agent")])
    for module in (refresh, liveness):
        monkeypatch.setattr(module, "is_live", lambda path: True)
    with Store(tmp_path) as store:
        assert store.outline(TRACE).row.status == "running"
        monkeypatch.setattr(liveness, "is_live", lambda path: False)
        assert store.outline(TRACE).row.status == "interrupted"
        assert store.traces(Filter(status="interrupted"), refresh=False)


def test_what_is_asked_again_and_again_stays_and_the_rest_goes() -> None:
    recalled, asked = Recalled(most=2), list[str]()

    def ask(question: str) -> None:
        recalled.get(1, question, lambda: asked.append(question))

    for once in ("x", "y", "z"):
        ask("always")
        ask(once)
    ask("x")
    assert asked == ["always", "x", "y", "z", "x"]


def test_the_same_common_text_asked_with_something_else_is_looked_for_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_common(monkeypatch, most=2, most_looked_at=200)
    monkeypatch.setattr(planning, "FEW", 0)
    agents = ["a", "b", "b", "c", "c", "c"]
    write_segment(
        tmp_path,
        [
            record(trace_id=f"{n:x}", id=f"{n:x}", output="rise", agent_id=agent, start_ns=START_NS)
            for n, agent in enumerate(agents, 1)
        ],
    )
    with Store(tmp_path) as store:
        for agent, count in ((None, 6), ("b", 2), ("a", 1), ("c", 3), (None, 6)):
            where = Filter(text="rise", agent=agent)
            assert store.totals(where).traces == len(store.traces(where)) == count
