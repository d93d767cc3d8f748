"""Promises of the index on bad days: kills, crowds, damage, deletion."""

import logging
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from agent_trace.errors import StoreError, StoreTooNew
from agent_trace.store import Store
from agent_trace.store.records import segment_time
from agent_trace.store.schema import APPLICATION_ID
from agent_trace.store.steps import STEPS
from tests.support.segments import START_NS, record, write_segment
from tests.support.stores import content, rebuilt

ROOT = Path(__file__).resolve().parents[2]
REFRESH = """
import sys
import agent_trace.store.refresh as refresh
refresh.BATCH_BYTES = int(sys.argv[2])
from agent_trace.store import Store
store = Store(sys.argv[1])
print("ready", flush=True)
store.refresh()
store.refresh_text()
print("done", flush=True)
"""


def fill(directory: Path, segments: int, records: int) -> None:
    """Segments whose traces, openings and amendments reach across them."""
    for number in range(segments):
        lines = []
        for n in range(records):
            id = f"{number * records + n + 1:x}"
            lines += [
                record("opened", trace_id=f"{n % 7 + 1:x}", id=id, start_ns=START_NS + n),
                record(
                    trace_id=f"{n % 7 + 1:x}",
                    id=id,
                    start_ns=START_NS + n,
                    usage={"input": 1},
                    input="word " * 20,
                ),
                record("amendment", trace_id=f"{n % 7 + 1:x}", id=f"{n + 1:x}", tags=[f"t{number}"]),
            ]
        write_segment(directory, lines, started_s=number * 10)


def refresher(directory: Path, batch_bytes: int = 4096) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", REFRESH, str(directory), str(batch_bytes)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_kills_at_any_moment_leave_nothing_twice_and_nothing_missing(tmp_path: Path) -> None:
    fill(tmp_path, segments=5, records=150)
    kills = 0
    for attempt in range(40):
        process = refresher(tmp_path)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(0.004 * attempt)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        done = "done" in process.stdout.read()
        process.communicate()
        if done and kills >= 5:
            break
    assert kills >= 5
    with Store(tmp_path) as store:
        store.refresh()
        store.refresh_text()
        assert len(store.search("word", limit=10_000)) == 750
        assert store._index.connection.execute(
            "SELECT sum(position - text_position) FROM segments"
        ).fetchone() == (0,)
        found = content(store)
        assert store.ledger().indexed == 5 * 150 * 3
    assert found == rebuilt(tmp_path)
    assert sum(row[3] for row in found["traces"]) == 750


def test_four_that_refresh_at_once_read_everything_once(tmp_path: Path) -> None:
    fill(tmp_path, segments=4, records=200)
    crowd = [refresher(tmp_path) for _ in range(4)]
    for process in crowd:
        out, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (0, "")
        assert "done" in out
    with Store(tmp_path) as store:
        assert store.refresh() == 0
        found = content(store)
        assert len(store.search("word", limit=10_000)) == 800
    assert sum(row[3] for row in found["traces"]) == 800
    assert _without_numbers(found) == _without_numbers(rebuilt(tmp_path))


def _without_numbers(found: dict[str, list[object]]) -> dict[str, list[object]]:
    return {key: found[key] for key in ("traces", "observations", "signals", "tags", "segments")}


def overwrite(start: int, length: int) -> Callable[[Path], None]:
    def damage(index: Path) -> None:
        with open(index, "r+b") as file:
            file.seek(start)
            file.write(os.urandom(length))

    return damage


def truncate(size: int) -> Callable[[Path], None]:
    return lambda index: os.truncate(index, size)


def in_sql(statement: str) -> Callable[[Path], None]:
    def damage(index: Path) -> None:
        with sqlite3.connect(index) as connection:
            connection.executescript(statement)
        connection.close()

    return damage


def replace_by_text(index: Path) -> None:
    index.write_text("this is not a database at all, " * 400)


