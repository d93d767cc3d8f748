"""What one process may rely on when it appends to a journal."""

import gc
import json
import os
import stat
import threading
import weakref
from pathlib import Path

import pytest

from agent_trace.delivery.reader import is_live, list_segments, read_header, read_lines
from agent_trace.recording.journal import journal as journal_module
from agent_trace.recording.journal.journal import Journal
from agent_trace.recording.journal.segment import MAX_LINE_BYTES
from tests.support.journals import line, numbers, segment_lines, store_lines


def test_nothing_is_created_before_the_first_append(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "store")
    journal.close()
    assert list(tmp_path.iterdir()) == []


def test_an_appended_line_is_readable_at_once_while_the_journal_is_open(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    for number in range(100):
        assert journal.append(line(number))
        assert numbers(tmp_path) == list(range(number + 1))
    assert journal.recorded == 100
    assert journal.lost == {}
    assert journal.problem is None


def test_closing_seals_and_gives_unused_space_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path, service="desk")
    journal.append(line(1))
    assert journal.path is not None
    path = journal.path
    assert is_live(path)
    assert path.stat().st_size == 256 << 10
    journal.close()
    header = read_header(path)
    assert not is_live(path)
    assert path.stat().st_size == 1024 + len(line(1))
    assert (header.sealed, header.records, header.pid, header.service) == (True, 1, os.getpid(), "desk")


def test_append_after_close_opens_another_segment(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(line(1))
    journal.close()
    journal.close()
    journal.append(line(2))
    journal.close()
    assert len(list_segments(tmp_path)) == 2
    assert numbers(tmp_path) == [1, 2]
    assert journal.recorded == 2


def test_a_full_segment_is_sealed_and_the_next_one_sorts_behind_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path, segment_bytes=64 << 10)
    for number in range(500):
        journal.append(line(number, padding=1000))
    journal.close()
    segments = list_segments(tmp_path)
    assert len(segments) > 1
    assert [json.loads(each)["n"] for each in store_lines(tmp_path)] == list(range(500))
    assert sum(read_header(path).records or 0 for path in segments) == 500
    assert all(path.stat().st_size <= 256 << 10 for path in segments)


def test_segments_sort_by_time_even_when_the_clock_goes_backwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = iter(range(10_000 * 10**15, 0, -(10**15)))
    monkeypatch.setattr("agent_trace.recording.journal.layout.time.time_ns", lambda: next(ticks))
    journal = Journal(tmp_path)
    for number in range(20):
        journal.append(line(number))
        journal.close()
    assert [json.loads(each)["n"] for each in store_lines(tmp_path)] == list(range(20))


def test_space_is_taken_in_steps_so_that_short_processes_stay_small(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    sizes = set()
    for number in range(400):
        journal.append(line(number, padding=3000))
        assert journal.path is not None
        status = journal.path.stat()
        sizes.add(status.st_size)
        assert status.st_blocks * 512 >= status.st_size, "mapped space is not really allocated"
    assert sizes == {256 << 10, 512 << 10, 768 << 10, 1024 << 10, 1280 << 10}
    journal.close()
    assert numbers(tmp_path) == list(range(400))


def test_a_line_larger_than_a_segment_gets_one_of_its_size(tmp_path: Path) -> None:
    journal = Journal(tmp_path, segment_bytes=256 << 10)
    journal.append(line(1))
    assert journal.append(line(2, padding=3 << 20))
    journal.append(line(3))
    journal.close()
    assert store_lines(tmp_path) == [line(1), line(2, padding=3 << 20), line(3)]


def test_a_line_above_the_limit_is_lost_counted_and_told_once(tmp_path: Path) -> None:
    told: list[tuple[str, str]] = []
    journal = Journal(tmp_path, on_problem=lambda reason, message: told.append((reason, message)))
    journal.append(line(1))
    huge = line(2, padding=MAX_LINE_BYTES)
    assert not journal.append(huge)
    assert not journal.append(huge)
    assert journal.append(line(3))
    journal.close()
    assert journal.lost == {"too_large": 2}
    assert [reason for reason, _ in told] == ["too_large"]
    assert "67,108,864" in told[0][1]
    assert read_header(list_segments(tmp_path)[0]).lost == {"too_large": 2}
    assert numbers(tmp_path) == [1, 3]


def test_store_is_private_whatever_the_umask(tmp_path: Path) -> None:
    for number, mask in enumerate((0o000, 0o777)):
        store = tmp_path / str(number) / "store"
        store.parent.mkdir()
        former = os.umask(mask)
        try:
            Journal(store).append(line(1))
        finally:
            os.umask(former)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [store, *store.rglob("*")]}
        directories = {"store": 0o700, "segments": 0o700}
        assert modes == {name: directories.get(name, 0o600) for name in modes}
        assert (store / ".gitignore").read_text() == "*\n"
        assert (store / "control").read_bytes() == b"1"


