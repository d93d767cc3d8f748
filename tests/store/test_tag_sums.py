"""Promises of what is known of tags: how many observations of each profile have one, whatever came in whatever order."""

import random
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent_trace.store import Filter, Store, planning
from agent_trace.store.steps import STEPS
from tests.support.segments import START_NS, record, write_segment

BEFORE_TAGS = [name for name, _ in STEPS].index("tags")
TRACES = st.sampled_from(["1", "2"])
IDS = st.sampled_from(["a", "b", "c"])
TAGS = st.none() | st.lists(st.sampled_from(["x", "y", "z"]), max_size=3)
RECORDS = st.lists(
    st.builds(
        record,
        kind=st.sampled_from(["observation", "observation", "opened", "amendment"]),
        trace_id=TRACES,
        id=IDS,
        type=st.sampled_from(["agent", "generation"]),
        start_ns=st.just(START_NS),
        at_ns=st.integers(START_NS, START_NS + 9),
        level=st.sampled_from(["DEFAULT", "ERROR"]),
        tags=TAGS,
    ),
    min_size=1,
    max_size=14,
)


def counted(store: Store) -> dict[tuple[str, int], int]:
    query = "SELECT tag, profile, observations FROM tag_profiles"
    return {(tag, profile): count for tag, profile, count in store._index.connection.execute(query)}


def one_by_one(store: Store) -> dict[tuple[str, int], int]:
    found: dict[tuple[str, int], int] = {}
    query = "SELECT tags.tag, observations.profile FROM tags JOIN observations USING (record)"
    for key in store._index.connection.execute(query):
        found[key] = found.get(key, 0) + 1
    return found


@settings(max_examples=80, deadline=None)
@given(RECORDS, st.integers(1, 4), st.booleans(), st.randoms(use_true_random=False))
def test_counts_are_those_of_the_observations_that_are_there(
    records: list[dict[str, Any]], parts: int, is_evicted: bool, chance: random.Random
) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        order = list(range(parts))
        chance.shuffle(order)
        paths = []
        with_first = record(trace_id="9", id="9", tags=["x"])
        write_segment(directory, [with_first], started_s=99)
        with Store(directory) as store:
            for number in order:
                paths.append(write_segment(directory, records[number::parts], started_s=number))
                store.refresh()
                assert counted(store) == one_by_one(store)
            if is_evicted:
                chance.choice(paths).unlink()
                store.refresh()
                assert counted(store) == one_by_one(store)
            assert counted(store)


@pytest.mark.parametrize("few", [0, 3, 10_000])
def test_traces_of_a_tag_and_anything_else_are_those_of_the_observations_with_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(planning, "FEW", few)
    chance = random.Random(8)
    made = [
        record(
            trace_id=f"{number // 2 + 1:x}",
            id=f"{number + 1:x}",
            type=(type_ := chance.choice(["agent", "generation", "tool"])),
            start_ns=START_NS + number // 2,
            tags={"agent": ["x"], "generation": chance.choice([None, ["y"]])}.get(type_),
            level=chance.choice(["DEFAULT", "ERROR"]),
            model=chance.choice([None, "house"]),
            signal=chance.choice([None, {"action": "BUY"}]),
            session_id=chance.choice([None, "s"]),
        )
        for number in range(60)
    ]
    write_segment(tmp_path, made)
    others = [
        {},
        {"type": "agent"},
        {"type": "tool"},
        {"level": "ERROR"},
        {"model": "house"},
        {"signal": "buy"},
    ]
    others += [
        {"type": "generation", "signal": "buy"},
        {"model": "house", "level": "ERROR"},
        {"session": "s"},
    ]
    with Store(tmp_path) as store:
        for tag in ("x", "y", "absent"):
            for other in others:
                where = Filter(tag=tag, **other)  # type: ignore[arg-type]
                expected = {each.trace_id for each in store.observations(where)}
                assert {row.trace_id for row in store.traces(where, limit=100)} == expected, where
                assert store.totals(where).traces == len(expected), where


def test_an_index_from_before_gets_the_counts_of_what_it_has(tmp_path: Path) -> None:
    tagged = [record(id=f"{n:x}", tags=["x"], type="agent" if n % 3 else "tool") for n in range(1, 9)]
    write_segment(tmp_path, tagged)
    with Store(tmp_path) as store:
        store.refresh()
        before = counted(store)
    with sqlite3.connect(tmp_path / "index.sqlite") as connection:
        connection.executescript(f"DROP TABLE tag_profiles; PRAGMA user_version = {BEFORE_TAGS}")
        # Were the journal read again, this would go.
        connection.execute("UPDATE segments SET torn = 7")
        connection.commit()
        with Store(tmp_path) as store:
            store.refresh()
            assert counted(store) == before == one_by_one(store)
        assert connection.execute("SELECT torn FROM segments").fetchone() == (7,)
    connection.close()
