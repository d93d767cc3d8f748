"""Promises of what comes and goes: live writers, followers, retention, the ledger."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import agent_trace.store
from agent_trace.store import Filter, Store
from tests.support.segments import as_line, record, segment_name, write_segment
from tests.support.stores import content, rebuilt


class Writer:
    """A process's side of a live segment: locked, allocated ahead, written to."""

    def __init__(self, directory: Path, *records: Any, started_s: float = 0.0, pid: int = 4242) -> None:
        self.path = write_segment(
            directory,
            records,
            sealed=False,
            unused_bytes=50_000,
            started_s=started_s,
            name=segment_name(started_s, pid),
        )
        self._fd = os.open(self.path, os.O_RDWR)
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        self._position = len(self.path.read_bytes().rstrip(b"\0"))

    def write(self, *records: Any) -> None:
        for each in records:
            line = as_line(each)
            os.pwrite(self._fd, line, self._position)
            self._position += len(line)

    def die(self) -> None:
        os.close(self._fd)

    def seal(self) -> None:
        head = json.loads(self.path.read_bytes()[:1024]) | {"sealed": True, "records": 1}
        os.pwrite(self._fd, json.dumps(head).encode().ljust(1023) + b"\n", 0)
        os.ftruncate(self._fd, self._position)
        os.close(self._fd)


@contextmanager
def writing(directory: Path, *records: Any, **named: Any) -> Iterator[Writer]:
    writer = Writer(directory, *records, **named)
    try:
        yield writer
    finally:
        try:
            writer.die()
        except OSError:
            pass


def states(store: Store) -> list[str]:
    return [node.state for _, node in store.trace("0").walk()]


def test_what_is_open_runs_while_its_process_lives_and_is_interrupted_after(tmp_path: Path) -> None:
    with (
        writing(tmp_path, record("opened", id="a"), record(id="b", parent_id="a")) as writer,
        Store(tmp_path) as store,
    ):
        assert store.traces()[0].status == "running"
        assert states(store) == ["running", "finished"]
        assert store.observation("a".rjust(16, "0")).kind == "opened"
        writer.die()
        assert store.traces()[0].status == "interrupted"
        assert states(store) == ["interrupted", "finished"]
        assert writer.path.stat().st_size < 5000


def test_what_was_opened_in_a_full_segment_still_runs_in_the_next(tmp_path: Path) -> None:
    first = Writer(tmp_path, record("opened", id="a"), started_s=1)
    first.seal()
    with Store(tmp_path) as store:
        with writing(tmp_path, record(id="b", parent_id="a"), started_s=2) as second:
            assert store.traces()[0].status == "running"
            second.die()
            assert store.traces()[0].status == "interrupted"


def test_a_new_process_with_the_number_of_a_dead_one_does_not_revive_it(tmp_path: Path) -> None:
    dead = Writer(tmp_path, record("opened", id="a"), started_s=1, pid=1)
    dead.die()
    with Store(tmp_path) as store:
        store.refresh()
        with writing(tmp_path, record("opened", trace_id="2", id="b"), started_s=2, pid=1):
            rows = {row.trace_id[-1]: row.status for row in store.traces()}
    assert rows == {"1": "interrupted", "2": "running"}


def test_what_a_live_process_adds_is_read_from_where_reading_stopped(tmp_path: Path) -> None:
    with writing(tmp_path, record(id="1")) as writer, Store(tmp_path) as store:
        for number in range(2, 8):
            assert store.refresh() == 1
            assert store.refresh() == 0
            writer.write(record(id=f"{number:x}"))
        assert store.traces()[0].observations == 7
        first = content(store)
        assert first == rebuilt(tmp_path)


def test_a_follower_sees_what_arrives_after_it_began(tmp_path: Path) -> None:
    write_segment(tmp_path, [record(id="1")], started_s=-50)
    with writing(tmp_path, record(id="2")) as writer:
        follower = Store(tmp_path).follow(poll_s=0.001)
        writer.write(
            record("opened", id="3", name="x"), record(id="3", model="gpt-4o", usage={"input": 1_000_000})
        )
        writer.write(record("amendment", id="3", signal={"action": "BUY"}), record("score", id="3"))
        seen = [next(follower) for _ in range(3)]
        assert [(each.kind, each.id[-1]) for each in seen] == [
            ("opened", "3"),
            ("observation", "3"),
            ("amendment", "3"),
        ]
        assert str(seen[1].total_cost) == "2.5"
        assert seen[2].signal == {"action": "BUY"}
        write_segment(tmp_path, [record(id="4")], started_s=9)
        assert next(follower).id[-1] == "4"


