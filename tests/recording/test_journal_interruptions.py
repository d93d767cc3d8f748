"""Signal handlers and destructors that interrupt an append, and append themselves, raise or fork."""

import json
import threading
from pathlib import Path

import pytest

from agent_trace.delivery.reader import list_segments
from agent_trace.recording.journal import journal as journal_module
from agent_trace.recording.journal.journal import Journal
from tests.support.journals import line, numbers, run_program, segment_lines, store_lines

_OPEN = """
import gc, os, signal, sys, threading, time
from pathlib import Path
from agent_trace.recording.journal.journal import Journal
from tests.support.journals import line
journal = Journal(Path(sys.argv[1]), segment_bytes=512 << 10)
signal.alarm(20)
"""


def test_a_traced_call_in_a_signal_handler_does_not_deadlock_or_lose_anything(tmp_path: Path) -> None:
    code = """
handled, signals = set(), iter(range(1000000))
def handler(*_):
    own = next(signals)  # a handler may be interrupted by the next signal
    journal.append(line(own, "handler")); handled.add(own)
signal.signal(signal.SIGPROF, handler)
signal.setitimer(signal.ITIMER_PROF, 0.0003, 0.0003)
number, until = 0, time.monotonic() + 15
while len(handled) < 60 and time.monotonic() < until:
    for _ in range(100): journal.append(line(number, "main", 300)); number += 1
signal.setitimer(signal.ITIMER_PROF, 0)
journal.close()
print(number, len(handled), journal.recorded)
"""
    ended = run_program(_OPEN + code, tmp_path)
    assert ended.returncode == 0, ended.stderr
    number, handled, recorded = map(int, ended.stdout.split())
    assert handled > 5
    assert numbers(tmp_path, "main") == list(range(number))
    assert sorted(numbers(tmp_path, "handler")) == list(range(handled))
    assert recorded == number + handled


