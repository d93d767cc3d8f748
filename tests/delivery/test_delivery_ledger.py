"""The ledger of a consumer says where every record went, whatever became of its segment."""

from pathlib import Path

import pytest

from agent_trace.delivery.counting import count_from, count_quickly
from agent_trace.delivery.standing.ledger import delivery_ledgers
from agent_trace.recording.journal.eviction import evict
from agent_trace.recording.journal.journal import Journal
from agent_trace.store import Store
from tests.support.backends import BAD, DOWN, MemoryBackend, StandingClock, forward, forwarder_of
from tests.support.segments import as_line, record, write_segment

TORN = b"\0" * 40 + b"xyz\n"


def _segment(directory: Path, started_s: float, ids: range, **settings: object) -> Path:
    lines = [record(id=f"{number:x}") for number in ids]
    return write_segment(directory, lines, started_s=started_s, **settings)  # type: ignore[arg-type]


def test_every_kind_of_fate_is_counted_and_the_sum_is_the_stores(tmp_path: Path) -> None:
    _segment(tmp_path, 1, range(1, 11), lost={"disk_full": 3})
    crashed = [record(id="21"), TORN, b"nonsense\n", record(id="22")]
    write_segment(tmp_path, crashed, started_s=2, sealed=False, unused_bytes=999)
    live = Journal(tmp_path)
    live.append(as_line(record(id="31")))
    poison = f"{5:016x}"
    backend = MemoryBackend(
        script=lambda items: BAD if poison in [each.id for each in items] else MemoryBackend().script(items)
    )
    forwarder = forward(tmp_path, backend)
    live.append(as_line(record(id="32")))
    _segment(tmp_path, 3, range(50, 57))
    evict(tmp_path, max_bytes=0)
    live.append(as_line(record(id="33")))
    (ledger,) = delivery_ledgers(tmp_path)
    assert (ledger.delivered, ledger.dead_lettered, ledger.evicted, ledger.pending) == (12, 1, 7 + 2, 2)
    with Store(tmp_path) as store:
        assert store.ledger().recorded == ledger.recorded == 24
    assert forwarder.run_once().delivered
    assert delivery_ledgers(tmp_path)[0].pending == 0


def test_before_anything_is_read_all_is_pending_for_every_consumer(tmp_path: Path) -> None:
    _segment(tmp_path, 1, range(1, 11), lost={"disk_full": 3})
    write_segment(
        tmp_path, [record(id="21"), TORN, record(id="22")], started_s=2, sealed=False, unused_bytes=99
    )
    down = [MemoryBackend(name, lambda items: DOWN) for name in ("langfuse", "otlp")]
    forward(tmp_path, *down)
    for ledger in delivery_ledgers(tmp_path):
        assert (ledger.pending, ledger.torn, ledger.lost, ledger.recorded) == (12, 1, {"disk_full": 3}, 16)
        assert "connection refused" in (ledger.problem or "")


def test_it_balances_in_the_middle_of_a_pass(tmp_path: Path) -> None:
    for number in range(4):
        _segment(tmp_path, number, range(1 + 600 * number, 601 + 600 * number))
    sums = []

    def look(items: object) -> object:
        sums.extend((each.delivered + each.pending, each.recorded) for each in delivery_ledgers(tmp_path))
        return MemoryBackend().script(items)  # type: ignore[arg-type]

    forward(tmp_path, MemoryBackend(script=look))  # type: ignore[arg-type]
    assert len(sums) >= 5
    assert set(sums) == {(2400, 2400)}


def test_segments_that_somebody_deleted_by_hand_are_in_no_count(tmp_path: Path) -> None:
    gone = _segment(tmp_path, 1, range(1, 11))
    _segment(tmp_path, 2, range(11, 16))
    forward(tmp_path, MemoryBackend())
    gone.unlink()
    (ledger,) = delivery_ledgers(tmp_path)
    assert (ledger.recorded, ledger.delivered) == (5, 5)


def test_times_and_problems_stand_beside_the_counts(tmp_path: Path) -> None:
    _segment(tmp_path, 1, range(1, 3))
    time_ = StandingClock()
    time_.wall_now_ns = 12345
    forwarder_of(tmp_path, MemoryBackend(), clock=time_.clock).run_once()
    (ledger,) = delivery_ledgers(tmp_path)
    assert (ledger.since_ns, ledger.accepted_at_ns, ledger.problem) == (12345, 12345, None)


@pytest.mark.parametrize("unused_bytes", [0, 5000])
@pytest.mark.parametrize("extra", [[], [TORN], [b"nonsense\n"], [b"\0\0\0half a li"]])
def test_quick_counting_comes_to_the_same_sum(tmp_path: Path, extra: list[bytes], unused_bytes: int) -> None:
    lines = [record(id="1"), record(id="2"), *extra[: extra == [TORN]], record(id="3"), *extra]
    path = write_segment(tmp_path, lines, sealed=False, unused_bytes=unused_bytes)
    assert sum(count_quickly(path, 0)) == sum(count_from(path, 0))
    position = 1024 + len(as_line(record(id="1")))
    assert (
        sum(count_quickly(path, position)) == sum(count_from(path, position)) == sum(count_from(path, 0)) - 1
    )
    assert count_quickly(tmp_path / "segments" / "gone", 0) == (0, 0, 0)
