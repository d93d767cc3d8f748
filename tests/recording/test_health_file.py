"""The file in which a process says how it is: whole, private, small, and gone or out of date when it should be."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from agent_trace.recording.journal import health_file, layout
from agent_trace.recording.journal.health_file import (
    KEPT_S,
    MOST_FILES,
    AttachedTo,
    Failure,
    Health,
    HealthFile,
    read_health,
)

WELL = Health(
    os.getpid(), "here", "desk.py", 1_700_000_000_000_000_000, (AttachedTo("desk:ask", "attached", 1),)
)
ILL = WELL._replace(
    problems={"desk:aks: there is no 'aks' in desk": 1},
    failures=(Failure("reading a result", 3, "ValueError: no (desk.py:4 in ask)", False),),
)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[HealthFile]:
    file = HealthFile(tmp_path, "desk.py")
    yield file
    file.let_go()


def path_of(store: Path) -> Path:
    (path,) = (store / "health").iterdir()
    return path


def age(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds,) * 2)


def test_what_is_written_is_read_as_of_a_process_that_runs(tmp_path: Path, file: HealthFile) -> None:
    file.write(ILL)
    assert read_health(tmp_path) == [ILL._replace(is_running=True)]


def test_it_is_private_to_its_owner(tmp_path: Path, file: HealthFile) -> None:
    file.write(WELL)
    assert [path.stat().st_mode & 0o777 for path in (path_of(tmp_path), path_of(tmp_path).parent)] == [
        0o600,
        0o700,
    ]


def test_of_a_dead_process_only_problems_are_of_interest(tmp_path: Path, file: HealthFile) -> None:
    file.write(WELL)
    file.let_go()
    assert read_health(tmp_path) == []
    file.write(ILL)
    file.let_go()
    assert read_health(tmp_path) == [ILL]


def test_and_these_for_a_day(tmp_path: Path, file: HealthFile) -> None:
    file.write(ILL)
    age(path_of(tmp_path), KEPT_S + 60)
    assert read_health(tmp_path) != []
    file.let_go()
    assert read_health(tmp_path) == []


def test_a_reader_never_sees_half_of_it_nor_a_living_process_as_dead(
    tmp_path: Path, file: HealthFile
) -> None:
    file.write(WELL)
    stop = threading.Event()

    def rewrite() -> None:
        while not stop.is_set():
            file.write(ILL)
            file.write(WELL)

    writer = threading.Thread(target=rewrite)
    writer.start()
    try:
        for _ in range(400):
            (found,) = read_health(tmp_path)
            assert found._replace(is_running=False) in (WELL, ILL)
            assert found.is_running
    finally:
        stop.set()
        writer.join()


def test_one_that_is_replaced_while_it_is_read_is_read_again(
    tmp_path: Path, file: HealthFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write(WELL)
    looked, has_writer = [], layout.has_writer

    def looks_late(fd: int) -> bool:
        if not looked:
            file.write(ILL)
        looked.append(fd)
        return has_writer(fd)

    monkeypatch.setattr(layout, "has_writer", looks_late)
    assert read_health(tmp_path) == [ILL._replace(is_running=True)]


FIELDS = {**ILL._asdict(), "v": 1, "kind": "health", "attached": [], "failures": []}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b"[[[[",
        orjson.dumps({**FIELDS, "v": 99}),
        orjson.dumps({**FIELDS, "failures": 5}),
        orjson.dumps({**FIELDS, "notes": []}),
        orjson.dumps({**FIELDS, "attached": [[]]}),
        orjson.dumps({**FIELDS, "pid": [1]}),
    ],
)
def test_what_cannot_be_read_is_left_out(tmp_path: Path, file: HealthFile, content: bytes) -> None:
    file.write(ILL)
    (tmp_path / "health" / "ffffffff-1-0.json").write_bytes(content)
    assert [each.pid for each in read_health(tmp_path)] == [os.getpid()]


def test_what_is_no_file_is_left_out_and_waits_for_nobody(tmp_path: Path, file: HealthFile) -> None:
    file.write(ILL)
    os.mkfifo(tmp_path / "health" / "1-1-1.json")
    (tmp_path / "health" / "2-2-2.json").symlink_to("/dev/zero")
    (tmp_path / "health" / "3-3-3.json").mkdir()
    assert len(read_health(tmp_path)) == 1


def test_no_store_is_nothing_told(tmp_path: Path) -> None:
    assert read_health(tmp_path / "none") == []


def test_the_program_that_is_started_again_takes_its_former_problems_back(tmp_path: Path) -> None:
    former, other = HealthFile(tmp_path, "desk.py"), HealthFile(tmp_path, "other.py")
    for each in (former, other):
        each.write(ILL._replace(pid=1))
        each.let_go()
    sibling = HealthFile(tmp_path, "desk.py")
    sibling.write(WELL._replace(pid=2))
    now = HealthFile(tmp_path, "desk.py")
    now.write(WELL._replace(pid=3))
    now.clear_up(is_anew=False)
    assert sorted(each.pid for each in read_health(tmp_path)) == [1, 1, 2, 3]
    now.clear_up(is_anew=True)
    assert sorted((each.pid, each.is_running) for each in read_health(tmp_path)) == [
        (1, False),
        (2, True),
        (3, True),
    ]
    sibling.let_go()
    now.let_go()


def test_there_are_never_more_files_than_can_be_looked_at(
    tmp_path: Path, file: HealthFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write(ILL)
    text = path_of(tmp_path).read_bytes()
    age(path_of(tmp_path), 7_000)
    for number in range(MOST_FILES + 20):
        path = tmp_path / "health" / f"{number:08x}-1-0.json"
        path.write_bytes(text)
        age(path, 6_000 - number)
    for number in range(5):
        path = tmp_path / "health" / f"{number:08x}-1-0.new"
        path.write_bytes(text[:9])
        age(path, KEPT_S + 60)
    file.clear_up(is_anew=True)
    left = sorted(path.name for path in (tmp_path / "health").iterdir())
    assert len(left) in (MOST_FILES, MOST_FILES + 1)
    assert "00000000-1-0.json" not in left and f"{MOST_FILES + 19:08x}-1-0.json" in left
    assert any(each.is_running for each in read_health(tmp_path))
    assert not any(name.endswith(".new") for name in left)


def test_without_room_what_was_said_before_stays(
    tmp_path: Path, file: HealthFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write(WELL)
    monkeypatch.setattr(health_file.os, "write", lambda fd, text: len(text) - 1)
    with pytest.raises(OSError, match="No space left"):
        file.write(ILL)
    monkeypatch.undo()
    assert read_health(tmp_path) == [WELL._replace(is_running=True)]
    assert path_of(tmp_path).suffix == ".json"


def test_a_store_that_is_removed_is_made_again(tmp_path: Path) -> None:
    file = HealthFile(tmp_path / "store", "desk.py")
    file.write(WELL)
    path_of(tmp_path / "store").unlink()
    (tmp_path / "store" / "health").rmdir()
    file.write(ILL)
    assert len(read_health(tmp_path / "store")) == 1
    file.remove()
    assert list((tmp_path / "store" / "health").iterdir()) == []