def test_an_append_inside_an_append_goes_beside_and_both_are_kept(tmp_path: Path) -> None:
    code = """
import agent_trace.recording.journal.journal as module
journal.append(line(1, "outer"))
real, depth = module.monotonic, 0
def interrupt():
    global depth
    depth += 1
    if depth <= 3: journal.append(line(depth, "inner"))
    return real()
module.monotonic = interrupt
journal.append(line(2, "outer"))
module.monotonic = real
journal.close()
"""
    ended = run_program(_OPEN + code, tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert numbers(tmp_path, "outer") == [1, 2]
    assert numbers(tmp_path, "inner") == [1, 2, 3]
    assert [segment_lines(path)[1:] for path in list_segments(tmp_path)] == [(0, 0)] * 4


def test_destructors_run_by_the_collector_in_the_middle_of_an_append_may_append(tmp_path: Path) -> None:
    code = """
class Traced:
    count = 0
    def __init__(self): self.cycle = self
    def __del__(self):
        journal.append(line(Traced.count, "collected")); Traced.count += 1
gc.set_threshold(1)
for number in range(3000):
    journal.append(line(number, "main", 1000))
    Traced()
gc.collect()
journal.close()
print(Traced.count)
"""
    ended = run_program(_OPEN + code, tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert numbers(tmp_path, "main") == list(range(3000))
    assert numbers(tmp_path, "collected") == list(range(int(ended.stdout)))


def test_exceptions_raised_by_handlers_at_any_point_leave_at_most_a_gap(tmp_path: Path) -> None:
    code = """
is_armed = False
def handler(*_):
    global is_armed
    if is_armed:  # once a round: a second one would come while the first is being caught
        is_armed = False
        raise KeyboardInterrupt
signal.signal(signal.SIGPROF, handler)
acknowledged, number, interrupted = [], 0, 0
until = time.monotonic() + 15
def append_until_interrupted():
    global is_armed, number
    is_armed = True
    signal.setitimer(signal.ITIMER_PROF, 0.0002, 0.0003)
    while is_armed:  # one that is raised in a destructor goes no further than that
        number += 1
        journal.append(line(number, "main", 300))
        acknowledged.append(number)
while interrupted < 60 and time.monotonic() < until:
    try:  # around a call: what Python 3.13 raises at the jump of a loop, a `try` around the loop itself does not catch
        append_until_interrupted()
    except KeyboardInterrupt:
        interrupted += 1
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
def from_another_thread(): journal.append(line(0, "thread"))
thread = threading.Thread(target=from_another_thread); thread.start(); thread.join(1)
journal.close()
import json
print(json.dumps([acknowledged, interrupted]))
"""
    ended = run_program(_OPEN + code, tmp_path)
    assert ended.returncode == 0, ended.stderr
    acknowledged, interrupted = json.loads(ended.stdout)
    assert interrupted > 20
    kept = numbers(tmp_path, "main")
    assert len(kept) == len(set(kept))
    assert set(acknowledged) <= set(kept)
    assert len(kept) - len(acknowledged) <= interrupted
    assert numbers(tmp_path, "thread") == [0]
    assert sum(segment_lines(path)[2] for path in list_segments(tmp_path)) == 0


def test_closing_in_a_handler_in_the_middle_of_an_append_keeps_the_line(tmp_path: Path) -> None:
    code = """
import agent_trace.recording.journal.journal as module
journal.append(line(1))
real = module.monotonic
def interrupt():
    journal.close()
    return real()
module.monotonic = interrupt
assert journal.append(line(2))
module.monotonic = real
assert journal.append(line(3))
"""
    ended = run_program(_OPEN + code, tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert numbers(tmp_path) == [1, 2, 3]


def test_a_handler_that_forks_in_the_middle_of_an_append_spares_the_parent(tmp_path: Path) -> None:
    code = """
import agent_trace.recording.journal.journal as module
journal.append(line(1, "parent"))
real, child = module.monotonic, None
def interrupt():
    global child
    if child is None: child = os.fork()
    return real()
module.monotonic = interrupt
journal.append(line(2, "both"))
module.monotonic = real
who = "parent" if child else "child"
for number in range(10, 60): journal.append(line(number, who, 10_000))
journal.close()
if child: assert os.waitpid(child, 0)[1] == 0
"""
    ended = run_program(_OPEN + code, tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert numbers(tmp_path, "parent") == [1, *range(10, 60)]
    assert numbers(tmp_path, "child") == list(range(10, 60))
    assert set(numbers(tmp_path, "both")) == {2}
    assert all(json.loads(each) for each in store_lines(tmp_path))


def test_an_append_does_not_wait_forever_for_a_thread_that_is_stuck_in_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(tmp_path)
    journal.append(line(1))
    monkeypatch.setattr(journal_module, "_WAIT_S", 0.05)
    journal._wait_s = 0.05
    stuck, go_on = threading.Event(), threading.Event()

    def freeze() -> float:
        if threading.current_thread() is thread and not go_on.is_set():
            stuck.set()
            go_on.wait(10)
        return 0.0

    thread = threading.Thread(target=journal.append, args=(line(2),))
    monkeypatch.setattr(journal_module, "monotonic", freeze)
    thread.start()
    stuck.wait(10)
    for number in range(3, 10):
        assert journal.append(line(number))
    assert journal.recorded == 8
    go_on.set()
    thread.join()
    assert journal.append(line(10))
    journal.close()
    assert numbers(tmp_path) == list(range(1, 11))


@pytest.mark.parametrize("after_writes", [0, 1])
def test_an_append_that_is_interrupted_between_its_steps_leaves_a_gap_and_never_mixes_lines(
    tmp_path: Path, after_writes: int
) -> None:
    class Interrupted:
        """A mapping in the middle of which a handler raises."""

        writes = 0

        def __setitem__(self, where: slice | int, value: bytes | int) -> None:
            if self.writes == after_writes:
                raise KeyboardInterrupt
            self.writes += 1
            mapping[where] = value  # type: ignore[index, call-overload]

    journal = Journal(tmp_path)
    journal.append(line(1))
    segment = journal.segment
    assert segment is not None
    mapping, segment.mapping = segment.mapping, Interrupted()  # type: ignore[assignment]
    with pytest.raises(KeyboardInterrupt):
        journal.append(line(2, padding=500))
    segment.mapping = mapping
    assert journal.append(line(3))
    journal.close()
    assert journal.recorded == 2
    assert segment_lines(segment.path) == ([line(1), line(3)], 1, 0)
