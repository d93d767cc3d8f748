"""Promises of what agents did in some time: wherever in a day it begins and ends, it is what the observations add up to."""

import random

import pytest

from agent_trace.store import Filter, Store, agent_queries
from agent_trace.store.spans import NS_A_DAY
from tests.store.test_store_overviews import agent_of, compare_agent
from tests.support.segments import START_NS, record, write_segment

HOUR_NS = 3_600_000_000_000
MIDNIGHT_NS = START_NS // NS_A_DAY * NS_A_DAY
HOURS = (None, -24, -1, 0, 1, 11, 12, 13, 23, 24, 30, 47, 48, 61, 96)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    chance = random.Random(6)
    made = [
        record(
            trace_id=f"{number // 3 + 1:x}",
            id=f"{number + 1:x}",
            type=chance.choice(["agent", "generation", "generation", "span"]),
            start_ns=(start_ns := MIDNIGHT_NS + chance.randint(-6, 76) * HOUR_NS),
            end_ns=start_ns + chance.randint(0, 10**10) if number % 7 else None,
            model=chance.choice(["gpt-4o", "house", None]),
            usage=chance.choice([None, {"input": 7}, {"output": 3, "audio": 2}]),
            level=chance.choice(["DEFAULT", "ERROR"]),
            signal=chance.choice([None, {"action": "BUY"}]),
            agent_id=chance.choice(["a", "b", "c", None, ""]),
            agent_name=chance.choice(["a", "d", None]),
        )
        for number in range(160)
    ]
    # Alone in a part of a day that is taken away again.
    made.append(record(trace_id="fff", id="fff", agent_id="once", start_ns=MIDNIGHT_NS + 2 * HOUR_NS))
    directory = tmp_path_factory.mktemp("store")
    write_segment(directory, made)
    opened = Store(directory)
    opened.refresh()
    return opened


@pytest.mark.parametrize("since", HOURS)
def test_agents_of_any_time_are_what_the_observations_add_up_to(store: Store, since: int | None) -> None:
    for until in HOURS:
        since_ns, until_ns = (
            None if each is None else MIDNIGHT_NS + each * HOUR_NS for each in (since, until)
        )
        where = Filter(since_ns=since_ns, until_ns=until_ns)
        fitting = list(store.observations(where, refresh=False))
        found = {row.agent: row for row in store.agents(where, refresh=False)}
        assert set(found) == {agent_of(each) for each in fitting} - {None}
        for agent, row in found.items():
            compare_agent(row, [each for each in fitting if agent_of(each) == agent], store)


def test_agents_who_gave_a_signal_are_what_its_observations_add_up_to(store: Store) -> None:
    where = Filter(signal="buy", since_ns=MIDNIGHT_NS)
    fitting = list(store.observations(where))
    found = {row.agent: row for row in store.agents(where)}
    assert set(found) == {agent_of(each) for each in fitting} - {None}
    for agent, row in found.items():
        compare_agent(row, [each for each in fitting if agent_of(each) == agent], store)


@pytest.mark.parametrize(
    ("hours", "reads"), [((1, 47), 2), ((0, 48), 0), ((13, 72), 1), ((None, 30), 1), ((5, 20), 1)]
)
def test_each_end_of_a_time_is_read_once_and_never_more_than_half_a_day(
    store: Store, monkeypatch: pytest.MonkeyPatch, hours: tuple[int | None, int], reads: int
) -> None:
    asked: list[Filter] = []
    ask = agent_queries.done
    monkeypatch.setattr(
        agent_queries, "done", lambda connection, it: asked.append(it.where) or ask(connection, it)
    )
    since_ns, until_ns = (None if each is None else MIDNIGHT_NS + each * HOUR_NS for each in hours)
    statements: list[str] = []
    store._index.connection.set_trace_callback(statements.append)
    store.agents(Filter(since_ns=since_ns, until_ns=until_ns), refresh=False)
    store._index.connection.set_trace_callback(None)
    assert len(asked) == reads
    assert len([each for each in statements if "FROM observations AS o WHERE" in each]) == reads
    if hours != (5, 20):
        assert all((each.until_ns or 0) - (each.since_ns or 0) <= NS_A_DAY // 2 for each in asked)
