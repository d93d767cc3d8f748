"""A fork while a thread of ours is at something leaves no child that waits for ever."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from agent_trace.recording import forks

IMPORT = ("forks.import_whole('slow_one')", "import slow_one")
LOCKED = (
    """
    with forks.whole:
        file = os.open("locked", os.O_RDWR | os.O_CREAT)
        fcntl.flock(file, fcntl.LOCK_EX)
        open("begun", "w").close()
        time.sleep(0.5)
        os.close(file)
    """,
    "fcntl.flock(os.open('locked', os.O_RDWR), fcntl.LOCK_EX)",
)
PROGRAM = """
import fcntl, os, sys, threading, time
from pathlib import Path
sys.path.insert(0, ".")
from agent_trace.recording import forks
import logging
def work():
    {work}
thread = threading.Thread(target=work)
thread.start()
while not Path("begun").exists():
    time.sleep(0.001)
child = os.fork()
if child == 0:
    {same}
    os._exit(7)
end = time.monotonic() + 20
while time.monotonic() < end:
    done, status = os.waitpid(child, os.WNOHANG)
    if done:
        print(os.waitstatus_to_exitcode(status))
        break
    time.sleep(0.01)
else:
    os.kill(child, 9)
    print("waits for ever")
thread.join()
"""


@pytest.mark.parametrize(("work", "same"), [IMPORT, LOCKED], ids=["import", "lock"])
def test_a_child_that_is_forked_meanwhile_can_do_the_same(tmp_path: Path, work: str, same: str) -> None:
    assert _outcome(tmp_path, "import time; time.sleep(0.5)", work, same) == "7\n"


def test_a_module_that_asks_for_a_logger_can_be_imported_meanwhile(tmp_path: Path) -> None:
    """The fork takes the lock of `logging` too, and must not have it while it waits for the import."""
    asks = "import logging, time; time.sleep(0.5); logging.getLogger('slow_one')"
    assert _outcome(tmp_path, asks, *IMPORT) == "7\n"


def _outcome(directory: Path, module: str, work: str, same: str) -> str:
    """What the program says of its child, with a module `slow_one` that does that when it is imported."""
    (directory / "slow_one.py").write_text(f"open('begun', 'w').close()\n{module}\n")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(work=work, same=same)],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _exit_code_of_child(work: Callable[[], int]) -> int:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = work()
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _enter_in_a_thread() -> int:
    entered = threading.Event()

    def enter() -> None:
        with forks.whole:
            entered.set()

    threading.Thread(target=enter, daemon=True).start()
    return 7 if entered.wait(10) else 2


def test_work_that_waits_for_the_forking_thread_does_not_hold_it_up_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(forks, "_MOST_WAIT_S", 0.1)
    begun, forked = threading.Event(), threading.Event()

    def work() -> None:
        with forks.whole:
            begun.set()
            forked.wait(30)

    thread = threading.Thread(target=work)
    thread.start()
    begun.wait()
    assert _exit_code_of_child(_enter_in_a_thread) == 7
    forked.set()
    thread.join()
    assert _enter_in_a_thread() == 7


def test_a_fork_in_the_middle_of_its_own_work_leaves_it_free_on_both_sides() -> None:
    with forks.whole, forks.whole:
        child = os.fork()
    if child == 0:
        os._exit(_enter_in_a_thread())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert _enter_in_a_thread() == 7
