"""A share of the traces is sent, the same share in every process, and always those that matter."""

from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased

from agent_trace.delivery.forwarding.sampling import Sampling, total_of
from agent_trace.delivery.standing.ledger import delivery_ledgers
from agent_trace.delivery.standing.state import DeliveryState
from agent_trace.recording.journal.eviction import evict
from tests.support.backends import DOWN, MemoryBackend, StandingClock, forward, forwarder_of
from tests.support.segments import START_NS, record, write_segment

OUT = "f" * 32
IN = "0" * 31 + "1"
TENTH = Sampling(0.1)


def _of(trace_id: str, count: int, first: int = 1, **fields: Any) -> list[dict[str, Any]]:
    return [record(trace_id=trace_id, id=f"{number:x}", **fields) for number in range(first, first + count)]


@pytest.mark.parametrize("rate", [0.0, 0.001, 0.25, 0.5, 0.999, 1.0])
def test_the_share_is_the_one_that_opentelemetry_takes(rate: float) -> None:
    theirs, ours = TraceIdRatioBased(rate), Sampling(rate)
    for number in range(3000):
        trace_id = (number * 0x9E3779B97F4A7C15F39CC0605CEDC835) % (1 << 128)
        taken = theirs.should_sample(None, trace_id, "x").decision is Decision.RECORD_AND_SAMPLE
        assert ours.is_in(f"{trace_id:032x}") == taken


@pytest.mark.parametrize(
    ("fields", "matters"),
    [
        ({}, False),
        ({"level": "WARNING"}, False),
        ({"level": "ERROR"}, True),
        ({"error": {"type": "ValueError"}}, True),
        ({"signal": {"action": "buy"}}, True),
        ({"end_ns": START_NS + 1_999_999_999}, False),
        ({"end_ns": START_NS + 2_000_000_000}, True),
        ({"end_ns": "soon"}, False),
        ({"cost": {"total": 0.49, "currency": "USD"}}, False),
        ({"cost": {"total": 0.5, "currency": "USD"}}, True),
        ({"cost": {"total": 0.5, "currency": "EUR"}}, False),
        ({"model": "gpt-4o", "usage": {"input": 1000}}, False),
        ({"model": "gpt-4o", "usage": {"input": 1_000_000}}, True),
        ({"model": "nobody-knows", "usage": {"input": 1_000_000}}, False),
        ({"model": 7, "usage": "much", "cost": "dear"}, False),
    ],
)
def test_errors_signals_slow_and_expensive_ones_matter(fields: dict[str, Any], matters: bool) -> None:
    sampling, one = Sampling(0.1, slow_s=2.0, expensive=Decimal("0.5")), record(**fields)
    assert (sampling.matters(one) or sampling.is_much(total_of(one))) == matters


def test_a_trace_is_held_back_whole_and_counted(tmp_path: Path) -> None:
    score = record("score", trace_id=OUT, id="1", score={"name": "q", "value": 1})
    amendment = record("amendment", trace_id=OUT, id="1", tags=["x"])
    write_segment(tmp_path, [*_of(IN, 3), record("opened", trace_id=OUT), *_of(OUT, 3, 11), score, amendment])
    backend = MemoryBackend()
    assert forwarder_of(tmp_path, backend, sampling=TENTH).run_once().delivered
    assert backend.ids == ["1", "2", "3"]
    (ledger,) = delivery_ledgers(tmp_path)
    assert (ledger.delivered, ledger.held_back, ledger.recorded) == (4, {"sampling": 5}, 9)


@pytest.mark.parametrize(
    "telling",
    [
        record("amendment", trace_id=OUT, id="1", signal={"action": "buy"}),
        record(trace_id=OUT, id="9", level="ERROR"),
    ],
)
def test_what_was_held_of_a_trace_is_sent_once_it_turns_out_to_matter(
    tmp_path: Path, telling: dict[str, Any]
) -> None:
    score = record("score", trace_id=OUT, id="1", score={"name": "q", "value": 1})
    amendment = record("amendment", trace_id=OUT, id="1", tags=["x"])
    write_segment(tmp_path, [*_of(OUT, 3), amendment, score], started_s=1)
    backend = MemoryBackend()
    forward(tmp_path, backend, sampling=TENTH).close()
    assert backend.arrivals == []
    write_segment(tmp_path, [*_of("e" * 32, 2, 50), telling], started_s=2)
    forwarder = forward(tmp_path, backend, sampling=TENTH)
    assert set(backend.ids) >= {"1", "2", "3"}
    assert "x" in backend.last("1")["tags"]
    assert [each["kind"] for each in backend.arrivals].count("score") == 1
    write_segment(tmp_path, _of(OUT, 2, 20), started_s=3)
    forwarder.run_once()
    assert set(backend.ids) >= {"14", "15"}
    (ledger,) = delivery_ledgers(tmp_path)
    assert (ledger.delivered, ledger.held_back, ledger.recorded) == (8, {"sampling": 2}, 10)


