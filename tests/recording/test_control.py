"""The flag of a store reaches every running process at once, and its absence means on."""

import os
from pathlib import Path

import pytest

from agent_trace.recording.journal import control as control_module
from agent_trace.recording.journal.control import Control, read_flag, write_flag
from agent_trace.recording.journal.journal import Journal
from tests.support.journals import line, start_program


def test_without_a_store_the_flag_is_on_and_nothing_is_created(tmp_path: Path) -> None:
    control = Control(tmp_path / "store")
    assert control.on
    assert control.byte[0] == ord("1")
    assert read_flag(tmp_path / "store") is None
    assert not (tmp_path / "store").exists()


def test_flipping_the_flag_reaches_a_running_process_without_a_look_at_the_file(tmp_path: Path) -> None:
    write_flag(tmp_path, True)
    code = """
import sys
from pathlib import Path
from agent_trace.recording.journal.control import Control
control = Control(Path(sys.argv[1]))
for _ in sys.stdin: print(chr(control.byte[0]), flush=True)
"""
    process = start_program(code, tmp_path)
    assert process.stdin is not None
    assert process.stdout is not None
    seen = []
    for on in (True, False, True):
        write_flag(tmp_path, on)
        process.stdin.write(b"?\n")
        process.stdin.flush()
        seen.append(process.stdout.readline())
    process.communicate()
    assert seen == [b"1\n", b"0\n", b"1\n"]


def test_switching_off_before_there_is_a_store_holds_for_what_starts_later(tmp_path: Path) -> None:
    write_flag(tmp_path / "deep" / "store", False)
    assert read_flag(tmp_path / "deep" / "store") is False
    assert not Control(tmp_path / "deep" / "store").on


def test_a_flag_older_than_the_store_sees_the_file_that_the_first_record_brings(tmp_path: Path) -> None:
    store = tmp_path / "store"
    control = Control(store)
    Journal(store).append(line(1))
    assert read_flag(store) is True
    fd = os.open(store / "control", os.O_WRONLY)
    os.write(fd, b"0")  # as another process would
    os.close(fd)
    assert control.byte[0] == ord("0")
    assert not control.on


def test_a_store_that_is_removed_while_off_is_on_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 1000.0
    monkeypatch.setattr(control_module, "monotonic", lambda: now_s)
    write_flag(tmp_path / "store", False)
    control = Control(tmp_path / "store")
    assert not control.on
    (tmp_path / "store").rename(tmp_path / "away")
    now_s += 2
    assert control.on


def test_an_emptied_control_file_reads_as_on_and_is_mended_by_the_next_writer(tmp_path: Path) -> None:
    write_flag(tmp_path, False)
    (tmp_path / "control").write_bytes(b"")
    control = Control(tmp_path)
    assert control.on
    assert read_flag(tmp_path) is True
    write_flag(tmp_path, False)
    assert control.byte[0] == ord("0")
