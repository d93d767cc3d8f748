"""Promises of the ingest: whatever order records arrive in, whatever is broken among them."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_trace.store import Store
from tests.support.segments import START_NS, as_line, record, segment_name, write_segment
from tests.support.stores import content, rebuilt


def test_an_amendment_adds_to_its_observation(tmp_path: Path) -> None:
    old = {"action": "HOLD", "confidence": 50}
    new = {"action": "BUY", "confidence": 72}
    write_segment(
        tmp_path,
        [
            record(
                id="a", signal=old, tags=["x"], metadata={"k": 1, "l": 1}, level="WARNING", agent_id="first"
            ),
            record("amendment", id="a", signal=new, tags=["x", "y"], metadata={"k": 2}, level="DEFAULT"),
            record(
                "amendment",
                id="a",
                at_ns=START_NS + 9,
                error={"type": "Late"},
                level="ERROR",
                agent_id="later",
            ),
        ],
    )
    store = Store(tmp_path)
    found = store.observation("a".rjust(16, "0"))
    assert found.signal == {**new, "earlier": [old]}
    assert found.tags == ["x", "y"]
    assert found.metadata == {"k": 2, "l": 1}
    assert found.level == "ERROR"
    assert found.agent_id == "later"
    assert found.error == {"type": "Late"}
    (row,) = store.traces()
    assert (row.status, row.agents, row.signals) == ("error", ["later"], ["HOLD", "BUY"])


def test_amendments_count_in_the_order_they_were_made_not_in_that_of_lines_or_segments(
    tmp_path: Path,
) -> None:
    def said(at_ns: int, agent: str) -> dict[str, Any]:
        return record("amendment", id="a", at_ns=START_NS + at_ns, agent_id=agent, signal={"action": agent})

    write_segment(tmp_path, [said(3, "third"), said(1, "first"), record(id="a")], started_s=1)
    with Store(tmp_path) as store:
        assert store.observation("a".rjust(16, "0")).agent_id == store.traces()[0].agent_id == "third"
        write_segment(tmp_path, [said(4, "fourth"), said(2, "second")], started_s=2)
        assert store.observation("a".rjust(16, "0")).agent_id == store.traces()[0].agent_id == "fourth"
        assert store.traces()[0].signals == ["first", "second", "third", "fourth"]
        assert store.traces()[0].agents == ["fourth"]


@pytest.mark.parametrize("amendment_first", [True, False])
def test_an_amendment_in_another_segment_is_merged_whichever_is_read_first(
    tmp_path: Path, amendment_first: bool
) -> None:
    observation = record(id="a", name="late")
    amendment = record("amendment", id="a", level="ERROR", tags=["late"])
    first, second = (amendment, observation) if amendment_first else (observation, amendment)
    write_segment(tmp_path, [first], started_s=1)
    with Store(tmp_path) as store:
        assert len(store.traces()) == (0 if amendment_first else 1)
        write_segment(tmp_path, [second], started_s=2)
        (row,) = store.traces()
        assert (row.status, row.observations) == ("error", 1)
        assert store.observation("a".rjust(16, "0")).tags == ["late"]


def test_an_opening_gives_way_to_its_finish_whichever_is_read_first(tmp_path: Path) -> None:
    write_segment(tmp_path, [record("opened", id="a", agent_id="early", name="run")], started_s=1)
    with Store(tmp_path) as store:
        assert [(row.status, row.agents) for row in store.traces()] == [("interrupted", ["early"])]
        write_segment(tmp_path, [record(id="a", agent_id="late", name="run")], started_s=2)
        assert [(row.status, row.agents, row.observations) for row in store.traces()] == [("ok", ["late"], 1)]
        first = content(store)
    assert rebuilt(tmp_path)["traces"] == first["traces"]


def test_a_record_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    segment = write_segment(
        tmp_path, [record("opened", id="a"), record(id="a", usage={"input": 5})], started_s=1
    )
    copy = segment.with_name(segment_name(2))
    copy.write_bytes(segment.read_bytes())
    (row,) = Store(tmp_path).traces()
    assert (row.observations, row.tokens) == (1, 5)
    assert len(list(Store(tmp_path).observations())) == 1


NONSENSE: list[Any] = [
    b'{"kind":"observation"}\n',
    b"not json at all\n",
    b'["a","list"]\n',
    b'{"v":1,"kind":"unheard of","trace_id":"1","id":"2"}\n',
    as_line({**record(), "trace_id": "zz" * 16}),
    as_line({**record(), "id": 7}),
    as_line({**record(), "id": "12 456 890123456"}),
    as_line({**record(), "start_ns": "yesterday"}),
    as_line({**record(), "start_ns": 1 << 70}),
    as_line({**record(), "start_ns": -1}),
    as_line({key: value for key, value in record().items() if key != "start_ns"}),
    as_line({**record(), "kind": ["observation"]}),
    b'{"v":1,"kind":"observation","trace_id":"\xff\xfe"}\n',
]


@pytest.mark.parametrize("nonsense", NONSENSE)
def test_a_damaged_line_is_counted_and_the_rest_is_read(tmp_path: Path, nonsense: bytes) -> None:
    write_segment(tmp_path, [record(id="a"), nonsense, record(id="b")])
    store = Store(tmp_path)
    assert [each.id[-1] for each in store.observations()] == ["b", "a"]
    ledger = store.ledger()
    assert (ledger.indexed, ledger.damaged, ledger.recorded) == (2, 1, 3)


def test_a_torn_line_is_counted_and_the_rest_is_read(tmp_path: Path) -> None:
    torn = b"\0" + as_line(record(id="t"))[1:]
    write_segment(tmp_path, [record(id="a"), torn, record(id="b")], sealed=False, unused_bytes=5000)
    store = Store(tmp_path)
    assert {each.id[-1] for each in store.observations()} == {"a", "b"}
    assert (store.ledger().torn, store.ledger().indexed) == (1, 2)


def test_a_segment_with_a_damaged_head_is_read_all_the_same(tmp_path: Path) -> None:
    path = write_segment(tmp_path, [record(id="a")])
    path.write_bytes(b"?" * 1000 + path.read_bytes()[1000:])
    assert len(list(Store(tmp_path).observations())) == 1


ODD_FIELDS: list[dict[str, Any]] = [
    {"name": 7, "model": ["gpt-4o"], "agent_id": 3.5, "session_id": {"a": 1}},
    {"usage": [1, 2], "cost": "much", "tags": "one", "metadata": [1]},
    {"usage": {"input": -5, "output": 1.5, "x": 1 << 60, "reasoning": True}},
    {"signal": "BUY", "error": "boom", "level": "LOUD"},
    {"signal": {"action": None, "confidence": [1], "earlier": "x"}, "end_ns": "later"},
    {"signal": {"action": {"a": 1}, "earlier": [1, {"action": "SELL"}]}, "level": 3},
    {"parent_id": 5, "input": [[[]]], "output": {"choices": [{"message": {}}]}},
    {"tags": [1, None, "ok", "ok"], "end_ns": -4, "reported_usage": "yes"},
]


@pytest.mark.parametrize("fields", ODD_FIELDS)
def test_fields_of_a_wrong_type_do_not_stop_anything(tmp_path: Path, fields: dict[str, Any]) -> None:
    odd = {**record(id="a"), **fields}
    amendment = {**record("amendment", id="a"), **{key: fields[key] for key in fields if key != "parent_id"}}
    write_segment(tmp_path, [odd, amendment, record(id="b")])
    store = Store(tmp_path)
    assert store.traces()[0].observations == 2
    assert len(list(store.observations())) == 2
    assert len(store.trace("0").observations) == 2
    store.search("gpt")
    store.signals()
    store.costs()


def test_new_segments_are_read_before_old_ones(tmp_path: Path) -> None:
    write_segment(tmp_path, [record(id="a", name="old")], started_s=1)
    write_segment(tmp_path, [record(id="b", name="new")], started_s=60)
    seen: list[str] = []
    with Store(tmp_path) as store:

        def look(_done: int, _total: int) -> None:
            with Store(tmp_path) as other:
                seen.extend(row.name for row in other.traces(refresh=False) if row.name not in seen)

        store.refresh(look)
    assert seen[0] == "new"


def test_progress_ends_at_the_total(tmp_path: Path) -> None:
    write_segment(tmp_path, [record(id=f"{n + 1:x}", input="x" * 1000) for n in range(50)], unused_bytes=9000)
    steps: list[tuple[int, int]] = []
    Store(tmp_path).refresh(lambda done, total: steps.append((done, total)))
    assert steps[-1][0] == steps[-1][1] > 50_000
    assert steps == sorted(steps)


IDS = st.sampled_from(["a", "b", "c"])
TIMES = st.integers(START_NS, START_NS + 5)
SIGNALS = st.fixed_dictionaries({"action": st.sampled_from(["BUY", "SELL"])})
RECORDS = st.one_of(
    st.builds(
        record,
        trace_id=st.sampled_from(["1", "2"]),
        id=IDS,
        parent_id=st.none() | IDS,
        type=st.sampled_from(["span", "generation"]),
        start_ns=TIMES,
        level=st.sampled_from(["DEFAULT", "ERROR"]),
        agent_id=st.none() | st.sampled_from(["x", "y"]),
        model=st.none() | st.sampled_from(["gpt-4o", "house"]),
        usage=st.none() | st.just({"input": 10}),
        tags=st.none() | st.just(["t"]),
        signal=st.none() | SIGNALS,
    ),
    st.builds(record, kind=st.just("opened"), trace_id=st.sampled_from(["1", "2"]), id=IDS, start_ns=TIMES),
    st.builds(
        record,
        kind=st.just("amendment"),
        trace_id=st.sampled_from(["1", "2"]),
        id=IDS,
        at_ns=TIMES,
        level=st.none() | st.just("ERROR"),
        agent_id=st.none() | st.sampled_from(["x", "z"]),
        signal=st.none() | SIGNALS,
        tags=st.none() | st.just(["late"]),
    ),
)


def _once(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each observation finished and opened at most once: what a journal holds, unless somebody copies files."""
    found: dict[object, dict[str, Any]] = {}
    for each in records:
        is_amendment = each["kind"] == "amendment"
        found.setdefault(id(each) if is_amendment else (each["kind"], each["trace_id"], each["id"]), each)
    return list(found.values())


