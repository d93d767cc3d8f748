"""Promises of totals, sessions, agents, names and sums: whatever is asked, they are what the observations add up to."""

import math
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_trace.observation import Observation
from agent_trace.store import AgentRow, Filter, SessionRow, Store, TraceRow
from agent_trace.store.overviews import PERCENTILE_ERROR
from tests.support.segments import START_NS, record, write_segment
from tests.support.stores import content, rebuilt, total_of

HOUR_NS = 3_600_000_000_000
NAMES = st.none() | st.sampled_from(["a", "b"])
TRACES = st.sampled_from(["1", "2", "3"])
IDS = st.sampled_from(["a", "b", "c", "d"])
STARTS = st.integers(-60, 60).map(lambda hours: START_NS + hours * HOUR_NS)
USAGE = st.sampled_from([None, {"input": 10}, {"input": 7, "output": 5, "audio_input": 3}])
SIGNALS = st.none() | st.builds(lambda action: {"action": action}, st.sampled_from(["BUY", "sell", "Buy"]))
OBSERVATIONS = st.builds(
    lambda took, **fields: record(**fields, end_ns=None if took is None else fields["start_ns"] + took),
    took=st.none() | st.integers(0, 10**12),
    trace_id=TRACES,
    id=IDS,
    parent_id=st.none() | IDS,
    type=st.sampled_from(["span", "generation", "agent"]),
    name=st.sampled_from(["work", "play"]),
    start_ns=STARTS,
    level=st.sampled_from(["DEFAULT", "ERROR"]),
    agent_id=NAMES,
    agent_name=NAMES,
    tenant_id=NAMES,
    session_id=NAMES,
    user_id=NAMES,
    model=st.sampled_from([None, "gpt-4o", "house"]),
    usage=USAGE,
    signal=SIGNALS,
    tags=st.none() | st.just(["t"]),
)
OPENINGS = st.builds(
    record,
    kind=st.just("opened"),
    trace_id=TRACES,
    id=IDS,
    type=st.just("agent"),
    start_ns=STARTS,
    agent_id=NAMES,
    session_id=NAMES,
    tenant_id=NAMES,
)
AMENDMENTS = st.builds(
    record,
    kind=st.just("amendment"),
    trace_id=TRACES,
    id=IDS,
    at_ns=STARTS,
    level=st.none() | st.just("ERROR"),
    agent_id=NAMES,
    signal=SIGNALS,
    session_id=NAMES,
)
RECORDS = st.lists(OBSERVATIONS | OBSERVATIONS | OPENINGS | AMENDMENTS, min_size=1, max_size=12)


