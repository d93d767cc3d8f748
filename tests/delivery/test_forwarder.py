"""The forwarder takes everything to every backend, whatever the backends and the disk do meanwhile."""

import json
import os
import random
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from agent_trace.delivery.backend import Answer, Item
from agent_trace.delivery.forwarding import pace, route
from agent_trace.delivery.forwarding.batching import MOST_ITEMS
from agent_trace.delivery.forwarding.forwarder import Forwarder
from agent_trace.delivery.reader import list_segments
from agent_trace.delivery.standing.ledger import delivery_ledgers
from agent_trace.delivery.standing.orders import (
    dead_letters,
    extend_history,
    forget_consumer,
    is_settled,
    retry_dead,
)
from agent_trace.recording.journal.header import Header, encode_header
from agent_trace.recording.journal.journal import Journal
from tests.support.backends import (
    ACCEPTED,
    BAD,
    BUSY,
    DOWN,
    WRONG_KEY,
    MemoryBackend,
    StandingClock,
    forward,
    forwarder_of,
)
from tests.support.segments import START_NS, as_line, record, write_segment


def _observations(count: int, start: int = 1, **fields: Any) -> list[dict[str, Any]]:
    return [record(id=f"{number:x}", **fields) for number in range(start, start + count)]


def _ids(count: int, start: int = 1) -> list[str]:
    return [f"{number:x}" for number in range(start, start + count)]


def test_everything_of_every_process_arrives_in_batches(tmp_path: Path) -> None:
    write_segment(tmp_path, _observations(300), started_s=1)
    write_segment(tmp_path, _observations(300, 301), started_s=2, sealed=False, unused_bytes=5000)
    live = Journal(tmp_path)
    for each in _observations(100, 601):
        live.append(as_line(each))
    backend = MemoryBackend()
    forwarder = forwarder_of(tmp_path, backend)
    assert forwarder.run_once().delivered
    assert backend.ids == _ids(700)
    assert max(backend.sizes) <= MOST_ITEMS
    live.append(as_line(record(id="ffff")))
    assert forwarder.run_once().settled == 1
    assert (backend.ids[-1], backend.repeated) == ("ffff", 0)


def test_batches_grow_up_to_a_bound_and_a_larger_record_goes_alone(tmp_path: Path) -> None:
    sizes: list[int] = []

    def weigh(items: Sequence[Item]) -> Answer:
        sizes.append(sum(item.size_bytes for item in items))
        return Answer("accepted", 200, "")

    write_segment(
        tmp_path,
        [
            *_observations(70, input="x" * 100_000),
            record(id="aaa", input="x" * 3_000_000),
            *_observations(5, 80),
        ],
    )
    backend = MemoryBackend(script=weigh)
    forward(tmp_path, backend)
    assert len(backend.ids) == 76
    assert sizes[0] < sizes[1] < sizes[2] and sizes[0] <= pace.FIRST_BYTES
    assert [size for size in sizes if size > pace.MOST_BYTES] == [pytest.approx(3_000_000, rel=0.01)]


def test_over_a_slow_line_batches_become_so_small_that_they_arrive(tmp_path: Path) -> None:
    time_ = StandingClock()

    def carry(items: Sequence[Item]) -> Answer:
        """64 KiB a second, and 10 s at most."""
        took_s = sum(item.size_bytes for item in items) / (64 << 10)
        time_.pass_s(min(took_s, 10))
        return ACCEPTED if took_s <= 10 else DOWN

    write_segment(tmp_path, _observations(100, input="x" * 50_000))
    backend = MemoryBackend(script=carry)
    forwarder = forwarder_of(tmp_path, backend, clock=time_.clock)
    while not forwarder.run_once().delivered:
        time_.pass_s(60)
    assert backend.repeated == 0 and len(backend.ids) == 100
    assert backend.attempts < 30


def test_a_server_that_takes_only_so_much_is_asked_for_more_only_once(tmp_path: Path) -> None:
    refused = []

    def limited(items: Sequence[Item]) -> Answer:
        size = sum(item.size_bytes for item in items)
        if size <= 1_000_000:
            return ACCEPTED
        refused.append(size)
        return Answer("refused", 413, "too large")

    write_segment(tmp_path, _observations(100, input="x" * 100_000))
    backend = MemoryBackend(script=limited)
    assert forwarder_of(tmp_path, backend).run_once().delivered
    assert (len(backend.ids), len(refused)) == (100, 1)


