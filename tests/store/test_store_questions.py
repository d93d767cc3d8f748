"""Promises of the store's answers: lists, filters, pages, trees, ids, signals, costs."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from agent_trace.errors import AmbiguousId, NotFound, SettingError, StoreMissing, StoreTooNew
from agent_trace.store import Filter, Store, TraceRow
from tests.support.segments import START_NS, record, write_segment
from tests.support.stores import generation, store_of

SECOND = 1_000_000_000


def test_nothing_recorded_is_said_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreMissing, match="agent-trace demo"):
        Store(tmp_path)
    with pytest.raises(StoreMissing):
        Store(tmp_path / "nowhere")


def test_a_trace_row_sums_its_observations_up(tmp_path: Path) -> None:
    store = store_of(
        tmp_path,
        record(id="a", type="agent", name="desk", end_ns=START_NS + 5 * SECOND, input="go", tenant_id="acme"),
        generation(id="b", parent_id="a", agent_id="analyst", start_ns=START_NS + SECOND, output="BUY"),
        generation(id="c", parent_id="a", agent_name="risk", level="ERROR", start_ns=START_NS + 2 * SECOND),
        record(id="d", parent_id="a", type="generation", model="house", usage={"input": 7}),
    )
    (row,) = store.traces()
    assert row.trace_id == "1".rjust(32, "0")
    assert (row.name, row.status, row.errors) == ("desk", "error", 1)
    assert (row.observations, row.generations, row.tokens) == (4, 3, 2207)
    assert (row.cost, row.unpriced) == (Decimal("0.007"), 1)
    assert (row.start_ns, row.end_ns, row.duration_ns) == (START_NS, START_NS + 5 * SECOND, 5 * SECOND)
    assert (row.tenant_id, row.agent_id, row.agents) == ("acme", "analyst", ["analyst", "risk"])
    assert row.models == ["gpt-4o", "house"]
    assert (row.input_preview, row.output_preview) == ("go", None)


def test_a_trace_without_any_known_price_costs_none_rather_than_zero(tmp_path: Path) -> None:
    (row,) = store_of(tmp_path, record(type="generation", model="house", usage={"input": 7})).traces()
    assert (row.cost, row.unpriced) == (None, 1)


def test_usage_that_an_ancestor_reports_again_counts_once(tmp_path: Path) -> None:
    store = store_of(
        tmp_path,
        record(id="a", type="generation", model="gpt-4o", reported_usage={"input": 1000}, cost={"total": 9}),
        generation(id="b", parent_id="a"),
    )
    (row,) = store.traces()
    assert (row.tokens, row.cost, row.unpriced) == (1100, Decimal("0.0035"), 0)
    (costs,) = store.costs(by="model")
    assert (costs.total, costs.calls) == (Decimal("0.0035"), 1)
    assert store.observation("a".rjust(16, "0")).reported_usage == {"input": 1000}


def test_the_providers_own_cost_wins(tmp_path: Path) -> None:
    store = store_of(tmp_path, generation(cost={"total": 0.5}))
    assert store.traces()[0].cost == Decimal("0.5")
    assert store.observation("0").cost == {"total": Decimal("0.5"), "currency": "USD", "source": "provider"}


def test_a_cost_in_another_currency_is_kept_and_not_added_to_dollars(tmp_path: Path) -> None:
    store = store_of(tmp_path, generation(cost={"total": 3, "currency": "EUR"}))
    assert store.observation("0").cost == {"total": Decimal(3), "currency": "EUR", "source": "provider"}
    assert (store.traces()[0].cost, store.traces()[0].unpriced) == (None, 1)


def test_newest_traces_come_first_and_pages_neither_overlap_nor_leave_out(tmp_path: Path) -> None:
    many = [
        record(trace_id=f"{n:x}", id=f"{n:x}", start_ns=START_NS + n // 3, name=f"t{n}") for n in range(25)
    ]
    store = store_of(tmp_path, *many)
    seen: list[TraceRow] = []
    while page := store.traces(limit=4, before=seen[-1] if seen else None):
        seen += page
    assert [row.start_ns for row in seen] == sorted((each["start_ns"] for each in many), reverse=True)
    assert {row.name for row in seen} == {f"t{n}" for n in range(25)}
    assert len(seen) == 25


FITTING: dict[str, Any] = {
    "agent_id": "analyst",
    "agent_name": "Ana",
    "tenant_id": "acme",
    "session_id": "s1",
    "user_id": "u1",
    "type": "generation",
    "level": "WARNING",
    "name": "ask",
    "model": "gpt-4o",
    "tags": ["beta", "signal:BUY"],
    "signal": {"action": "BUY", "confidence": 72, "confidence_scale": "0-100", "symbol": "BTC"},
    "usage": {"input": 1_000_000},
    "start_ns": START_NS + 100 * SECOND,
    "end_ns": START_NS + 103 * SECOND,
}


@pytest.mark.parametrize(
    ("fitting", "not_fitting"),
    [
        (Filter(agent="analyst"), Filter(agent="risk")),
        (Filter(agent="Ana"), Filter(agent="ana")),
        (Filter(tenant="acme"), Filter(tenant="other")),
        (Filter(session="s1"), Filter(session="s2")),
        (Filter(user="u1"), Filter(user="u2")),
        (Filter(type="generation"), Filter(type="tool")),
        (Filter(level="warning"), Filter(level="ERROR")),
        (Filter(name="ask"), Filter(name="as")),
        (Filter(model="gpt-4o"), Filter(model="gpt-4")),
        (Filter(tag="beta"), Filter(tag="gamma")),
        (Filter(signal="buy"), Filter(signal="SELL")),
        (Filter(since_ns=START_NS + 100 * SECOND), Filter(since_ns=START_NS + 100 * SECOND + 1)),
        (
            Filter(until_ns=START_NS + 100 * SECOND + 1),
            Filter(until_ns=START_NS + 100 * SECOND, tenant="acme"),
        ),
        (Filter(min_cost=Decimal("2.5"), tenant="acme"), Filter(min_cost=Decimal("2.500001"))),
        (Filter(min_duration_s=3.0), Filter(min_duration_s=3.1)),
        (Filter(trace_id="f".rjust(32, "0")), Filter(trace_id="not an id")),
        (Filter(agent="analyst", model="gpt-4o", signal="BUY"), Filter(agent="analyst", model="o3")),
    ],
)
def test_a_filter_holds_for_traces_observations_and_a_live_view(
    tmp_path: Path, fitting: Filter, not_fitting: Filter
) -> None:
    fits = record(trace_id="f", id="f", **FITTING)
    store = store_of(tmp_path, record(trace_id="e", id="e", level="DEFAULT", usage=None), fits)
    assert "f".rjust(32, "0") in {row.trace_id for row in store.traces(fitting)}
    assert "f".rjust(16, "0") in {each.id for each in store.observations(fitting)}
    assert "f".rjust(32, "0") not in {row.trace_id for row in store.traces(not_fitting)}
    assert "f".rjust(16, "0") not in {each.id for each in store.observations(not_fitting)}
    (live,) = [each for each in _replayed(tmp_path) if each.id == "f".rjust(16, "0")]
    from agent_trace.store.conditions import fits as asked

    assert (asked(live, fitting), asked(live, not_fitting)) == (True, False)


def _replayed(directory: Path) -> list[Any]:
    from agent_trace.store.following import Following

    following = Following(directory)
    following._done.clear()
    return list(following.news(Filter()))


def test_all_text_fields_of_a_filter_must_hold_of_one_observation(tmp_path: Path) -> None:
    store = store_of(tmp_path, record(id="a", agent_id="analyst"), record(id="b", model="gpt-4o"))
    assert store.traces(Filter(agent="analyst", model="gpt-4o")) == []
    assert len(store.traces(Filter(agent="analyst"))) == 1


def test_observations_come_whole_and_in_the_order_asked(tmp_path: Path) -> None:
    given = [
        record(id=f"{n:x}", start_ns=START_NS + n, input={"n": n}, metadata={"k": [n]}) for n in range(1100)
    ]
    store = store_of(tmp_path, *given)
    newest = list(store.observations(limit=3))
    assert [each.input for each in newest] == [{"n": 1099}, {"n": 1098}, {"n": 1097}]
    assert [each.metadata["k"] for each in store.observations(newest_first=False)] == [
        [n] for n in range(1100)
    ]


def test_a_trace_is_a_tree_in_order_of_start(tmp_path: Path) -> None:
    store = store_of(
        tmp_path,
        record(id="c", parent_id="a", start_ns=START_NS + 2),
        record(id="b", parent_id="a", start_ns=START_NS + 1),
        record(id="d", parent_id="c", start_ns=START_NS + 3),
        record(id="a"),
    )
    trace = store.trace("0")
    assert [(depth, node.observation.id[-1]) for depth, node in trace.walk()] == [
        (0, "a"),
        (1, "b"),
        (1, "c"),
        (2, "d"),
    ]
    assert [each.id[-1] for each in trace.observations] == ["a", "b", "c", "d"]


def test_whose_parent_is_missing_is_a_root_and_circles_are_cut(tmp_path: Path) -> None:
    store = store_of(
        tmp_path,
        record(id="a", parent_id="99", start_ns=START_NS),
        record(id="b", parent_id="c", start_ns=START_NS + 1),
        record(id="c", parent_id="d", start_ns=START_NS + 2),
        record(id="d", parent_id="b", start_ns=START_NS + 3),
        record(id="e", parent_id="e", start_ns=START_NS + 4),
    )
    trace = store.trace("0")
    assert sorted(node.observation.id[-1] for node in trace.roots) == ["a", "b", "e"]
    assert sorted(node.observation.id[-1] for _, node in trace.walk()) == ["a", "b", "c", "d", "e"]


def test_ten_thousand_nested_observations_are_one_deep_tree(tmp_path: Path) -> None:
    given = [record(id="1")]
    given += [record(id=f"{n:x}", parent_id=f"{n - 1:x}", start_ns=START_NS + n) for n in range(2, 10_001)]
    store = store_of(tmp_path, *reversed(given))
    trace = store.trace("0")
    assert len(trace.roots) == 1
    assert max(depth for depth, _ in trace.walk()) == 9_999
    assert store.traces()[0].observations == 10_000


def test_an_id_may_be_the_start_of_one_trace_or_of_an_observation_in_it(tmp_path: Path) -> None:
    store = store_of(
        tmp_path,
        record(trace_id="abc1".ljust(32, "0"), id="77aa".ljust(16, "0"), name="one"),
        record(trace_id="abd2".ljust(32, "0"), id="77bb".ljust(16, "0"), name="two"),
    )
    assert store.trace("abc").row.name == "one"
    assert store.trace(" ABD2 ").row.name == "two"
    assert store.trace("77b").row.name == "two"
    assert store.observation("77a").name == "one"
    with pytest.raises(AmbiguousId, match=r"abc1.*abd2"):
        store.trace("ab")
    with pytest.raises(AmbiguousId, match=r"77aa.*77bb"):
        store.observation("7")


def test_an_id_that_is_nowhere_is_said_with_the_nearest(tmp_path: Path) -> None:
    store = store_of(tmp_path, record(trace_id="abcd12".ljust(32, "0")))
    with pytest.raises(NotFound, match="nearest is abcd12"):
        store.trace("abcd13")
    with pytest.raises(NotFound, match="agent-trace list"):
        store.trace("ffff")
    with pytest.raises(NotFound, match="is a trace"):
        store.observation("abcd12")


def test_a_trace_of_which_only_an_amendment_came_is_not_there_yet(tmp_path: Path) -> None:
    store = store_of(tmp_path, record("amendment", trace_id="abcd12".ljust(32, "0")))
    assert store.traces() == []
    with pytest.raises(NotFound):
        store.trace("abcd12")


@pytest.mark.parametrize("nonsense", ["", "xyz", "0x12", "a" * 33, "%", "' OR 1=1 --", "ａ"])
def test_what_is_no_id_is_refused_in_words(tmp_path: Path, nonsense: str) -> None:
    store = store_of(tmp_path, record())
    with pytest.raises(NotFound, match="is not an id"):
        store.trace(nonsense)


def test_records_gives_the_journal_as_it_was_written(tmp_path: Path) -> None:
    first, second = record(id="a", x=1), record("amendment", id="a", tags=["t"])
    write_segment(tmp_path, [second], started_s=9)
    write_segment(tmp_path, [first], started_s=1)
    assert list(Store(tmp_path).records()) == [first, second]


def test_a_segment_of_a_newer_version_stops_reading_with_a_clear_message(tmp_path: Path) -> None:
    path = write_segment(tmp_path, [record()])
    path.write_bytes(
        path.read_bytes().replace(b'{"v": 1, "kind": "segment"', b'{"v": 2, "kind": "segment"', 1)
    )
    with pytest.raises(StoreTooNew, match="Upgrade agent-trace"):
        Store(tmp_path).traces()


def test_the_store_can_be_used_again_after_it_was_closed(tmp_path: Path) -> None:
    with store_of(tmp_path, record()) as store:
        assert len(store.traces()) == 1
    assert len(store.traces()) == 1


@pytest.mark.parametrize("amount", [Decimal("0.0035"), 0.0035, "0.0035"])
def test_the_least_cost_may_be_a_number_or_a_text(tmp_path: Path, amount: Any) -> None:
    store = store_of(tmp_path, generation(id="b"), record(id="c", trace_id="2".rjust(32, "0")))
    assert [row.cost for row in store.traces(Filter(min_cost=amount))] == [Decimal("0.0035")]
    assert list(store.observations(Filter(min_cost=float(amount) * 1.01))) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("agent", 5, "agent=5 is no text"),
        ("tag", ["a", "b"], "tag=.* is no text"),
        ("level", "FATAL", "one of DEFAULT, WARNING, ERROR"),
        ("type", "genration", "one of generation, span"),
        ("status", "done", "one of ok, error, running, interrupted"),
        ("since_ns", 1.5e18, "since_ns=.* nanoseconds"),
        ("until_ns", 10**19, "until_ns=.* at most 19 digits"),
        ("min_cost", "cheap", "US dollars"),
        ("min_cost", float("nan"), "US dollars"),
        ("min_duration_s", "1s", "seconds as a number"),
        ("min_duration_s", float("inf"), "seconds as a number"),
    ],
)
def test_a_filter_that_nothing_could_fit_is_refused_with_what_could(
    field: str, value: Any, said: str
) -> None:
    with pytest.raises(SettingError, match=said):
        Filter(**{field: value})


def test_a_level_counts_whatever_its_case(tmp_path: Path) -> None:
    store = store_of(tmp_path, record(id="a", level="ERROR"))
    assert len(store.traces(Filter(level="error"))) == 1


@pytest.mark.parametrize("by", ["agnet", ("agent", "price"), ()])
def test_costs_by_what_is_not_kept_are_refused_with_what_is(tmp_path: Path, by: Any) -> None:
    with pytest.raises(SettingError, match="agent, tenant, model, session, day"):
        store_of(tmp_path, generation(id="b")).costs(by=by)