def test_a_follower_can_be_told_what_to_look_for(tmp_path: Path) -> None:
    with writing(tmp_path, record(id="2")) as writer:
        follower = Store(tmp_path).follow(poll_s=0.001, where=Filter(agent="risk"))
        writer.write(record(id="3"), record(id="4", agent_id="risk"))
        assert next(follower).id[-1] == "4"


def test_pruning_removes_the_oldest_segments_with_everything_the_index_says_of_them(tmp_path: Path) -> None:
    signal = {"action": "BUY"}
    old = write_segment(
        tmp_path,
        [
            record(id="a", agent_id="old", tags=["t"], signal=signal),
            record(trace_id="2", id="b", usage={"input": 9}),
        ],
        started_s=1,
    )
    write_segment(
        tmp_path, [record(id="c", agent_id="new", usage={"input": 5}, model="gpt-4o")], started_s=60
    )
    os.utime(old, (time.time() - 5000, time.time() - 5000))
    with Store(tmp_path) as store:
        store.refresh()
        planned = store.prune(older_than_s=3600, dry_run=True)
        assert (planned.segments, planned.records) == (1, 2)
        assert len(store.traces()) == 2
        assert store.prune(older_than_s=3600) == planned
        (row,) = store.traces()
        assert (row.observations, row.tokens, row.agents, row.models) == (1, 5, ["new"], ["gpt-4o"])
        assert store.signals() == []
        ledger = store.ledger()
        assert (ledger.indexed, ledger.evicted, ledger.recorded) == (1, 2, 3)
        first = content(store)
    after = rebuilt(tmp_path)
    assert {**first, "amendments": []} == {**after, "amendments": []}


def test_pruning_to_a_size_keeps_the_newest(tmp_path: Path) -> None:
    for number in range(5):
        write_segment(tmp_path, [record(id=f"{number + 1:x}", input="x" * 9000)], started_s=number)
    with Store(tmp_path) as store:
        store.prune(max_bytes=25_000)
        assert [each.id[-1] for each in store.observations()] == ["5", "4"]


def test_segments_that_somebody_deleted_by_hand_are_forgotten(tmp_path: Path) -> None:
    gone = write_segment(tmp_path, [record(id="a"), record("amendment", id="b", level="ERROR")], started_s=1)
    write_segment(tmp_path, [record(id="b")], started_s=2)
    with Store(tmp_path) as store:
        assert store.traces()[0].observations == 2
        gone.unlink()
        assert [each.id[-1] for each in store.observations()] == ["b"]
        assert store.traces()[0].observations == 1
        assert store.observation("b".rjust(16, "0")).level == "DEFAULT"


def test_the_ledger_adds_up_to_what_was_recorded(tmp_path: Path) -> None:
    write_segment(
        tmp_path, [record(id="a"), b"nonsense\n"], lost={"disk_full": 3, "too_large": 1}, started_s=1
    )
    write_segment(tmp_path, [record(id="b")], lost={"disk_full": 2}, started_s=2)
    with Store(tmp_path) as store:
        before = store.ledger()
        assert (before.indexed, before.pending) == (0, 2)
        store.refresh()
        with writing(tmp_path, record(id="c"), record(id="d"), started_s=3):
            ledger = store.ledger()
    assert (ledger.indexed, ledger.pending, ledger.damaged, ledger.torn) == (2, 2, 1, 0)
    assert ledger.lost == {"disk_full": 5, "too_large": 1}
    assert ledger.recorded == 2 + 2 + 1 + 6
    assert ledger.segments == 3


def test_everything_public_is_listed() -> None:
    names = agent_trace.store.__all__
    assert names == sorted(names)
    assert all(hasattr(agent_trace.store, name) for name in names)


@pytest.mark.parametrize(
    "module", ["agent_trace.recording.journal.journal", "agent_trace.errors", "agent_trace.settings"]
)
def test_recording_does_not_load_sqlite(module: str) -> None:
    import subprocess
    import sys

    script = f"import sys, {module}; sys.exit('sqlite3' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[2], check=False).returncode
        == 0
    )