def test_two_backends_get_everything_and_one_that_fails_does_not_hold_up_the_other(tmp_path: Path) -> None:
    write_segment(tmp_path, _observations(600))
    sick, well = MemoryBackend(script=lambda items: DOWN), MemoryBackend("otlp")
    outcome = forwarder_of(tmp_path, sick, well).run_once()
    assert (len(well.ids), sick.attempts, outcome.delivered) == (600, 1, False)


def test_half_an_hour_of_outage_is_waited_out_at_growing_intervals(tmp_path: Path) -> None:
    write_segment(tmp_path, _observations(10))
    time_ = StandingClock()
    backend = MemoryBackend(script=lambda items: BUSY)
    forwarder = forwarder_of(tmp_path, backend, clock=time_.clock)
    waits = []
    rng = random.Random(1)
    end_s = time_.now_s + 1800
    while time_.now_s < end_s:
        time_.jitter = rng.random()
        before = backend.attempts
        outcome = forwarder.run_once()
        assert backend.attempts == before + 1
        wait_s = forwarder._consumers[0].backoff.remaining_s
        waits.append(wait_s)
        assert outcome.again_in_s == min(wait_s, 5.0)
        assert forwarder.run_once().settled == 0  # too early: nothing is sent
        assert backend.attempts == before + 1
        time_.pass_s(wait_s + 0.001)
    assert all(wait_s <= min(60, 2**number) for number, wait_s in enumerate(waits))
    assert 30 <= backend.attempts <= 120
    assert "busy" in (delivery_ledgers(tmp_path)[0].problem or "")
    backend.script = MemoryBackend().script
    assert forwarder.run_once().delivered
    assert backend.ids == _ids(10)
    assert delivery_ledgers(tmp_path)[0].problem is None


def test_the_server_says_when_to_come_back_within_reason(tmp_path: Path) -> None:
    write_segment(tmp_path, _observations(1))
    for asked_for_s, waited_s in ((30.0, 30.0), (9000.0, 300.0)):
        answer = Answer("later", 429, "slow down", asked_for_s)
        forwarder = forwarder_of(tmp_path, MemoryBackend(script=lambda items, answer=answer: answer))
        forwarder.run_once()
        forwarder.hurry()
        assert forwarder._consumers[0].backoff.remaining_s == waited_s
        forwarder.close()


def test_a_hurry_does_not_wait_for_the_end_of_a_back_off(tmp_path: Path) -> None:
    write_segment(tmp_path, _observations(1))
    backend = MemoryBackend(script=lambda items: DOWN)
    forwarder = forward(tmp_path, backend)
    forwarder.run_once()
    assert backend.attempts == 1
    forwarder.hurry()
    forwarder.run_once()
    assert backend.attempts == 2


def test_wrong_credentials_are_told_once_and_tried_again_every_five_minutes(tmp_path: Path) -> None:
    write_segment(tmp_path, _observations(3))
    time_, told = StandingClock(), []
    backend = MemoryBackend(script=lambda items: WRONG_KEY)
    forwarder = forwarder_of(tmp_path, backend, clock=time_.clock, report=told.append)
    for _ in range(100):
        forwarder.run_once()
        time_.pass_s(5)
    assert backend.attempts == 2  # at first, and after 300 s
    assert forwarder.is_refused
    assert len(told) == 1
    assert backend.address in told[0] and WRONG_KEY.text in told[0]
    backend.script = MemoryBackend().script
    time_.pass_s(300)
    assert forwarder.run_once().delivered
    assert (backend.ids, forwarder.is_refused) == (_ids(3), False)


def test_one_poisonous_observation_among_ten_thousand_is_found_and_the_rest_flows(tmp_path: Path) -> None:
    for number in range(10):
        write_segment(tmp_path, _observations(1000, 1 + number * 1000), started_s=number)
    poison, told = f"{7777:016x}", []
    backend = MemoryBackend(
        script=lambda items: BAD if poison in {item.id for item in items} else Answer("accepted", 200, "")
    )
    forward(tmp_path, backend, report=told.append)
    assert len(backend.ids) == 9999
    assert backend.repeated == 0
    # One request a batch, of which each of ten segments may leave one unfilled, and one for each halving.
    assert backend.attempts <= 10_000 / 256 + 1 + 9
    (letter,) = dead_letters(tmp_path, "langfuse")
    assert (letter.id, letter.status, letter.answer, letter.record["id"]) == (
        poison,
        400,
        "bad request",
        poison,
    )
    (ledger,) = delivery_ledgers(tmp_path)
    assert (ledger.delivered, ledger.dead_lettered, ledger.pending) == (9999, 1, 0)
    assert len(told) == 1 and "agent-trace forward --dead" in told[0]


