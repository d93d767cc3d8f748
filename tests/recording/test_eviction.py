"""Retention removes whole segments, the oldest first, and accounts for each exactly once."""

import fcntl
import json
import os
import time
from pathlib import Path

import pytest

from agent_trace.delivery.reader import list_segments
from agent_trace.recording.journal import eviction
from agent_trace.recording.journal.eviction import Evicted, Sweeper, evict, evictions
from agent_trace.recording.journal.header import HEADER_BYTES, decode_header, encode_header
from agent_trace.recording.journal.journal import Journal
from tests.support.journals import line, numbers, run_program, start_program


def _store(directory: Path, segments: int, records: int = 10) -> list[Path]:
    for segment in range(segments):
        journal = Journal(directory)
        for number in range(records):
            journal.append(line(segment * records + number, padding=1000))
        journal.close()
    return list_segments(directory)


def _log(directory: Path) -> list[dict[str, object]]:
    return [json.loads(each) for each in (directory / "evicted.jsonl").read_text().splitlines()]


def test_the_oldest_go_until_the_size_fits(tmp_path: Path) -> None:
    paths = _store(tmp_path, 5)
    sizes = [path.stat().st_size for path in paths]
    assert evict(tmp_path, max_bytes=sum(sizes[2:])) == Evicted(2, 20, sum(sizes[:2]), sum(sizes[2:]))
    assert list_segments(tmp_path) == paths[2:]
    assert numbers(tmp_path) == list(range(20, 50))
    assert [(entry["segment"], entry["records"], entry["reason"]) for entry in _log(tmp_path)] == [
        (path.name, 10, "size") for path in paths[:2]
    ]
    assert evictions(tmp_path)[:3] == (2, 20, sum(sizes[:2]))
    assert evict(tmp_path, max_bytes=sum(sizes[2:])).segments == 0


def test_age_counts_from_the_last_write(tmp_path: Path) -> None:
    paths = _store(tmp_path, 3)
    week_ago_s = time.time() - 7 * 86400
    os.utime(paths[1], (week_ago_s, week_ago_s))
    assert evict(tmp_path, older_than_s=86400).segments == 1
    assert list_segments(tmp_path) == [paths[0], paths[2]]
    assert _log(tmp_path)[0]["reason"] == "age"


def test_a_dry_run_tells_and_removes_nothing(tmp_path: Path) -> None:
    paths = _store(tmp_path, 3)
    assert evict(tmp_path, max_bytes=0, dry_run=True).records == 30
    assert list_segments(tmp_path) == paths
    assert not (tmp_path / "evicted.jsonl").exists()


def test_what_a_consumer_still_needs_goes_last_and_never_for_its_age(tmp_path: Path) -> None:
    paths = _store(tmp_path, 3)
    needed = {paths[0].name}
    assert evict(tmp_path, older_than_s=-1, keep=needed).segments == 2
    assert list_segments(tmp_path) == paths[:1]
    assert evict(tmp_path, max_bytes=0, keep=needed).segments == 1


