"""An observation arrives whole: with what was added to it in the same chunk, later, elsewhere, or before."""

from pathlib import Path
from typing import Any

import pytest

from agent_trace.delivery.forwarding import batching, originals, route
from agent_trace.delivery.forwarding.remembered import Memory
from agent_trace.delivery.standing.ledger import delivery_ledgers
from agent_trace.recording.journal.journal import Journal
from tests.support.backends import DOWN, MemoryBackend, StandingClock, forward, forwarder_of
from tests.support.segments import START_NS, as_line, record, write_segment


def _signal(id: str, action: str, at_s: int, **fields: Any) -> dict[str, Any]:
    return record(
        "amendment", id=id, at_ns=START_NS + at_s, signal={"action": action}, tags=[action], **fields
    )


def test_amendments_in_the_same_chunk_go_with_their_observation_at_once(tmp_path: Path) -> None:
    write_segment(
        tmp_path,
        [record(id="1"), _signal("1", "buy", 1), record(id="2"), _signal("1", "sell", 2, level="ERROR")],
    )
    backend = MemoryBackend()
    forward(tmp_path, backend)
    assert len(backend.arrivals) == 2
    sent = backend.last("1")
    assert (sent["tags"], sent["level"]) == (["buy", "sell"], "ERROR")
    assert sent["signal"] == {"action": "sell", "earlier": [{"action": "buy"}]}
    assert delivery_ledgers(tmp_path)[0].delivered == 4


def test_a_later_amendment_sends_the_observation_again_with_all_of_them(tmp_path: Path) -> None:
    journal, backend = Journal(tmp_path), MemoryBackend()
    forwarder = forwarder_of(tmp_path, backend)
    for made in (
        [record(id="1", input="x" * 3_000_000), _signal("1", "buy", 1)],
        [record(id=f"{number:x}") for number in range(2, 200)],
        [_signal("1", "hold", 2), record(id="ee"), _signal("1", "sell", 3), _signal("3", "wait", 4)],
    ):
        for each in made:
            journal.append(as_line(each))
        forwarder.run_once()
    assert backend.last("1")["tags"] == ["buy", "hold", "sell"]
    assert len(backend.last("1")["input"]) == 3_000_000
    assert backend.last("3")["tags"] == ["wait"]
    assert len(backend.arrivals) == 200 + 2  # once more each, not once more for each amendment


def test_an_amendment_in_another_process_finds_its_observation(tmp_path: Path) -> None:
    write_segment(tmp_path, [record(id="1"), _signal("1", "buy", 1)], started_s=1, pid=70)
    write_segment(tmp_path, [record(id="2")], started_s=2, pid=71)
    backend = MemoryBackend()
    forwarder = forward(tmp_path, backend)
    write_segment(tmp_path, [_signal("1", "sell", 2)], started_s=3, pid=72)
    forwarder.run_once()
    assert backend.last("1")["tags"] == ["buy", "sell"]


def test_an_amendment_that_is_read_before_its_observation_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "MOST_ENTRIES", 2)  # the amendments are settled before the backend fails
    write_segment(tmp_path, [record(id="1")], started_s=1)
    later = write_segment(tmp_path, [_signal("1", "buy", 1), _signal("2", "hold", 1)], started_s=2)
    write_segment(tmp_path, [record(id="2"), _signal("2", "sell", 2)], started_s=3)
    time_, answers = StandingClock(), []
    backend = MemoryBackend(script=lambda items: answers.pop() if answers else MemoryBackend().script(items))
    answers.append(DOWN)
    forwarder = forwarder_of(tmp_path, backend, clock=time_.clock)
    forwarder.run_once(first=[later.name])
    forwarder.close()
    time_.pass_s(61)
    forwarder = forwarder_of(tmp_path, backend, clock=time_.clock)
    assert forwarder.run_once().delivered
    assert Memory(forwarder._state.connection, "langfuse").waiting == {}
    assert backend.last("1")["tags"] == ["buy"]
    assert backend.last("2")["tags"] == ["hold", "sell"]
    assert len(backend.arrivals) == 2
    assert delivery_ledgers(tmp_path)[0].delivered == 5


