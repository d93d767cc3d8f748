"""Full disks, impossible directories, limits: the program goes on, losses are counted, recording resumes."""

import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent_trace.delivery.reader import list_segments, read_header
from agent_trace.recording.journal import journal as journal_module
from agent_trace.recording.journal.journal import Journal
from tests.support.journals import line, numbers, run_program

Told = list[tuple[str, str]]


class Watch:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    watch = Watch()
    monkeypatch.setattr(journal_module, "monotonic", watch)
    return watch


@pytest.fixture
def told() -> Told:
    return []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system needs to be root")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def _journal(directory: Path, told: Told) -> Journal:
    return Journal(directory, on_problem=lambda reason, message: told.append((reason, message)))


def test_full_disk_loses_nothing_silently_and_recording_resumes_with_space(
    small_disk: Path, watch: Watch, told: Told
) -> None:
    filler = small_disk / "filler"
    filler.write_bytes(bytes(400 << 10))
    journal = _journal(small_disk / "store", told)
    kept = [number for number in range(300) if journal.append(line(number, padding=4000))]
    assert 0 < len(kept) < 300
    assert journal.lost == {"disk_full": 300 - len(kept)}
    assert [reason for reason, _ in told] == ["disk_full"]
    assert str(small_disk / "store") in told[0][1]
    assert "No space left" in told[0][1]
    assert journal.problem == told[0][1]

    filler.unlink()
    assert not journal.append(line(300, padding=4000)), "space is not tried for on every append"
    watch.now_s += 0.6
    assert journal.append(line(301, padding=4000))
    assert journal.problem is None
    path = journal.path
    assert path is not None
    assert read_header(path).lost == {"disk_full": 301 - len(kept)}
    journal.close()
    assert numbers(small_disk / "store") == [*kept, 301]


def test_disk_is_used_to_its_last_page(small_disk: Path, told: Told) -> None:
    journal = _journal(small_disk, told)
    kept = 0
    while journal.append(line(kept, padding=3000)):
        kept += 1
    assert kept * 3000 > 0.9 * (1 << 20)


def test_a_problem_that_comes_back_is_told_again(small_disk: Path, watch: Watch, told: Told) -> None:
    filler = small_disk / "filler"
    journal = _journal(small_disk / "store", told)
    for _ in range(2):
        filler.write_bytes(bytes(600 << 10))
        while journal.append(line(0, padding=4000)):
            pass
        journal.append(line(0, padding=4000))
        filler.unlink()
        watch.now_s += 2
        assert journal.append(line(0, padding=4000))
        journal.close()
        for path in list_segments(small_disk / "store"):
            path.unlink()
    assert [reason for reason, _ in told] == ["disk_full", "disk_full"]


def test_losses_before_the_first_segment_stand_in_its_header(
    small_disk: Path, watch: Watch, told: Told
) -> None:
    filler = small_disk / "filler"
    filler.write_bytes(bytes((1 << 20) - (64 << 10)))
    journal = _journal(small_disk / "store", told)
    for number in range(7):
        assert not journal.append(line(number, padding=100_000))
    assert list_segments(small_disk / "store") == []
    assert os.listdir(small_disk / "store" / "segments") == []
    filler.unlink()
    watch.now_s += 1
    assert journal.append(line(8))
    assert [read_header(path).lost for path in list_segments(small_disk / "store")] == [{"disk_full": 7}]


@pytest.mark.parametrize("place", ["under a file", "proc", "a file"])
def test_impossible_directory_is_told_once_and_recording_starts_when_it_is_mended(
    place: str, tmp_path: Path, watch: Watch, told: Told
) -> None:
    obstacle = tmp_path / "obstacle"
    obstacle.write_text("")
    directory = {"under a file": obstacle / "store", "proc": Path("/proc/store"), "a file": obstacle}[place]
    journal = _journal(directory, told)
    assert [journal.append(line(number)) for number in range(5)] == [False] * 5
    assert journal.lost == {"directory": 5}
    assert [reason for reason, _ in told] == ["directory"]
    assert str(directory) in told[0][1]
    assert "AGENT_TRACE_DIR" in told[0][1]
    assert journal.path is None
    if place == "proc":
        return
    obstacle.unlink()
    watch.now_s += 1
    assert journal.append(line(5))
    assert numbers(directory) == [5]
    journal.close()
    assert [read_header(path).lost for path in list_segments(directory)] == [{"directory": 5}]


def test_a_listener_that_fails_does_not_reach_the_caller(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    def listener(reason: str, message: str) -> None:
        raise RuntimeError(message)

    assert Journal(tmp_path / "file", on_problem=listener).append(line(1)) is False


def test_a_listener_may_append(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    journal: Journal = Journal(tmp_path / "file", on_problem=lambda *_: [journal.append(line(2))])
    assert journal.append(line(1)) is False
    assert journal.lost == {"directory": 2}


def test_file_size_limit_makes_smaller_segments_and_loses_only_what_cannot_fit(tmp_path: Path) -> None:
    code = """
import resource, sys
from pathlib import Path
from agent_trace.recording.journal.journal import Journal
from tests.support.journals import line
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
told = []
journal = Journal(Path(sys.argv[1]), on_problem=lambda *problem: told.append(problem))
kept = [journal.append(line(number, padding=5000)) for number in range(200)]
assert all(kept), kept.index(False)
assert not journal.append(line(200, padding=400_000))
assert journal.lost == {"file_limit": 1} and len(told) == 1 and "ulimit -f" in told[0][1]
journal.close()
"""
    ended = run_program(code, tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert numbers(tmp_path) == list(range(200))
    assert all(path.stat().st_size <= 300_000 for path in list_segments(tmp_path))


def test_no_file_descriptors_left_is_a_counted_loss_until_there_are(
    tmp_path: Path, watch: Watch, told: Told
) -> None:
    journal = _journal(tmp_path, told)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = os.open(os.devnull, os.O_RDONLY)
    resource.setrlimit(resource.RLIMIT_NOFILE, (taken + 1, hard))
    try:
        assert not journal.append(line(1))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        os.close(taken)
    assert journal.lost == {"open_files": 1}
    assert "ulimit -n" in told[0][1]
    watch.now_s += 1
    assert journal.append(line(2))
    assert numbers(tmp_path) == [2]
