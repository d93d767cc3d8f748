"""100 traced calls, and then the process ends in some way: 100 of 100 are there, once each, and stdout is empty."""

import signal
import textwrap
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

from agent_trace import Store
from tests.support.programs import run_program

BEGINNING = """
import os, sys, signal, threading, multiprocessing
from concurrent.futures import ProcessPoolExecutor
from agent_trace import observe_llm

@observe_llm
def ask(n):
    return f"answer {n}"

@observe_llm
async def ask_async(n):
    return f"answer {n}"

def asks(numbers):
    for n in numbers:
        ask(n)

"""

ENDINGS = {
    "kill -9": "asks(range(100)); os.kill(os.getpid(), signal.SIGKILL)",
    "SIGTERM": "asks(range(100)); os.kill(os.getpid(), signal.SIGTERM); import time; time.sleep(10)",
    "os._exit": "asks(range(100)); os._exit(3)",
    "SystemExit": "asks(range(100)); raise SystemExit(0)",
    "an exception": "asks(range(100)); raise ValueError('the program fails')",
    "a normal end": "asks(range(100))",
    "no flush, async": """
        import asyncio
        async def go():
            await asyncio.gather(*(ask_async(n) for n in range(100)))
            os._exit(0)
        asyncio.run(go())
    """,
    "a fork": """
        asks(range(50))
        child = os.fork()
        if child == 0:
            asks(range(50, 100))
            os._exit(0)
        os.waitpid(child, 0)
    """,
    "a fork killed": """
        asks(range(50))
        child = os.fork()
        if child == 0:
            asks(range(50, 100))
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(child, 0)
        os.kill(os.getpid(), signal.SIGKILL)
    """,
    "a multiprocessing child (fork)": """
        if __name__ == "__main__":
            child = multiprocessing.get_context("fork").Process(target=asks, args=(range(100),))
            child.start(); child.join()
    """,
    "a multiprocessing child (spawn)": """
        if __name__ == "__main__":
            child = multiprocessing.get_context("spawn").Process(target=asks, args=(range(100),))
            child.start(); child.join()
    """,
    "a process pool of 4": """
        if __name__ == "__main__":
            with ProcessPoolExecutor(4) as pool:
                list(pool.map(ask, range(100)))
    """,
    "4 threads": """
        threads = [threading.Thread(target=asks, args=(range(k * 25, k * 25 + 25),)) for k in range(4)]
        for each in threads: each.start()
        for each in threads: each.join()
    """,
    "daemon threads left behind": """
        done = threading.Event()
        def forever():
            asks(range(100)); done.set(); threading.Event().wait()
        threading.Thread(target=forever, daemon=True).start()
        done.wait()
    """,
}


run = partial(run_program, BEGINNING)


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS.keys())
def test_100_of_100_are_there_however_it_ends(ending: str, tmp_path: Path) -> None:
    done = run(ending, tmp_path)
    with Store(tmp_path / "store") as store:
        answers = Counter(each.output for each in store.observations())
        ledger = store.ledger()
    assert answers == Counter(f"answer {n}" for n in range(100))
    assert done.stdout == ""
    assert (ledger.torn, ledger.damaged, ledger.evicted, ledger.lost) == (0, 0, 0, {})
    assert (
        ledger.recorded == ledger.indexed == 200
    )  # each is a trace of its own: an opening and an observation


def test_a_signal_ends_the_process_as_it_would_without_us(tmp_path: Path) -> None:
    assert run(ENDINGS["SIGTERM"], tmp_path).returncode == -signal.SIGTERM
    assert run(ENDINGS["an exception"], tmp_path).returncode == 1


def test_what_was_running_when_the_process_died_shows_as_interrupted(tmp_path: Path) -> None:
    run(
        """
        @observe_llm(as_type="agent", name="desk")
        def desk():
            ask(1)
            os.kill(os.getpid(), signal.SIGKILL)
        desk()
        """,
        tmp_path,
    )
    with Store(tmp_path / "store") as store:
        (row,) = store.traces()
        trace = store.trace(row.trace_id)
    assert row.status == "interrupted"
    (root,) = trace.roots
    assert (root.observation.name, root.state, root.observation.end_ns) == ("desk", "interrupted", None)
    assert [(child.observation.name, child.state) for child in root.children] == [("ask", "finished")]


@pytest.mark.parametrize("ending", ["a multiprocessing child (spawn)", "a process pool of 4"])
def test_where_it_records_to_is_said_once_and_not_by_every_worker(ending: str, tmp_path: Path) -> None:
    with_parent = "ask('parent')\n" + textwrap.dedent(ENDINGS[ending])
    said = run("if __name__ == '__main__': " + with_parent.lstrip(), tmp_path).stderr
    assert said.count("recording to") == 1
