"""One process forwards a store at a time; the lock goes with it, however it ends, and no child keeps it."""

import os
import signal
import time
from pathlib import Path

from agent_trace.delivery.standing.lock import ForwarderLock, forwarding_pid
from agent_trace.delivery.standing.state import DeliveryState
from tests.support.backends import MemoryBackend, forward, forwarder_of
from tests.support.journals import start_program
from tests.support.segments import record, write_segment


def test_one_holds_the_lock_and_everybody_sees_who(tmp_path: Path) -> None:
    first, second = ForwarderLock(tmp_path), ForwarderLock(tmp_path)
    assert forwarding_pid(tmp_path) is None
    assert (first.try_acquire(), first.try_acquire(), second.try_acquire()) == (True, True, False)
    assert forwarding_pid(tmp_path) == os.getpid()
    first.release()
    assert forwarding_pid(tmp_path) is None
    assert second.try_acquire()


def test_a_forwarder_without_the_lock_sends_nothing_and_says_who_does(tmp_path: Path) -> None:
    write_segment(tmp_path, [record(id="1")])
    lock, backend = ForwarderLock(tmp_path), MemoryBackend()
    lock.try_acquire()
    forwarder = forwarder_of(tmp_path, backend)
    outcome = forwarder.run_once()
    assert (outcome.delivered, outcome.holder, backend.attempts) == (False, os.getpid(), 0)
    lock.release()
    assert forwarder.run_once().delivered
    assert backend.ids == ["1"]


def test_a_forked_child_neither_keeps_the_lock_nor_touches_the_state(tmp_path: Path) -> None:
    write_segment(tmp_path, [record(id="1")])
    forwarder = forward(tmp_path, MemoryBackend())
    parents = forwarder._state.connection
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        state, lock = forwarder._state, forwarder._lock
        fine = not lock.is_held and state._connection is None and not lock.try_acquire()
        os.write(tell, b"fine" if fine else b"not")
        time.sleep(20)
        os._exit(0)
    assert os.read(told, 4) == b"fine"
    forwarder._lock.release()
    assert ForwarderLock(tmp_path).try_acquire()  # the child lives and does not hold it
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert parents.execute("SELECT count(*) FROM offsets").fetchone() == (1,)
    assert DeliveryState(tmp_path, create=False).offsets("langfuse")


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    code = """
import sys, time
from pathlib import Path
from agent_trace.delivery.standing.lock import ForwarderLock
lock = ForwarderLock(Path(sys.argv[1]))
print(lock.try_acquire(), flush=True)
time.sleep(60)
"""
    with start_program(code, tmp_path) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"True\n"
        assert forwarding_pid(tmp_path) == holder.pid
        assert not ForwarderLock(tmp_path).try_acquire()
        holder.send_signal(signal.SIGKILL)
    assert forwarding_pid(tmp_path) is None
    assert ForwarderLock(tmp_path).try_acquire()
