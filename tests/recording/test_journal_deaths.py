"""However a process ends, what it had appended is there, once each, and nothing is torn."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from agent_trace.delivery.reader import is_live, list_segments, read_header, trim_dead
from tests.support.journals import line, numbers, run_program, segment_lines, start_program, store_lines

_OPEN = """
import os, signal, sys, threading, time
from pathlib import Path
from agent_trace.recording.journal.journal import Journal
from tests.support.journals import line
journal = Journal(Path(sys.argv[1]), segment_bytes=1 << 20)
"""

_UNTIL_KILLED = (
    _OPEN
    + """
number = 0
while True:
    assert journal.append(line(number, padding=number % 5000))
    os.write(1, b"%d\\n" % number)
    number += 1
"""
)

_ENDINGS = {
    "kill -9": "os.kill(os.getpid(), signal.SIGKILL)",
    "SIGTERM": "os.kill(os.getpid(), signal.SIGTERM); time.sleep(5)",
    "os._exit": "os._exit(3)",
    "os.abort": "import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); os.abort()",
    "SystemExit": "sys.exit(1)",
    "exception": "1 / 0",
    "end of program": "pass",
    "exec": "os.execv('/bin/true', ['true'])",
}


@pytest.mark.parametrize("ending", _ENDINGS)
def test_hundred_lines_outlive(ending: str, tmp_path: Path) -> None:
    code = f"{_OPEN}\nfor number in range(100): journal.append(line(number))\n{_ENDINGS[ending]}"
    ended = run_program(code, tmp_path)
    assert numbers(tmp_path) == list(range(100))
    assert ended.stdout == b""
    assert not is_live(list_segments(tmp_path)[0])


def test_every_acknowledged_line_survives_kills_at_any_moment(tmp_path: Path) -> None:
    chance = random.Random(7)
    for attempt in range(12):
        store = tmp_path / str(attempt)
        process = start_program(_UNTIL_KILLED, store)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(chance.random() * 0.05)
        process.kill()
        acknowledged = len(process.communicate()[0].splitlines())
        kept = numbers(store)
        assert kept == list(range(len(kept)))
        # The line it died in, after the append and before the acknowledgement, may be there or not.
        assert acknowledged + 1 <= len(kept) <= acknowledged + 2
        for path in list_segments(store):
            _, torn, damaged = segment_lines(path)
            assert damaged == 0
            assert torn <= 1


def test_space_that_a_killed_process_reserved_is_given_back_once(tmp_path: Path) -> None:
    run_program(f"{_OPEN}\njournal.append(line(1)); journal.append(line(2)); os._exit(0)", tmp_path)
    (path,) = list_segments(tmp_path)
    before = path.stat()
    assert before.st_size == 256 << 10
    assert trim_dead(path)
    after = path.stat()
    assert after.st_size == 1024 + 2 * len(line(1))
    assert after.st_mtime_ns == before.st_mtime_ns
    assert (read_header(path).sealed, read_header(path).records) == (True, 2)
    assert not trim_dead(path)
    assert store_lines(tmp_path) == [line(1), line(2)]


def test_a_started_program_does_not_keep_the_segment_of_its_parent_alive(tmp_path: Path) -> None:
    code = f"{_OPEN}\njournal.append(line(1))\nimport subprocess\nsubprocess.Popen(['sleep', '5'], close_fds=False)"
    with start_program(code + "\nprint('ready')\nos._exit(0)", tmp_path) as process:
        process.wait(timeout=10)
        assert not is_live(list_segments(tmp_path)[0])
        process.kill()


def test_append_while_the_interpreter_shuts_down_does_not_raise(tmp_path: Path) -> None:
    code = """
import atexit
class Late:
    def __del__(self): journal.append(line(2))
keep = Late()
keep.cycle = keep
other = Late()
atexit.register(journal.close)
journal.append(line(1))
"""
    ended = run_program(_OPEN + code, tmp_path)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert numbers(tmp_path) == [1, 2, 2]


def test_daemon_threads_that_still_append_do_not_hang_the_exit(tmp_path: Path) -> None:
    code = """
def work(who):
    number = 0
    while True:
        journal.append(line(number, who)); number += 1
for who in "ab": threading.Thread(target=work, args=(who,), daemon=True).start()
time.sleep(0.1)
"""
    ended = run_program(_OPEN + code, tmp_path, timeout_s=20)
    assert ended.returncode == 0
    for who in "ab":
        kept = numbers(tmp_path, who)
        assert kept == list(range(len(kept)))


def test_sigterm_in_a_busy_program_with_threads_leaves_no_torn_line(tmp_path: Path) -> None:
    code = """
def work(who):
    number = 0
    while True:
        journal.append(line(number, who, 2000)); number += 1
for who in "abc": threading.Thread(target=work, args=(who,)).start()
print("ready", flush=True)
"""
    process = start_program(_OPEN + code, tmp_path)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert process.returncode == -signal.SIGTERM
    for who in "abc":
        kept = numbers(tmp_path, who)
        assert kept == list(range(len(kept)))
        assert kept
    assert os.listdir(tmp_path / "segments")