def test_the_search_for_poison_ends_also_when_the_halves_are_answered_with_later(tmp_path: Path) -> None:
    write_segment(tmp_path, _observations(64))
    turns = iter(range(10**6))
    poison = f"{20:016x}"

    def moody(items: Sequence[Item]) -> Answer:
        if next(turns) % 2:
            return BUSY
        return BAD if poison in {item.id for item in items} else Answer("accepted", 200, "")

    time_ = StandingClock()
    backend = MemoryBackend(script=moody)
    forwarder = forwarder_of(tmp_path, backend, clock=time_.clock)
    for _ in range(60):
        forwarder.run_once()
        time_.pass_s(61)
    assert sorted(backend.ids) == sorted(set(_ids(64)) - {"14"})
    assert backend.repeated == 0


def test_a_backend_that_refuses_everything_does_not_get_everything_at_once(tmp_path: Path) -> None:
    write_segment(tmp_path, _observations(3000))
    time_, backend = StandingClock(), MemoryBackend(script=lambda items: BAD)
    forwarder = forwarder_of(tmp_path, backend, clock=time_.clock)
    for dead in (1000, 1000, 2000):
        forwarder.run_once()
        assert delivery_ledgers(tmp_path)[0].dead_lettered == dead
        time_.pass_s(0.6)
    backend.script = MemoryBackend().script
    time_.pass_s(60)
    assert forwarder.run_once().delivered
    assert len(backend.ids) == 1000


def test_dead_letters_are_tried_again_when_asked_for(tmp_path: Path) -> None:
    write_segment(tmp_path, [*_observations(5), record("amendment", id="2", tags=["late"])])
    backend = MemoryBackend(script=lambda items: BAD)
    forwarder = forward(tmp_path, backend)
    assert delivery_ledgers(tmp_path)[0].dead_lettered == 5
    assert retry_dead(tmp_path, "langfuse") == 5
    forwarder.run_once()
    assert delivery_ledgers(tmp_path)[0].dead_lettered == 5
    assert len(dead_letters(tmp_path, "langfuse")) == 5
    backend.script = MemoryBackend().script
    forwarder.run_once()
    assert backend.ids == []  # not without being asked again
    retry_dead(tmp_path, "langfuse")
    assert forwarder.run_once().delivered
    assert (backend.ids, backend.last("2")["tags"]) == (_ids(5), ["late"])
    (ledger,) = delivery_ledgers(tmp_path)
    assert (ledger.dead_lettered, ledger.delivered, ledger.pending) == (0, 6, 0)
    assert dead_letters(tmp_path, "langfuse") == []


def test_scores_and_observations_wait_for_one_another_no_longer_than_they_must(tmp_path: Path) -> None:
    """The scores' endpoint is down: what was accepted of the observations is not sent again, by nobody."""
    mixed = [
        each
        for number in range(1, 21)
        for each in (
            record(id=f"{number:x}"),
            record("score", id=f"{number:x}", score={"name": "q", "value": number}),
        )
    ]
    write_segment(tmp_path, mixed)
    time_ = StandingClock()
    backend = MemoryBackend(
        script=lambda items: DOWN if items[0].channel == "scores" else Answer("accepted", 200, "")
    )
    for _ in range(3):
        forwarder = forwarder_of(tmp_path, backend, clock=time_.clock)
        forwarder.run_once()
        forwarder.close()
        time_.pass_s(61)
    assert (len(backend.arrivals), backend.ids) == (20, _ids(20))
    assert delivery_ledgers(tmp_path)[0].pending == 39
    backend.script = MemoryBackend().script
    assert forwarder_of(tmp_path, backend, clock=time_.clock).run_once().delivered
    assert (len(backend.arrivals), backend.repeated) == (40, 0)
    assert delivery_ledgers(tmp_path)[0].delivered == 40