def once(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each observation finished and opened at most once: what a journal holds."""
    found: dict[object, dict[str, Any]] = {}
    for each in records:
        is_amendment = each["kind"] == "amendment"
        found.setdefault(id(each) if is_amendment else (each["kind"], each["trace_id"], each["id"]), each)
    return list(found.values())


FILTERS = st.builds(
    Filter,
    agent=NAMES,
    tenant=NAMES,
    session=st.none() | st.none() | NAMES,
    user=st.none() | st.none() | NAMES,
    type=st.none() | st.none() | st.sampled_from(["generation", "agent"]),
    level=st.none() | st.none() | st.just("error"),
    name=st.none() | st.none() | st.just("play"),
    model=st.none() | st.none() | st.just("gpt-4o"),
    tag=st.none() | st.none() | st.just("t"),
    signal=st.none() | st.none() | st.just("buy"),
    since_ns=st.none() | STARTS,
    until_ns=st.none() | STARTS,
    min_cost=st.none() | st.none() | st.just(Decimal("0.00003")),
    min_duration_s=st.none() | st.none() | st.just(50),
    text=st.none() | st.none() | st.just("play"),
    status=st.none() | st.none() | st.sampled_from(["ok", "error", "interrupted", "running"]),
)


@settings(max_examples=120, deadline=None)
@given(RECORDS, FILTERS, st.integers(1, 4), st.booleans(), st.randoms(use_true_random=False))
def test_every_answer_is_what_the_observations_add_up_to(
    records: list[dict[str, Any]], where: Filter, parts: int, is_evicted: bool, chance: random.Random
) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        lines = once(records)
        chance.shuffle(lines)
        with arrived([lines[n::parts] for n in range(parts)], directory, chance) as store:
            compare(store, Filter())
            compare(store, where)
            found = content(store)
            # What a lost amendment said of others stays said.
            lost = [
                path for path in (directory / "segments").iterdir() if b'"amendment"' not in path.read_bytes()
            ]
            if is_evicted and lost:
                min(lost).unlink()
                compare(store, Filter())
                compare(store, where)
                return
        # What a lost segment said of others is not looked for again: only then do sums depend on what came when.
        again = rebuilt(directory)
        assert {key: found[key] for key in SUMMED} == {key: again[key] for key in SUMMED}


SUMMED = ("profiles", "sessions", "session_traces", "session_rarely", "name_days", "agent_took", "trace_days")


def arrived(portions: list[list[dict[str, Any]]], directory: Path, chance: random.Random) -> Store:
    """A store whose segments came one after the other in any order, each read before the next one was there."""
    order = list(enumerate(portions))
    chance.shuffle(order)
    store = None
    for number, portion in order:
        write_segment(directory, portion, started_s=number)
        store = store or Store(directory)
        store.refresh()
    assert store is not None
    return store


def compare(store: Store, where: Filter) -> None:
    everything = list(store.observations())
    fitting = list(store.observations(where))
    rows = pages(lambda before: store.traces(where, limit=2, before=before))
    assert store.totals(where) == total_of(rows)
    found = {row.agent: row for row in store.agents(where)}
    assert set(found) == {agent_of(each) for each in fitting} - {None}
    for agent, row in found.items():
        compare_agent(row, [each for each in fitting if agent_of(each) == agent], store)
    compare_sessions(store, where, everything, fitting)
    compare_costs(store, where)
    compare_signals(store, where, fitting)


def pages(page: Callable[[TraceRow | None], list[TraceRow]]) -> list[TraceRow]:
    rows: list[TraceRow] = []
    while more := page(rows[-1] if rows else None):
        rows += more
    return rows


def agent_of(observation: Observation) -> str | None:
    return observation.agent_id or observation.agent_name or None


def tokens_of(observations: list[Observation]) -> int:
    return sum(sum((each.usage or {}).values()) for each in observations)


def cost_of(observations: list[Observation]) -> Decimal | None:
    costs = [each.total_cost for each in observations if each.total_cost is not None]
    return sum(costs, Decimal(0)) if costs else None


def compare_agent(row: AgentRow, done: list[Observation], store: Store) -> None:
    calls = [each for each in done if each.type == "agent"] or [
        each for each in done if each.type == "generation"
    ]
    assert (row.calls, row.observations) == (len(calls), len(done))
    assert row.errors == sum(each.level == "ERROR" for each in done)
    assert (row.tokens, row.cost) == (tokens_of(done), cost_of(done))
    assert row.unpriced == sum(bool(each.usage) and each.total_cost is None for each in done)
    assert row.last_ns == max(each.start_ns for each in done)
    times = sorted(each.duration_ns for each in calls if each.duration_ns is not None)
    for share, given_ns in ((0.5, row.p50_ns), (0.95, row.p95_ns), (0.99, row.p99_ns)):
        if not times:
            assert given_ns is None
            continue
        assert given_ns is not None
        true_ns = times[max(math.ceil(share * len(times)), 1) - 1]
        assert abs(given_ns - true_ns) <= PERCENTILE_ERROR * true_ns + 1
    assert row.signals == actions_of(store, done)


def actions_of(store: Store, done: list[Observation]) -> dict[str, int]:
    keys = {(each.trace_id, each.id) for each in done}
    given = Counter(row.action for row in store.signals() if (row.trace_id, row.id) in keys)
    return dict(sorted(given.items(), key=lambda each: (-each[1], each[0])))


def compare_sessions(
    store: Store, where: Filter, everything: list[Observation], fitting: list[Observation]
) -> None:
    rows: list[SessionRow] = []
    while page := store.sessions(
        where, limit=1, before_key=(rows[-1].last_ns, rows[-1].session_id) if rows else None
    ):
        rows += page
    assert rows == sorted(rows, key=lambda row: (row.last_ns, row.session_id), reverse=True)
    for row in rows:
        done = [each for each in everything if each.session_id == row.session_id]
        assert (row.first_ns, row.last_ns) == (
            min(each.start_ns for each in done),
            max(each.start_ns for each in done),
        )
        assert row.traces == len({each.trace_id for each in done})
        assert row.observations == len(done)
        assert row.generations == sum(each.type == "generation" for each in done)
        assert row.errors == sum(each.level == "ERROR" for each in done)
        assert (row.tokens, row.cost) == (tokens_of(done), cost_of(done))
        assert row.unpriced == sum(bool(each.usage) and each.total_cost is None for each in done)
        assert row.agents == sorted({agent_of(each) or "" for each in done} - {""})
        assert row.tenants == sorted({each.tenant_id for each in done if each.tenant_id})
        assert row.signals == actions_of(store, done)
    without_bounds = where.since_ns is where.until_ns is where.min_cost is where.min_duration_s is None
    if without_bounds:
        ids = {each.session_id for each in fitting} - {None}
        assert {row.session_id for row in rows} == ids


def compare_costs(store: Store, where: Filter) -> None:
    """Whichever keys are asked for, the sums are those over the observations: as by type, which none are kept for."""
    for by in ("agent", "tenant", "model", "session", "day"):
        asked = store.costs(where, by=by, idle=True)
        slowly = store.costs(where, by=(by, "session", "day"), idle=True)
        sums: dict[str, list[Any]] = {}
        for row in slowly:
            sums.setdefault(row.key, []).append(row)
        assert {row.key for row in asked} == set(sums)
        for row in asked:
            same = sums[row.key]
            assert row.calls == sum(each.calls for each in same)
            assert row.invocations == sum(each.invocations for each in same)
            assert row.unpriced == sum(each.unpriced for each in same)
            totals = [each.total for each in same if each.total is not None]
            assert row.total == (sum(totals, Decimal(0)) if totals else None)
            tokens: Counter[str] = Counter()
            for each in same:
                tokens.update(each.tokens)
            assert row.tokens == dict(tokens)
        assert asked[:1] == store.costs(where, by=by, idle=True, limit=1)


def compare_signals(store: Store, where: Filter, fitting: list[Observation]) -> None:
    keys = {(each.trace_id, each.id) for each in fitting}
    expected = [
        row
        for row in store.signals()
        if (row.trace_id, row.id) in keys
        and (where.signal is None or row.action.lower() == where.signal.lower())
    ]
    assert store.signals(where) == expected
    rows: list[Any] = []
    while page := store.signals(
        where, limit=1, newest_first=True, before_key=(rows[-1].at_ns, rows[-1].id) if rows else None
    ):
        rows += page
    assert rows == expected[::-1]


@pytest.mark.parametrize("text", ["play", "work"])
def test_text_in_a_filter_means_what_a_search_finds(tmp_path: Path, text: str) -> None:
    write_segment(
        tmp_path,
        [
            record(trace_id="1", id="a", name="work", input="a play on words"),
            record(trace_id="2", id="b", name="work"),
            record("amendment", trace_id="2", id="b", metadata={"said": "play on"}),
            record(trace_id="3", id="c", name="rest"),
        ],
    )
    with Store(tmp_path) as store:
        searched = {match.observation.trace_id for match in store.search(text)}
        assert {row.trace_id for row in store.traces(Filter(text=text))} == searched
        assert {each.trace_id for each in store.observations(Filter(text=text))} == searched
        assert {row.trace_id[-1] for row in store.traces(Filter(text='"play on"'))} == {"2", "1"}
        assert store.traces(Filter(text='"on play"')) == []
        assert store.traces(Filter(text="?!")) == []
