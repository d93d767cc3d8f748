"""A share of the traces is sent, the same share in every process, and always those that matter."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased

from agent_trace.delivery.forwarding.sampling import Sampling
from agent_trace.delivery.standing.ledger import delivery_ledgers
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
    assert Sampling(0.1, slow_s=2.0, expensive=Decimal("0.5")).matters(record(**fields)) == matters


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
