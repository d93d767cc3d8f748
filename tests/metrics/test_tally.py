"""Counts with bounded labels: what comes first keeps its series, sums are exact in any order."""

import json
import logging
import random

import pytest

from agent_trace.metrics import tally as tally_module
from agent_trace.metrics.catalogue import OTHER
from agent_trace.metrics.tally import Names, Tally
from agent_trace.settings import load


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Names, "_said", set())


def request(tally: Tally, model: str, tenant: str) -> None:
    tally.count("llm_requests_total", model, tenant, "success")


def test_tenants_beyond_200_are_counted_as_other_and_that_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tally = Tally(Names(load().max_label_values))
    with caplog.at_level(logging.WARNING, "agent_trace"):
        for n in [*range(250), *range(250)]:
            request(tally, "gpt-4o", f"t{n}")
    counts = tally.counters["llm_requests_total"]
    assert len(counts) == 201
    assert counts["gpt-4o", "t199", "success"] == 2
    assert counts["gpt-4o", OTHER, "success"] == 100
    assert [each.message for each in caplog.records] == [
        "metrics: there are more than 200 values of tenant; the rest is counted as 'other'"
    ]


def test_each_kind_of_label_has_its_own_bound_and_agents_share_theirs() -> None:
    tally = Tally(Names(2))
    for name in "abc":
        request(tally, name, name)
        tally.count("handoff_validations_total", name, "a", "high", "valid")
    assert set(tally.counters["llm_requests_total"]) == {
        ("a", "a", "success"),
        ("b", "b", "success"),
        (OTHER, OTHER, "success"),
    }
    tally.count("agent_invocations_total", "c", "a", "success")
    assert (OTHER, "a", "success") in tally.counters["agent_invocations_total"]


def test_a_label_is_cut_at_200_characters() -> None:
    tally = Tally()
    request(tally, "m" * 5000, "t")
    ((model, *_),) = tally.counters["llm_requests_total"]
    assert model == "m" * 200


def test_sums_are_exact_in_any_order_and_beyond_64_bits() -> None:
    amounts = [10**19 + n for n in range(100)]
    sums = set()
    for _ in range(3):
        random.shuffle(amounts)
        tally = Tally()
        for amount in amounts:
            tally.count("llm_cost_usd_total", "m", "t", "a", by=amount)
        sums.add(tally.counters["llm_cost_usd_total"]["m", "t", "a"])
    assert sums == {sum(amounts)}


def filled() -> Tally:
    tally = Tally()
    tally.count("llm_cost_usd_total", "m", "t", "a", by=10**20 + 1)
    for duration_ns in (1, 10**8, 10**8 + 1, 10**12):
        tally.observe("llm_request_duration_seconds", "m", "t", duration_ns=duration_ns)
    return tally


def test_what_is_written_to_a_file_is_read_back() -> None:
    tally = filled()
    again = Tally.from_json(json.loads(json.dumps(tally.to_json())), 200)
    assert (again.counters, again.histograms) == (tally.counters, tally.histograms)
    assert again.names.known == tally.names.known


def test_tallies_add_up() -> None:
    tally, more = filled(), filled()
    tally.add(more)
    assert tally.counters["llm_cost_usd_total"]["m", "t", "a"] == 2 * (10**20 + 1)
    cells = tally.histograms["llm_request_duration_seconds"]["m", "t"]
    assert (cells[0], cells[1], cells[-2]) == (4, 2, 2)
    assert cells[-1] == 2 * (1 + 10**8 + 10**8 + 1 + 10**12)


@pytest.mark.parametrize(
    "change",
    [
        {"names": 1},
        {"counters": {"llm_requests_total": [[["only one"], 1]]}},
        {"histograms": {"llm_request_duration_seconds": [[["m", "t"], [1, 2]]]}},
    ],
)
def test_what_no_tally_has_written_is_refused(change: dict[str, object]) -> None:
    with pytest.raises((ValueError, TypeError, AttributeError, KeyError)):
        Tally.from_json({**filled().to_json(), **change}, 200)


def test_a_metric_of_another_version_is_left_out() -> None:
    found = filled().to_json()
    found["counters"]["later_total"] = [[["x"], 1]]
    assert "later_total" not in Tally.from_json(found, 200).counters
    assert tally_module.BY_NAME.keys() >= filled().counters.keys()