DAMAGES: dict[str, Callable[[Path], None]] = {
    "garbage in the head": overwrite(0, 64),
    "garbage everywhere": overwrite(0, 400_000),
    "garbage in the middle": overwrite(4096, 100_000),
    "cut short": truncate(20_000),
    "cut to a page": truncate(4096),
    "a table is missing": in_sql("DROP TABLE observations"),
    "full text is missing": in_sql("DROP TABLE texts"),
    "full text is hollow": in_sql("DROP TABLE texts_data"),
    "another schema": in_sql("DROP TABLE traces; CREATE TABLE traces (x)"),
    "another program's": in_sql("PRAGMA application_id = 7"),
    "no database": replace_by_text,
    "emptied": truncate(0),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_index_is_rebuilt_from_the_journal(
    tmp_path: Path, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path, segments=2, records=300)
    with Store(tmp_path) as store:
        store.refresh()
        store.refresh_text()
        before = content(store)
    damage(tmp_path / "index.sqlite")
    with caplog.at_level(logging.WARNING, logger="agent_trace"), Store(tmp_path) as store:
        assert len(store.traces()) == 7
        assert len(store.search("word", limit=10_000)) == 600
        assert len(list(store.observations())) == 600
        assert content(store) == before
    if damage is not DAMAGES["emptied"]:
        assert "rebuilt from the journal" in caplog.text


def test_an_index_damaged_while_it_is_open_is_rebuilt_too(tmp_path: Path) -> None:
    fill(tmp_path, segments=2, records=300)
    with Store(tmp_path) as store:
        store.refresh()
        store.close()
        store.traces()
        in_sql("DROP TABLE signals")(tmp_path / "index.sqlite")
        assert len(store.traces()) == 7


@pytest.mark.parametrize("ending", ["", "-wal", "-shm"])
def test_files_of_the_index_may_be_deleted_while_it_is_open(tmp_path: Path, ending: str) -> None:
    fill(tmp_path, segments=1, records=50)
    with Store(tmp_path) as store:
        store.refresh()
        (tmp_path / f"index.sqlite{ending}").unlink()
        fill(tmp_path / "more", segments=1, records=50)
        (extra,) = (tmp_path / "more" / "segments").iterdir()
        extra.rename(tmp_path / "segments" / ("20991231T000000.000000-1-abcdef12.jsonl"))
        assert store.traces()[0].observations > 0
    with Store(tmp_path) as store:
        assert store.traces()
        assert sum(row.observations for row in store.traces()) == 50


def test_the_whole_index_may_be_deleted_between_two_questions(tmp_path: Path) -> None:
    fill(tmp_path, segments=1, records=50)
    with Store(tmp_path) as store:
        first = store.traces()
        for path in tmp_path.glob("index.sqlite*"):
            path.unlink()
        assert store.traces() == first


def test_closing_a_deleted_index_leaves_the_new_one_alone(tmp_path: Path) -> None:
    fill(tmp_path, segments=1, records=50)
    old = Store(tmp_path)
    old.refresh()
    (tmp_path / "index.sqlite").unlink()
    with Store(tmp_path) as new:
        new.refresh()
        log = (tmp_path / "index.sqlite-wal").stat().st_ino
        old.close()
        assert (tmp_path / "index.sqlite-wal").stat().st_ino == log
        with Store(tmp_path) as third:
            assert third.refresh() == 0
            assert sum(row.observations for row in third.traces()) == 50


def test_an_index_of_a_newer_version_is_left_alone_and_said(tmp_path: Path) -> None:
    fill(tmp_path, segments=1, records=5)
    with Store(tmp_path) as store:
        store.refresh()
    in_sql("PRAGMA user_version = 999")(tmp_path / "index.sqlite")
    with pytest.raises(StoreTooNew, match=r"version 999.*upgrade agent-trace"):
        Store(tmp_path).traces()
    with sqlite3.connect(tmp_path / "index.sqlite") as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (999,)
    connection.close()


BEFORE_PROFILES = [name for name, _ in STEPS].index("profiles")


@pytest.mark.parametrize("version", range(1, BEFORE_PROFILES))
def test_an_index_of_an_older_version_gets_the_missing_steps(tmp_path: Path, version: int) -> None:
    fill(tmp_path, segments=1, records=5)
    (segment,) = (tmp_path / "segments").iterdir()
    of_old = "; ".join(step for _, step in STEPS[:version])
    in_sql(
        f"{of_old}; PRAGMA user_version = {version}; PRAGMA application_id = {APPLICATION_ID}; "
        "INSERT INTO segments (number, name, position, records, finished) "
        f"VALUES ({segment_time(segment.name)}, '{segment.name}', {segment.stat().st_size}, 15, 1)"
    )(tmp_path / "index.sqlite")
    with Store(tmp_path) as store:
        assert len(store.search("word")) == 5
        before = content(store)
    assert before == rebuilt(tmp_path)


def test_index_files_are_private(tmp_path: Path) -> None:
    fill(tmp_path, segments=1, records=5)
    with Store(tmp_path) as store:
        store.refresh()
        for path in tmp_path.glob("index*"):
            assert path.stat().st_mode & 0o077 == 0, path


def test_a_full_disk_is_said_and_what_was_read_before_stays(tmp_path: Path) -> None:
    fill(tmp_path, segments=3, records=300)
    script = REFRESH.replace(
        "store.refresh()",
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nstore.refresh()",
        1,
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), "4096"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "StoreError" in done.stderr
    assert "cannot be" in done.stderr
    with Store(tmp_path) as store:
        assert sum(row.observations for row in store.traces()) == 900


def test_a_store_that_cannot_be_written_to_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path, segments=1, records=20)
    # The tests may run as root, whom no mode keeps from writing.
    monkeypatch.setattr(os, "access", lambda *_: False)
    with caplog.at_level(logging.WARNING, logger="agent_trace"), Store(tmp_path) as store:
        assert sum(row.observations for row in store.traces()) == 20
        assert len(store.search("word")) == 20
    assert "kept in memory" in caplog.text
    assert not (tmp_path / "index.sqlite").exists()


def test_an_index_that_stays_locked_is_said_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, segments=1, records=5)
    monkeypatch.setattr("agent_trace.store.index.BUSY_TIMEOUT_S", 0.05)
    with Store(tmp_path) as store:
        store.refresh()
    holder = sqlite3.connect(tmp_path / "index.sqlite", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    fill(tmp_path / "more", segments=1, records=5)
    (extra,) = (tmp_path / "more" / "segments").iterdir()
    extra.rename(tmp_path / "segments" / extra.name)
    with pytest.raises(StoreError, match="locked"):
        Store(tmp_path).refresh()
    holder.close()