def test_a_segment_that_is_written_to_stays(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append(line(1000))
    _store(tmp_path, 2)
    assert evict(tmp_path, max_bytes=0, older_than_s=-1).segments == 2
    assert numbers(tmp_path) == [1000]
    journal.append(line(1001))
    assert numbers(tmp_path) == [1000, 1001]


def test_records_of_a_killed_process_are_counted_by_line(tmp_path: Path) -> None:
    run_program(
        "import os, sys; from pathlib import Path; from agent_trace.recording.journal.journal import Journal;"
        "from tests.support.journals import line; journal = Journal(Path(sys.argv[1]));"
        "[journal.append(line(n)) for n in range(17)]; os._exit(0)",
        tmp_path,
    )
    assert evict(tmp_path, max_bytes=0).records == 17


def test_processes_that_prune_at_once_count_every_segment_once(tmp_path: Path) -> None:
    _store(tmp_path, 40, records=3)
    code = """
import sys
from pathlib import Path
from agent_trace.recording.journal.eviction import evict
sys.stdin.readline()
done = evict(Path(sys.argv[1]), max_bytes=0)
print(done.segments, done.records)
"""
    pruners = [start_program(code, tmp_path) for _ in range(4)]
    counts = [pruner.communicate(b"go\n")[0].split() for pruner in pruners]
    assert sum(int(segments) for segments, _ in counts) == 40
    assert sum(int(records) for _, records in counts) == 120
    assert len(_log(tmp_path)) == 40
    assert evictions(tmp_path)[:2] == (40, 120)


def test_nothing_is_pruned_while_another_process_does_so(tmp_path: Path) -> None:
    paths = _store(tmp_path, 2)
    fd = os.open(tmp_path / "segments", os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    assert evict(tmp_path, max_bytes=0, wait_s=0.05) == Evicted()
    assert list_segments(tmp_path) == paths
    os.close(fd)
    assert evict(tmp_path, max_bytes=0).segments == 2


def test_the_age_limit_is_kept_by_whoever_records(tmp_path: Path) -> None:
    old, young = _store(tmp_path, 2)
    week_ago_s = time.time() - 7 * 86400
    os.utime(old, (week_ago_s, week_ago_s))
    journal = Journal(tmp_path, segment_bytes=64 << 10, max_store_bytes=None, max_age_s=86400)
    for number in range(100):
        journal.append(line(number, padding=3000))
    assert old not in list_segments(tmp_path)
    assert young in list_segments(tmp_path)


def test_a_pruner_that_died_between_log_and_removal_is_finished_without_a_second_entry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = _store(tmp_path, 2)

    def die(self: Path, missing_ok: bool = False) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Path, "unlink", die)
        evict(tmp_path, max_bytes=0)
    assert list_segments(tmp_path) == paths
    evict(tmp_path, max_bytes=1 << 30)
    assert list_segments(tmp_path) == paths[1:]
    assert [entry["segment"] for entry in _log(tmp_path)] == [paths[0].name]


def test_segments_that_were_never_finished_are_swept_when_old(tmp_path: Path) -> None:
    _store(tmp_path, 1)
    old, young = (tmp_path / "segments" / name for name in ("old.new", "young.new"))
    for path in (old, young):
        path.write_bytes(b"")
    os.utime(old, (time.time() - 3600, time.time() - 3600))
    evict(tmp_path, max_bytes=1 << 30)
    assert (old.exists(), young.exists()) == (False, True)


def test_a_damaged_log_is_no_obstacle(tmp_path: Path) -> None:
    _store(tmp_path, 2)
    (tmp_path / "evicted.jsonl").write_bytes(b'{"segment":"../../x","records":1,"bytes":2}\nnonsense\n{"segm')
    assert evict(tmp_path, max_bytes=0).segments == 2
    assert evict(tmp_path / "missing", max_bytes=0) == Evicted()
    assert evictions(tmp_path / "missing") == Evicted()


def test_what_goes_is_not_read_nor_is_the_log_but_for_its_end(tmp_path: Path) -> None:
    paths = _store(tmp_path, 3, records=4_000)
    entry = {"segment": "gone", "records": 1, "bytes": 2}
    (tmp_path / "evicted.jsonl").write_text(f"{json.dumps(entry)}\n" * 50_000 + json.dumps(entry) + "\n")
    before = _bytes_read()
    assert evict(tmp_path, max_bytes=paths[2].stat().st_size)[:2] == (2, 8_000)
    assert _bytes_read() - before < 400_000 < paths[2].stat().st_size


def _bytes_read() -> int:
    counted = dict(each.split(": ") for each in Path("/proc/self/io").read_text().splitlines())
    return int(counted["rchar"])


def test_records_of_a_killed_process_are_counted_in_all_blocks(tmp_path: Path) -> None:
    (path,) = _store(tmp_path, 1, records=300)
    content = path.read_bytes()
    header = decode_header(content, path)._replace(sealed=False, records=None)
    path.write_bytes(encode_header(header) + content[HEADER_BYTES:])
    assert len(content) > 4 * eviction._BLOCK_BYTES
    assert evict(tmp_path, max_bytes=0).records == 300


def test_a_full_store_is_not_looked_at_on_every_rotation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _store(tmp_path, 2)
    looks = []
    real = eviction.evict

    def counted(*arguments: object, **settings: object) -> Evicted:
        looks.append(arguments)
        return real(*arguments, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(eviction, "evict", counted)
    sweeper = Sweeper(tmp_path, 1 << 30)
    for _ in range(1000):
        sweeper.at_rotation(1 << 20)
    assert 5 < len(looks) < 12