def test_what_was_recorded_before_the_registration_is_history_until_it_is_asked_for(tmp_path: Path) -> None:
    ten_ns = START_NS + 10 * 60_000_000_000
    old = _observations(5, start_ns=START_NS)
    mixed = [*_observations(3, 6, start_ns=START_NS), *_observations(4, 9, start_ns=ten_ns)]
    write_segment(tmp_path, old, started_s=1)
    write_segment(tmp_path, mixed, started_s=2)
    time_ = StandingClock()
    time_.wall_now_ns = ten_ns
    backend = MemoryBackend()
    forwarder = forwarder_of(tmp_path, backend, clock=time_.clock)
    assert forwarder.run_once().delivered
    assert backend.ids == _ids(4, 9)
    (ledger,) = delivery_ledgers(tmp_path)
    assert (ledger.held_back, ledger.delivered, ledger.recorded) == ({"history": 8}, 4, 12)
    assert extend_history(tmp_path, "langfuse", START_NS) == 2
    assert (tmp_path / "delivery" / "langfuse.done").read_text().count("jsonl") == 0
    assert forwarder.run_once().delivered
    assert sorted(backend.ids, key=lambda id: int(id, 16)) == _ids(12)
    (ledger,) = delivery_ledgers(tmp_path)
    assert (ledger.held_back, ledger.delivered, ledger.recorded) == ({}, 12, 12)
    assert extend_history(tmp_path, "langfuse", ten_ns) == 0


def test_a_segment_whose_process_was_configured_for_the_consumer_is_delivered_whole(tmp_path: Path) -> None:
    paths = [
        write_segment(tmp_path, _observations(3, 1 + 3 * number), started_s=number) for number in range(2)
    ]
    with open(paths[0], "r+b") as file:
        file.write(
            encode_header(
                Header(1, "here", "", START_NS, {}, sealed=True, records=3, consumers=("langfuse",))
            )
        )
    time_ = StandingClock()
    time_.wall_now_ns = START_NS * 2
    backend, other = MemoryBackend(), MemoryBackend("otlp")
    forward(tmp_path, backend, other, clock=time_.clock)
    assert (backend.ids, other.ids) == (_ids(3), [])


def test_segments_that_a_flush_names_go_first(tmp_path: Path) -> None:
    paths = [
        write_segment(tmp_path, _observations(2, 1 + 2 * number), started_s=number) for number in range(4)
    ]
    backend = MemoryBackend()
    forwarder_of(tmp_path, backend).run_once(first=[paths[3].name, paths[1].name])
    assert backend.ids == ["7", "8", "3", "4", "1", "2", "5", "6"]


def test_what_somebody_else_sends_to_the_same_backend_is_held_back(tmp_path: Path) -> None:
    write_segment(tmp_path, [*_observations(2), *_observations(3, 3, sent_elsewhere=["langfuse"])])
    backend, other = MemoryBackend(), MemoryBackend("otlp")
    forward(tmp_path, backend, other)
    assert (backend.ids, other.ids) == (_ids(2), _ids(5))
    assert delivery_ledgers(tmp_path)[0].held_back == {"sent elsewhere": 3}


@pytest.mark.parametrize("answer_s", [0.03, 5.0])
def test_a_pass_ends_at_its_deadline(tmp_path: Path, answer_s: float) -> None:
    write_segment(tmp_path, _observations(5000))
    asked_for: list[float] = []

    class Slow(MemoryBackend):
        def send(self, items: Sequence[Item], timeout_s: float) -> Answer:
            asked_for.append(timeout_s)
            time.sleep(min(answer_s, timeout_s))
            self.take(items)
            return Answer("accepted", 200, "") if answer_s <= timeout_s else DOWN

    forwarder = Forwarder(tmp_path, [Slow()])
    extend_history(tmp_path, "langfuse", 1)
    started_s = time.monotonic()
    outcome = forwarder.run_once(started_s + 0.3)
    assert time.monotonic() - started_s < 0.3 + 1.0
    assert not outcome.delivered
    assert all(0 < timeout_s <= 0.3 for timeout_s in asked_for)
    (ledger,) = delivery_ledgers(tmp_path)
    assert ledger.delivered + ledger.pending == 5000
    assert (ledger.delivered > 0) == (answer_s < 1)


