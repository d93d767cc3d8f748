"""Forked and spawned processes write segments of their own, whatever the parent was doing."""

import json
from pathlib import Path

import pytest

from agent_trace.delivery.reader import list_segments, read_header
from tests.support.journals import numbers, run_program, store_lines

_OPEN = """
import multiprocessing, os, signal, sys, threading, time
from pathlib import Path
from agent_trace.recording.journal.journal import Journal
from tests.support.journals import line
journal = Journal(Path(sys.argv[1]))
"""


def test_a_forked_child_writes_its_own_segment(tmp_path: Path) -> None:
    code = """
for number in range(100): journal.append(line(number, "parent"))
child = os.fork()
if child == 0:
    assert journal.recorded == 0 and journal.path is None
    for number in range(100): journal.append(line(number, "child"))
    os._exit(0)
for number in range(100, 200): journal.append(line(number, "parent"))
assert os.waitpid(child, 0)[1] == 0
journal.close()
"""
    assert run_program(_OPEN + code, tmp_path).stderr == b""
    assert numbers(tmp_path, "parent") == list(range(200))
    assert numbers(tmp_path, "child") == list(range(100))
    assert len({read_header(path).pid for path in list_segments(tmp_path)}) == 2


def test_a_child_does_not_count_the_losses_of_its_parent_again(tmp_path: Path) -> None:
    code = """
journal.count_lost("capture", 5)
child = os.fork()
journal.append(line(1))
journal.close()
if child: os.waitpid(child, 0)
"""
    run_program(_OPEN + code, tmp_path)
    losses = [read_header(path).lost for path in list_segments(tmp_path)]
    assert sorted(losses, key=len) == [{}, {"capture": 5}]


def test_a_fork_while_other_threads_append_leaves_a_child_that_can(tmp_path: Path) -> None:
    code = """
stop = False
def work(who):
    number = 0
    while not stop:
        journal.append(line(number, who, 100_000)); number += 1; time.sleep(1e-4)
threads = [threading.Thread(target=work, args=(who,)) for who in "ab"]
for thread in threads: thread.start()
sys.setswitchinterval(1e-5)
children = []
for child_number in range(15):
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        for number in range(20): journal.append(line(number, f"child{child_number}"))
        os._exit(0)
    children.append(child)
assert {os.waitpid(child, 0)[1] for child in children} == {0}
stop = True
for thread in threads: thread.join()
journal.close()
"""
    ended = run_program(_OPEN + code, tmp_path)
    assert ended.returncode == 0, ended.stderr
    for child in range(15):
        assert numbers(tmp_path, f"child{child}") == list(range(20))
    for who in "ab":
        kept = numbers(tmp_path, who)
        assert kept == list(range(len(kept)))


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing_pool_of_four_records_everything(method: str, tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(
        _OPEN
        + """
def work(number):
    return journal.append(line(number))
if __name__ == "__main__":
    journal.append(line(-1))
    with multiprocessing.get_context(sys.argv[2]).Pool(4) as pool:
        assert all(pool.map(work, range(100)))
"""
    )
    store = tmp_path / "store"
    # Run as a file, which the children of "spawn" and "forkserver" import anew.
    run_it = f"import os, sys; os.execv(sys.executable, [sys.executable, {str(script)!r}, *sys.argv[1:]])"
    ended = run_program(run_it, store, method)
    assert ended.returncode == 0, ended.stderr
    assert numbers(store) == list(range(-1, 100))


def test_two_hundred_processes_at_once_keep_everything_and_stay_small(tmp_path: Path) -> None:
    code = """
ready, go = os.pipe(), os.pipe()
for child_number in range(200):
    if os.fork() == 0:
        journal.append(line(0, f"p{child_number}"))
        os.write(ready[1], b".")
        os.close(go[1])
        os.read(go[0], 1)
        for number in range(1, 5): journal.append(line(number, f"p{child_number}"))
        os._exit(0)
count = 0
while count < 200: count += len(os.read(ready[0], 200))
segments = list(Path(sys.argv[1], "segments").iterdir())
print(len(segments), sum(path.stat().st_size for path in segments))
os.close(go[1])
for _ in range(200): assert os.wait()[1] == 0
"""
    ended = run_program(_OPEN + code, tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert [int(word) for word in ended.stdout.split()] == [200, 200 * (256 << 10)]
    found: dict[str, list[int]] = {}
    for each in store_lines(tmp_path):
        record = json.loads(each)
        found.setdefault(record["who"], []).append(record["n"])
    assert found == {f"p{number}": [0, 1, 2, 3, 4] for number in range(200)}