def test_a_rescue_that_fails_half_way_goes_on_later(tmp_path: Path) -> None:
    write_segment(tmp_path, [*_of(OUT, 600), record(trace_id=OUT, id="fff", level="ERROR")])
    time_, turns = StandingClock(), iter(range(1000))
    backend = MemoryBackend(script=lambda items: DOWN if next(turns) % 2 else MemoryBackend().script(items))
    for _ in range(10):
        forwarder = forwarder_of(tmp_path, backend, sampling=TENTH, clock=time_.clock)
        forwarder.run_once()
        forwarder.close()
        time_.pass_s(61)
    assert (len(backend.ids), backend.repeated) == (601, 0)
    (ledger,) = delivery_ledgers(tmp_path)
    assert (ledger.delivered, ledger.held_back) == (601, {})


def test_what_was_held_and_is_evicted_stays_held(tmp_path: Path) -> None:
    write_segment(tmp_path, _of(OUT, 3), started_s=1)
    backend = MemoryBackend()
    forwarder = forward(tmp_path, backend, sampling=TENTH)
    evict(tmp_path, max_bytes=0)
    write_segment(tmp_path, [record(trace_id=OUT, id="9", level="ERROR")], started_s=2)
    assert forwarder.run_once().delivered
    assert backend.ids == ["9"]
    (ledger,) = delivery_ledgers(tmp_path)
    assert (ledger.delivered, ledger.held_back, ledger.evicted, ledger.recorded) == (1, {"sampling": 3}, 0, 4)


def _second(number: int, **fields: Any) -> dict[str, Any]:
    start_ns = START_NS + number * 1_000_000_000
    return record(trace_id=OUT, id=f"{number:x}", start_ns=start_ns, end_ns=start_ns + 900_000_000, **fields)


COSTS = [_second(number, cost={"total": 0.1, "currency": "USD"}) for number in range(1, 7)]
"""Each observation lasts 0.9 s, begins a second after the one before, and costs a tenth of a dollar."""


@pytest.mark.parametrize(
    ("sampling", "enough"),
    [
        (Sampling(0.1, expensive=Decimal("0.5")), 5),
        (Sampling(0.1, slow_s=3.8), 4),
        (Sampling(0.1, slow_s=3.8, expensive=Decimal("0.2")), 2),
    ],
)
@pytest.mark.parametrize("lives", ["one forwarder", "a forwarder each", "a failure before each"])
def test_a_trace_goes_once_its_observations_together_take_or_cost_enough(
    tmp_path: Path, sampling: Sampling, enough: int, lives: str
) -> None:
    backend = MemoryBackend()
    forwarder = forwarder_of(tmp_path, backend, sampling=sampling)
    for number, one in enumerate(COSTS, start=1):
        write_segment(tmp_path, [record(trace_id=IN, id=f"{number:x}00"), one], started_s=number)
        if lives != "one forwarder":
            forwarder.close()
            if lives == "a failure before each":
                # What was read and not settled is read again, and must not count twice.
                down = forwarder_of(tmp_path, MemoryBackend(script=lambda _: DOWN), sampling=sampling)
                assert not down.run_once().delivered
                down.close()
            forwarder = forwarder_of(tmp_path, backend, sampling=sampling)
        assert forwarder.run_once().delivered
        sent = [] if number < enough else [f"{each:x}" for each in range(1, number + 1)]
        assert sorted(id for id in backend.ids if not id.endswith("00")) == sent
    forwarder.close()
    (ledger,) = delivery_ledgers(tmp_path)
    assert (ledger.delivered, ledger.held_back) == (12, {})


@pytest.mark.parametrize(
    "fields",
    [
        {"cost": {"total": 1e300, "currency": "USD"}},
        {"cost": {"total": -1e300, "currency": "USD"}},
        {"end_ns": (1 << 63) + 1},
        {"start_ns": -(1 << 63), "end_ns": 0},
    ],
)
def test_figures_that_no_table_holds_keep_nothing_from_being_delivered(
    tmp_path: Path, fields: dict[str, Any]
) -> None:
    sampling = Sampling(0.1, slow_s=1e6, expensive=Decimal("1e9"))
    strange = [record(trace_id=OUT, id=f"{number:x}", **fields) for number in range(1, 4)]
    write_segment(tmp_path, [*strange, record(trace_id=IN, id="9")])
    backend = MemoryBackend()
    assert forward(tmp_path, backend, sampling=sampling) is not None
    assert "9" in backend.ids
    (ledger,) = delivery_ledgers(tmp_path)
    assert (ledger.pending, ledger.recorded) == (0, 4)


def _traces_added_up(directory: Path) -> int:
    with closing(DeliveryState(directory)) as state:
        (count,) = state.connection.execute("SELECT count(*) FROM totals").fetchone()
    return int(count)


def test_totals_of_traces_that_nothing_is_held_of_are_forgotten(tmp_path: Path) -> None:
    sampling = Sampling(0.1, expensive=Decimal("0.5"))
    write_segment(tmp_path, COSTS[:3], started_s=1)
    forward(tmp_path, MemoryBackend(), sampling=sampling).close()
    assert _traces_added_up(tmp_path) == 1
    evict(tmp_path, max_bytes=0)
    for started_s in (2, 3):
        write_segment(tmp_path, [record(trace_id=IN, id="1")], started_s=started_s)
        forward(tmp_path, MemoryBackend(), sampling=sampling).close()
    assert _traces_added_up(tmp_path) == 0