def test_a_full_disk_keeps_from_sending_again_what_could_not_be_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_segment(tmp_path, _observations(600))
    backend, told = MemoryBackend(), []
    forwarder = forwarder_of(tmp_path, backend, report=told.append)
    real = type(forwarder._state).commit

    def full(*arguments: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(forwarder._state, "commit", full)
        for _ in range(5):
            assert not forwarder.run_once().delivered
    assert real is type(forwarder._state).commit
    assert (backend.attempts, len(told)) == (1, 1)
    assert forwarder.run_once().delivered
    assert (backend.ids, backend.repeated) == (_ids(600), 0)


def test_a_damaged_state_is_set_aside_and_everything_sent_again_but_no_history(tmp_path: Path) -> None:
    ten_ns = START_NS + 10 * 60_000_000_000
    write_segment(tmp_path, _observations(3), started_s=1)
    write_segment(tmp_path, _observations(3, 4, start_ns=ten_ns), started_s=2)
    time_ = StandingClock()
    time_.wall_now_ns = ten_ns
    forward(tmp_path, MemoryBackend(), clock=time_.clock).close()
    (tmp_path / "delivery" / "state.sqlite").write_bytes(b"nonsense" * 1000)
    time_.pass_s(1000)
    backend, told = MemoryBackend(), []
    forwarder = forwarder_of(tmp_path, backend, clock=time_.clock, report=told.append)
    forwarder.run_once()
    assert forwarder.run_once().delivered
    assert backend.ids == _ids(3, 4)
    assert len(told) == 1 and "damaged" in told[0]
    assert delivery_ledgers(tmp_path)[0].held_back == {"history": 3}
    assert (tmp_path / "delivery" / "state.sqlite.damaged").exists()


def test_damage_in_the_journal_is_passed_and_counted_once(tmp_path: Path) -> None:
    torn = b"\0" * 40 + b"xyz\n"
    lines = [
        *_observations(3),
        b"nonsense\n",
        *_observations(3, 4),
        torn,
        *_observations(300, 7),
        b'{"v":1,"kind":"thing"}\n',
    ]
    write_segment(tmp_path, lines, sealed=False)
    backend, time_ = MemoryBackend(), StandingClock()
    answers = iter([Answer("accepted", 200, ""), DOWN])
    backend.script = lambda items: next(answers, Answer("accepted", 200, ""))
    for _ in range(3):
        forwarder = forwarder_of(tmp_path, backend, clock=time_.clock)
        forwarder.run_once()
        forwarder.close()
        time_.pass_s(61)
    assert (backend.ids, backend.repeated) == (_ids(306), 0)
    (ledger,) = delivery_ledgers(tmp_path)
    assert (ledger.torn, ledger.damaged, ledger.delivered, ledger.pending) == (1, 2, 306, 0)


def test_a_record_that_cannot_be_encoded_is_a_dead_letter_and_no_obstacle(tmp_path: Path) -> None:
    class Picky(MemoryBackend):
        def encode(self, record: dict[str, Any], line: bytes | None = None) -> list[Item]:
            return (
                []
                if record["name"] == "nothing"
                else super().encode({**record, "x": 1 / len(record["name"])})
            )

    write_segment(
        tmp_path, [record(id="1"), record(id="2", name=""), record(id="3", name="nothing"), record(id="4")]
    )
    backend = Picky()
    assert forwarder_of(tmp_path, backend).run_once().delivered
    assert backend.ids == ["1", "4"]
    assert [letter.id.lstrip("0") for letter in dead_letters(tmp_path, "langfuse")] == ["2"]


def test_what_a_killed_process_left_running_is_sent_as_interrupted_unless_it_ended_elsewhere(
    tmp_path: Path,
) -> None:
    opened = [record("opened", id=f"{number:x}", type="agent") for number in (1, 2, 3)]
    write_segment(
        tmp_path, [*opened, record(id="9", parent_id="1"), record(id="2")], started_s=1, pid=71, sealed=False
    )
    write_segment(tmp_path, [record(id="3", start_ns=START_NS + 5)], started_s=2, pid=71, sealed=False)
    backend = MemoryBackend()
    forwarder = forward(tmp_path, backend)
    assert sorted(backend.ids) == ["1", "2", "3", "9"]
    sent = backend.last("1")
    assert (sent["type"], sent["level"], sent["end_ns"]) == ("agent", "ERROR", START_NS + 1_000_000)
    assert "interrupted" in sent["status_message"]
    assert "status_message" not in backend.last("3")
    arrivals = len(backend.arrivals)
    forwarder.run_once()
    assert len(backend.arrivals) == arrivals == 4
    assert delivery_ledgers(tmp_path)[0].recorded == 6


def test_a_line_written_between_the_last_look_and_the_writers_end_is_not_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path)
    journal.append(as_line(record(id="1")))

    def ends(path: Path) -> bool:
        journal.append(as_line(record(id="2")))
        journal.close()
        return False

    backend = MemoryBackend()
    forwarder = forwarder_of(tmp_path, backend)
    with monkeypatch.context() as patch:
        patch.setattr(route, "is_live", ends)
        patch.setattr(route.Route, "_all_history", lambda self, cursor: None)
        forwarder.run_once()
    forwarder.run_once()
    assert backend.ids == ["1", "2"]


