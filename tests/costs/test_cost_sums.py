"""Promises of the sums: the same whichever way they are cut, and in whichever order records arrive."""

import random
import tempfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agent_trace.costs import price, recorded_cost
from agent_trace.store import CostKey, CostRow, Filter, Store
from tests.support.segments import START_NS, record, write_segment
from tests.support.stores import content, rebuilt

HOUR_NS = 3_600 * 10**9
KEYS: tuple[CostKey, ...] = ("agent", "tenant", "model", "session", "day")
SUMS = ("spent_daily", "spent_hourly", "spent_rarely", "traces")
NAMES = st.sampled_from([None, "", "a", "b"])
USAGES = st.one_of(
    st.none(),
    st.dictionaries(
        st.sampled_from(
            ["input", "output", "cache_read", "reasoning", "audio_input", "image_input", "quanta"]
        ),
        st.integers(0, 10**7),
        min_size=1,
    ),
)
STATED = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {"total": st.decimals(0, 100, places=6).map(str), "currency": st.sampled_from(["USD", "EUR"])}
    ),
)
OBSERVATIONS = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["generation", "agent", "span"]),
        "agent_id": NAMES,
        "agent_name": NAMES,
        "tenant_id": NAMES,
        "session_id": NAMES,
        "model": st.sampled_from(["gpt-4o", "claude-sonnet-4-5", "house", None]),
        "usage": USAGES,
        "cost": STATED,
        "start_ns": st.integers(-50, 50).map(lambda n: START_NS + n * HOUR_NS // 3),
    }
)
ADDITIONS = st.fixed_dictionaries(
    {"to": st.integers(0, 11), "agent_id": NAMES, "level": st.sampled_from([None, "ERROR"])}
)


def records_of(observations: list[dict[str, Any]], additions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    made = []
    for number, fields in enumerate(observations):
        kept = {name: value for name, value in fields.items() if value is not None}
        identity = {"id": f"{number + 1:x}", "trace_id": f"{number % 3 + 1:x}"}
        made.append(record(**identity, **kept))
        if fields["type"] == "agent":
            opened = {name: value for name, value in kept.items() if name not in ("usage", "cost")}
            made.append(record("opened", **identity, **opened))
        if number % 4 == 0:
            made.append(record(**identity, **kept))  # a copy
    for nth, addition in enumerate(additions):
        number = addition["to"] % max(len(observations), 1)
        fields = {name: value for name, value in addition.items() if name != "to" and value is not None}
        identity = {"id": f"{number + 1:x}", "trace_id": f"{number % 3 + 1:x}"}
        made.append(record("amendment", **identity, at_ns=START_NS + nth, **fields))
    return made


def expected_total(observations: list[dict[str, Any]]) -> Decimal:
    total = Decimal(0)
    for fields in observations:
        stated = recorded_cost(fields["cost"])
        if stated is not None:
            total += stated.total if stated.currency == "USD" else 0
        else:
            cost = price(fields["model"], fields["usage"], fields["start_ns"])
            total += Decimal(0) if cost is None else cost.total
    return total


def summed(rows: list[CostRow]) -> tuple[Decimal, int, int, int, dict[str, int]]:
    tokens: dict[str, int] = {}
    for row in rows:
        for name, count in row.tokens.items():
            tokens[name] = tokens.get(name, 0) + count
    return (
        sum((row.total or Decimal(0) for row in rows), Decimal(0)),
        sum(row.calls for row in rows),
        sum(row.unpriced for row in rows),
        sum(row.invocations for row in rows),
        tokens,
    )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(OBSERVATIONS, min_size=1, max_size=12),
    st.lists(ADDITIONS, max_size=4),
    st.randoms(use_true_random=False),
    st.integers(-60, 60),
)
def test_sums_by_any_key_are_the_total_in_any_order_of_arrival(
    observations: list[dict[str, Any]], additions: list[dict[str, Any]], order: random.Random, cut: int
) -> None:
    records = records_of(observations, additions)
    order.shuffle(records)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with _filled(directory, records, order) as store:
            sums = [summed(store.costs(by=by, idle=True)) for by in (*KEYS, ("tenant", "agent", "model"))]
            assert sums[0][0] == expected_total(observations)
            assert all(each == sums[0] for each in sums)
            # Cut in two at any moment, the parts make the whole; with and without the sums to help.
            at_ns = START_NS + cut * HOUR_NS // 4 + order.choice([0, 1, 977])
            parts = [
                *store.costs(Filter(until_ns=at_ns), idle=True),
                *store.costs(Filter(since_ns=at_ns), idle=True),
            ]
            assert summed(parts) == sums[0]
            for where in (
                Filter(until_ns=at_ns),
                Filter(since_ns=at_ns),
                Filter(agent="a"),
                Filter(tenant="b"),
            ):
                helped = store.costs(where, by=("agent", "model"), idle=True)
                assert summed(helped) == summed(store.costs(where, by=("session",), idle=True))
            found = content(store)
        again = rebuilt(directory)
        assert {name: found[name] for name in SUMS} == {name: again[name] for name in SUMS}


def _filled(directory: Path, records: list[dict[str, Any]], order: random.Random) -> Store:
    """A store whose segments came one after the other, each read before the next one was there."""
    size = order.randint(1, len(records))
    store = None
    starts = list(range(0, len(records), size))
    order.shuffle(starts)
    for start in starts:
        write_segment(directory, records[start : start + size], started_s=start)
        store = store or Store(directory)
        store.refresh()
    assert store is not None
    return store


def test_what_retention_removes_is_taken_out_of_the_sums(tmp_path: Path) -> None:
    def usage(n: int) -> dict[str, int]:
        return {"input": 1000 * n, "audio_input": n}

    for n in (1, 2, 3):
        fields: dict[str, Any] = {"type": "generation", "model": "gemini-2.5-flash", "tenant_id": "t"}
        write_segment(tmp_path, [record(id=f"{n:x}", usage=usage(n), **fields)], started_s=n)
    with Store(tmp_path) as store:
        (before,) = store.costs(by="tenant")
        assert before.tokens == {"input": 6000, "audio_input": 6}
        sorted((tmp_path / "segments").iterdir())[0].unlink()
        (after,) = store.costs(by="tenant")
        assert after.tokens == {"input": 5000, "audio_input": 5}
        assert after.calls == 2
        for path in (tmp_path / "segments").iterdir():
            path.unlink()
        assert store.costs(by="tenant") == []
        assert content(store)["spent_daily"] == content(store)["spent_rarely"] == []


def test_a_question_about_whole_days_does_not_look_at_observations(tmp_path: Path) -> None:
    with _of_many(tmp_path, lambda n: {"tenant_id": f"t{n % 5}"}) as store:
        before = store.costs(by="tenant")
        # Whoever asks the sums does not notice that the observations are gone.
        store._index.connection.execute("DELETE FROM observations")
        assert store.costs(by="tenant", refresh=False) == before
        assert store.costs(Filter(min_duration_s=0), by="tenant", refresh=False) == []


def _of_many(directory: Path, fields: Callable[[int], dict[str, Any]]) -> Store:
    made = {"type": "generation", "model": "gpt-4o", "usage": {"input": 10}}
    write_segment(directory, [record(id=f"{n + 1:x}", **made, **fields(n)) for n in range(50)])
    return Store(directory)