@settings(max_examples=60, deadline=None)
@given(st.lists(RECORDS, max_size=10), st.integers(1, 4), st.randoms(use_true_random=False))
def test_any_order_of_arrival_gives_the_same_index(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]], parts: int, chance: random.Random
) -> None:
    directory = tmp_path_factory.mktemp("store")
    lines = _once(records)
    portions = [lines[n::parts] for n in range(parts)]
    stages = [directory / f"stage{n}" for n in range(parts)]
    paths = [
        write_segment(stage, portion, started_s=n)
        for n, (stage, portion) in enumerate(zip(stages, portions, strict=True))
    ]
    segments = directory / "segments"
    segments.mkdir()
    order = list(range(parts))
    chance.shuffle(order)
    # A number is given when a segment is first seen, and where none is taken it follows time alone.
    with _opened(directory, paths[order[0]]) as store:
        for number in order[1:]:
            paths[number].rename(segments / paths[number].name)
            store.refresh()
        arrived = content(store)
    assert _comparable(arrived) == _comparable(rebuilt(directory))


def _opened(directory: Path, first: Path) -> Store:
    first.rename(directory / "segments" / first.name)
    store = Store(directory)
    store.refresh()
    return store


def _comparable(found: dict[str, list[Any]]) -> str:
    traces = [
        [json.loads(each) if isinstance(each, str) else repr(each) for each in row] for row in found["traces"]
    ]
    return json.dumps([{**found, "traces": traces}], default=repr, indent=1)