def test_an_amendment_whose_observation_was_evicted_is_no_obstacle(tmp_path: Path) -> None:
    gone = write_segment(tmp_path, [record(id="1")], started_s=1)
    backend = MemoryBackend()
    forwarder = forward(tmp_path, backend)
    gone.unlink()
    write_segment(tmp_path, [_signal("1", "buy", 1), record(id="2")], started_s=2)
    assert forwarder.run_once().delivered
    assert backend.ids == ["1", "2"]
    assert "tags" not in backend.last("1")


def test_the_same_id_in_two_traces_is_two_observations(tmp_path: Path) -> None:
    write_segment(tmp_path, [record(id="1", trace_id="a"), record(id="1", trace_id="b")], started_s=1)
    write_segment(tmp_path, [_signal("1", "buy", 1, trace_id="a")], started_s=2)
    backend = MemoryBackend()
    forward(tmp_path, backend)
    assert [(each["trace_id"][-1], each.get("tags")) for each in backend.arrivals][2:] == [("a", ["buy"])]


def test_an_amended_observation_never_stands_twice_in_one_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route, "STEP_BYTES", 1000)
    write_segment(tmp_path, [*(record(id=f"{number:x}") for number in range(1, 10)), _signal("1", "buy", 1)])
    batches: list[list[str]] = []
    backend = MemoryBackend(
        script=lambda items: batches.append([each.id for each in items]) or MemoryBackend().script(items)
    )  # type: ignore[func-returns-value]
    forward(tmp_path, backend)
    assert all(len(set(batch)) == len(batch) for batch in batches)
    assert backend.last("1")["tags"] == ["buy"]
    assert backend.arrivals[-1]["id"] == backend.last("1")["id"]


@pytest.mark.parametrize("padding", [0, 700, 70_000])
def test_originals_are_found_wherever_the_blocks_of_the_search_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, padding: int
) -> None:
    monkeypatch.setattr(originals, "_STEP_BYTES", 512)
    hint = '{"id":"' + f"{5:016x}" + '"}'
    lines = [
        record(id=f"{number:x}", input="x" * padding, metadata={"id": f"{5:016x}", "text": hint})
        for number in range(1, 12)
    ]
    path = write_segment(tmp_path, [*lines, _signal("5", "buy", 1), *lines[-2:]])
    wanted = [(f"{1:032x}", f"{number:016x}") for number in (5, 1, 11, 77)]
    found = originals.find_originals(tmp_path, wanted, path.name, path.stat().st_size)
    assert {key[1][-1] for key in found} == {"5", "1", "b"}
    assert [found[key].record["id"] for key in wanted[:3]] == [key[1] for key in wanted[:3]]
    assert [each["tags"] for each in found[wanted[0]].amendments] == [["buy"]]


def test_the_search_for_an_original_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(originals, "_MOST_BYTES", 100_000)
    monkeypatch.setattr(originals, "_STEP_BYTES", 10_000)
    lines = [record(id=f"{number:x}", input="x" * 1000) for number in range(1, 500)]
    path = write_segment(tmp_path, lines)
    near, far = ((f"{1:032x}", f"{number:016x}") for number in (450, 3))
    assert set(originals.find_originals(tmp_path, [near, far], path.name, path.stat().st_size)) == {near}


def test_records_that_say_nothing_sensible_are_counted_as_damaged(tmp_path: Path) -> None:
    odd: list[bytes] = [
        b'{"v":1}\n',
        b'{"v":1,"kind":["observation"],"trace_id":"1","id":"1"}\n',
        b'{"v":1,"kind":"observation","trace_id":{},"id":[]}\n',
        b'{"v":1,"kind":"amendment","trace_id":"1","id":null}\n',
        b'{"v":1,"kind":"opened","trace_id":"1","id":7}\n',
    ]
    write_segment(tmp_path, [record(id="1"), *odd, record("score", id=None, score={"name": "q", "value": 1})])
    backend = MemoryBackend()
    assert forwarder_of(tmp_path, backend).run_once().delivered
    assert [each["kind"] for each in backend.arrivals] == ["observation", "score"]
    (ledger,) = delivery_ledgers(tmp_path)
    assert (ledger.damaged, ledger.delivered) == (5, 2)