def test_what_still_runs_is_not_sent(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(as_line(record("opened", id="1")))
    backend = MemoryBackend()
    forwarder = forward(tmp_path, backend)
    journal.close()
    forwarder.run_once()
    assert backend.arrivals == []


def test_a_flush_elsewhere_can_tell_when_its_records_have_arrived(tmp_path: Path) -> None:
    path = write_segment(tmp_path, _observations(3))
    marks = {path.name: path.stat().st_size}
    assert not is_settled(tmp_path, ["langfuse"], marks)
    forward(tmp_path, MemoryBackend())
    assert is_settled(tmp_path, ["langfuse"], marks)
    assert not is_settled(tmp_path, ["langfuse", "otlp"], marks)
    assert is_settled(tmp_path, ["otlp"], {"evicted-1-x.jsonl": 5000})


def test_a_consumer_can_be_forgotten(tmp_path: Path) -> None:
    write_segment(tmp_path, _observations(3))
    forward(tmp_path, MemoryBackend(), MemoryBackend("otlp")).close()
    assert forget_consumer(tmp_path, "langfuse")
    assert not forget_consumer(tmp_path, "langfuse")
    assert not forget_consumer(tmp_path / "elsewhere", "langfuse") and not (tmp_path / "elsewhere").exists()
    assert [ledger.consumer for ledger in delivery_ledgers(tmp_path)] == ["otlp"]
    assert sorted(path.name for path in (tmp_path / "delivery").glob("*.done")) == ["otlp.done"]


def test_the_progress_of_a_long_pass_is_told(tmp_path: Path) -> None:
    paths = [
        write_segment(tmp_path, _observations(2000, 1 + 2000 * each), started_s=each) for each in range(3)
    ]
    told: list[tuple[int, int]] = []
    forwarder_of(tmp_path, MemoryBackend()).run_once(progress=lambda done, total: told.append((done, total)))
    total = sum(path.stat().st_size - 1024 for path in paths)
    assert told[-1] == (total, total)
    assert told == sorted(told) and len(told) > 5


def test_nothing_is_made_where_nothing_was_recorded(tmp_path: Path) -> None:
    assert forwarder_of(tmp_path / "none", MemoryBackend()).run_once().delivered
    assert not (tmp_path / "none").exists()
    assert delivery_ledgers(tmp_path / "none") == []


def test_a_store_that_somebody_removed_and_made_again_is_forwarded_from_its_start(tmp_path: Path) -> None:
    import shutil

    store = tmp_path / "store"
    write_segment(store, _observations(3))
    backend, time_ = MemoryBackend(), StandingClock()
    forwarder = forward(store, backend, clock=time_.clock)
    shutil.rmtree(store)
    write_segment(store, _observations(3, 4), started_s=5)
    for _ in range(3):
        forwarder.run_once()
    assert backend.ids == _ids(6)


def test_files_are_their_owners_only(tmp_path: Path) -> None:
    write_segment(tmp_path, _observations(3))
    old = os.umask(0)
    try:
        forward(tmp_path, MemoryBackend())
    finally:
        os.umask(old)
    folder = tmp_path / "delivery"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        path.name: 0o600 for path in folder.iterdir()
    }
    assert {"state.sqlite", "lock", "langfuse.done"} <= {path.name for path in folder.iterdir()}


def test_retention_is_told_what_is_done_with_and_the_list_stays_short(tmp_path: Path) -> None:
    for number in range(3):
        write_segment(tmp_path, _observations(2, 1 + 2 * number), started_s=number)
    live = Journal(tmp_path)
    live.append(as_line(record(id="99")))
    forwarder = forward(tmp_path, MemoryBackend())
    done = tmp_path / "delivery" / "langfuse.done"
    finished = [path.name for path in list_segments(tmp_path)[:3]]
    assert done.read_text().splitlines()[1:] == finished
    forwarder.close()
    with open(done, "a") as file:
        file.writelines(f"gone-{number}.jsonl\n" for number in range(2000))
    list_segments(tmp_path)[0].unlink()
    forward(tmp_path, MemoryBackend())
    assert done.read_text().splitlines()[1:] == finished[1:]
    assert json.loads(json.dumps(done.read_text().splitlines()[0])) == "# since_ns 1"