def test_threads_append_everything_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path, segment_bytes=1 << 20)

    def work(who: str) -> None:
        for number in range(3000):
            journal.append(line(number, who, padding=number % 700))

    threads = [threading.Thread(target=work, args=(who,)) for who in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    assert journal.recorded == 12_000
    for who in "abcd":
        assert numbers(tmp_path, who) == list(range(3000))


def test_counted_losses_reach_the_first_header_that_can_be_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.count_lost("capture", 2)
    journal.append(line(1))
    journal.count_lost("capture")
    journal.count_lost("redaction")
    path = journal.path
    assert path is not None
    assert read_header(path).lost == {"capture": 3, "redaction": 1} == journal.lost
    journal.close()
    journal.append(line(2))
    journal.close()
    assert [read_header(path).lost for path in list_segments(tmp_path)] == [journal.lost, {}]
    assert numbers(tmp_path) == [1, 2]


def test_losses_without_any_record_are_written_at_close(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.count_lost("capture", 2)
    journal.close()
    assert [read_header(path).lost for path in list_segments(tmp_path)] == [{"capture": 2}]


def test_sync_and_fsync_setting_change_nothing_but_durability(tmp_path: Path) -> None:
    journal = Journal(tmp_path, fsync_s=0.0, segment_bytes=256 << 10)
    journal.sync()
    for number in range(300):
        journal.append(line(number, padding=2000))
    journal.sync()
    journal.close()
    assert numbers(tmp_path) == list(range(300))


@pytest.mark.parametrize("remove", ["segment", "store"])
def test_a_removed_store_is_noticed_and_recording_goes_on_in_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, remove: str
) -> None:
    now_s = 1000.0
    monkeypatch.setattr(journal_module, "monotonic", lambda: now_s)
    store = tmp_path / "store"
    journal = Journal(store)
    journal.append(line(1))
    now_s += 1.5
    journal.append(line(2))
    first = journal.path
    assert first is not None
    if remove == "segment":
        first.unlink()
    else:
        store.rename(tmp_path / "away")
    journal.append(line(3))  # within a second of the last look: goes to the removed file, and is carried over
    now_s += 1.5
    journal.append(line(4))
    assert journal.path != first
    assert numbers(store) == [2, 3, 4]
    assert journal.append(line(5, padding=400_000))
    journal.close()
    assert numbers(store) == [2, 3, 4, 5]
    assert (store / "control").exists()


def test_a_store_that_cannot_come_back_counts_what_was_not_carried_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 1000.0
    monkeypatch.setattr(journal_module, "monotonic", lambda: now_s)
    store = tmp_path / "store"
    journal = Journal(store)
    journal.append(line(1))
    journal.append(line(2))
    store.rename(tmp_path / "away")
    store.write_text("in the way")
    now_s += 1.5
    assert not journal.append(line(3))
    # Line 2 was written since the file was last seen. Line 1 was too, as far as the journal knows.
    assert journal.lost["directory"] == 1
    assert journal.recorded + sum(journal.lost.values()) == 3


def test_a_journal_that_nobody_holds_is_collected_with_its_file(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(line(1))
    path = journal.path
    assert path is not None
    gone = weakref.ref(journal)
    del journal
    gc.collect()
    assert gone() is None
    assert not is_live(path)
    assert segment_lines(path) == ([line(1)], 0, 0)


def test_two_journals_on_one_directory_do_not_meet(tmp_path: Path) -> None:
    first, second = Journal(tmp_path), Journal(tmp_path)
    for number in range(50):
        (first if number % 2 else second).append(line(number))
    assert first.path != second.path
    assert numbers(tmp_path) == list(range(50))


def test_the_size_cap_removes_the_oldest_segments_and_logs_them(tmp_path: Path) -> None:
    journal = Journal(tmp_path, segment_bytes=256 << 10, max_store_bytes=1 << 20)
    for number in range(3000):
        journal.append(line(number, padding=1000))
    journal.close()
    kept = numbers(tmp_path)
    log = [json.loads(each) for each in (tmp_path / "evicted.jsonl").read_text().splitlines()]
    assert kept == list(range(kept[0], 3000))
    assert sum(entry["records"] for entry in log) == kept[0]
    assert sum(path.stat().st_size for path in list_segments(tmp_path)) < (1 << 20) + (256 << 10)


def test_a_reader_in_the_same_process_never_reads_past_a_line_in_the_making(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(line(1))
    segment = journal.segment
    assert segment is not None
    assert segment.mapping is not None
    hole = segment.position
    unfinished = line(2)
    segment.mapping[hole + 1 : hole + len(unfinished)] = unfinished[1:]
    segment.position += len(unfinished)
    chunk = read_lines(segment.path, 0)
    assert [each for _, each in chunk.lines] == [line(1)]
    assert read_lines(segment.path, chunk.position).position == chunk.position
    segment.mapping[hole] = unfinished[0]
    after = read_lines(segment.path, chunk.position)
    assert ([each for _, each in after.lines], after.torn) == ([line(2)], 0)
