"""Bad days of a traced program: it goes on as if nothing were, is told once, and nothing that could be kept is lost."""

import resource
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from agent_trace import Store
from tests.support.programs import run_program

BEGINNING = """
import os, sys
from agent_trace import LangFuseTracker, ObservabilityContext, observe_llm

@observe_llm
def ask(question):
    return f"answer to {question}"

"""


run = partial(run_program, BEGINNING)


def outputs(directory: Path) -> list[object]:
    with Store(directory / "store") as store:
        return [each.output for each in store.observations(newest_first=False)]


def test_an_impossible_directory_is_said_once_and_the_program_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    done = run(
        "print([ask(n) for n in range(50)][-1]); print(LangFuseTracker().status()['lost'])",
        tmp_path,
        store=str(tmp_path / "file" / "store"),
    )
    assert done.returncode == 0
    assert done.stdout == "answer to 49\n{'directory': 100}\n"
    complaints = [
        line for line in done.stderr.splitlines() if "not be recorded" in line or "cannot" in line.lower()
    ]
    assert len(complaints) == 1
    assert str(tmp_path / "file") in complaints[0]


def limited_to(max_bytes: int) -> Callable[[], None]:
    """No file of the program may grow beyond this: writing fails as it does on a full disk."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, max_bytes))


THOUSAND_CALLS = """
print(sum(ask("x" * 5000) is not None for _ in range(1000)))
status = LangFuseTracker().status()
print(status["recorded"] + sum(status["lost"].values()))
"""


def test_where_no_space_is_to_be_had_that_is_said_once_and_counted(tmp_path: Path) -> None:
    done = run(THOUSAND_CALLS, tmp_path, before=limited_to(100 << 10))
    assert (done.returncode, done.stdout) == (0, "1000\n2000\n")
    said = [line for line in done.stderr.splitlines() if str(tmp_path / "store") in line]
    assert len(said) == 1


def test_files_that_may_not_grow_are_followed_by_others_and_nothing_is_lost(tmp_path: Path) -> None:
    done = run(THOUSAND_CALLS, tmp_path, before=limited_to(1 << 20), AGENT_TRACE_SEGMENT_BYTES="64MiB")
    assert (done.returncode, done.stdout) == (0, "1000\n2000\n")
    with Store(tmp_path / "store") as store:
        store.refresh()
        ledger = store.ledger()
    assert (ledger.recorded, ledger.indexed, ledger.lost) == (2000, 2000, {})


def test_an_unknown_setting_and_an_unusable_value_are_named_with_the_nearest(tmp_path: Path) -> None:
    done = run("ask(1)", tmp_path, AGENT_TRACE_SEGMENT_BITES="1MiB", AGENT_TRACE_MAX_DEPTH="deep")
    assert done.returncode == 0
    assert "'AGENT_TRACE_SEGMENT_BITES'" in done.stderr and "'AGENT_TRACE_SEGMENT_BYTES'" in done.stderr
    assert "AGENT_TRACE_MAX_DEPTH: 'deep'" in done.stderr
    assert outputs(tmp_path) == ["answer to 1"]


def test_a_broken_redaction_rule_stops_recording_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.agent_trace.redact_rules]\naccount = "(?<=x)y"\n')
    done = run("print(ask(1))", tmp_path)
    assert (done.returncode, done.stdout) == (0, "answer to 1\n")
    assert "recording is off" in done.stderr and "account" in done.stderr
    assert not (tmp_path / "store").exists()


def test_a_prompt_of_10_mb_is_cut_and_says_its_size(tmp_path: Path) -> None:
    done = run("print(len(ask('word ' * 2_000_000)))", tmp_path)
    assert (done.returncode, done.stdout) == (0, "10000010\n")
    with Store(tmp_path / "store") as store:
        (found,) = store.observations()
    text = found.input["question"]
    assert len(text) < 1_100_000 and "10,000,000" in text[-200:]
    assert {each["of"] for each in found.truncated} == {10_000_000, 10_000_010}


def test_ten_thousand_nested_observations_are_one_tree(tmp_path: Path) -> None:
    done = run(
        """
        @observe_llm(as_type="span")
        def nest(depth):
            return depth if depth == 0 else nest(depth - 1)
        sys.setrecursionlimit(20_000)
        from agent_trace.recording.process import current, is_on
        assert is_on()
        recorder = current().steps.recorder
        outside = []
        calls = 400 if sys.version_info[:2] == (3, 12) else 1_000  # 3.12.1 goes some five hundred deep
        for n in range(10_000 - calls):
            outside.append(recorder.open("outside", "span"))
            recorder.attach(outside[-1])
        print(nest(calls - 1))
        for span in reversed(outside):
            recorder.detach(span)
            recorder.finish(span)
        """,
        tmp_path,
    )
    assert (done.returncode, done.stdout) == (0, "0\n")
    with Store(tmp_path / "store") as store:
        (row,) = store.traces()
        depths = [depth for depth, _ in store.trace(row.trace_id).walk()]
    assert row.observations == 10_000
    assert depths == list(range(10_000))


def test_a_clock_set_back_gives_no_negative_duration(tmp_path: Path) -> None:
    done = run(
        """
        import time
        from agent_trace.recording.process import current
        ask("first")
        clock = current().steps.recorder.clock
        wall = iter(range(10**18, 0, -3_600_000_000_000))
        clock.wall_ns = lambda: next(wall)
        for n in range(5):
            ask(n)
        """,
        tmp_path,
    )
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0)
    with Store(tmp_path / "store") as store:
        durations = [each.duration_ns for each in store.observations()]
    assert len(durations) == 6
    assert all(each is not None and each >= 0 for each in durations)


def test_calls_while_the_interpreter_shuts_down_are_kept(tmp_path: Path) -> None:
    done = run(
        """
        import atexit
        ask("before")
        atexit.register(lambda: ask("at exit"))
        class Late:
            def __del__(self):
                print(ask("in a destructor"))
        late = Late()
        """,
        tmp_path,
    )
    assert (done.returncode, done.stdout) == (0, "answer to in a destructor\n")
    assert done.stderr.count("Traceback") == 0 and "Exception" not in done.stderr
    assert {"answer to before", "answer to at exit"} <= set(map(str, outputs(tmp_path)))


def test_a_closed_stderr_and_stdout_do_not_matter(tmp_path: Path) -> None:
    run("os.close(1); os.close(2); sys.stderr = None; [ask(n) for n in range(3)]", tmp_path)
    assert len(outputs(tmp_path)) == 3


def test_a_store_that_is_removed_while_the_program_runs_is_made_again(tmp_path: Path) -> None:
    done = run(
        """
        import shutil, time
        ask("lost with the store")
        shutil.rmtree(os.environ["AGENT_TRACE_DIR"])
        time.sleep(1.1)
        print(ask("kept"))
        """,
        tmp_path,
    )
    assert (done.returncode, done.stdout) == (0, "answer to kept\n")
    assert "answer to kept" in outputs(tmp_path)


def test_two_hundred_processes_at_once_keep_everything(tmp_path: Path) -> None:
    done = run(
        """
        ask("parent")
        children = []
        for child in range(200):
            pid = os.fork()
            if pid == 0:
                for n in range(5):
                    ask((child, n))
                os._exit(0)
            children.append(pid)
        print(sum(os.waitpid(pid, 0)[1] for pid in children))
        """,
        tmp_path,
    )
    assert (done.returncode, done.stdout) == (0, "0\n")
    kept = outputs(tmp_path)
    assert len(kept) == len(set(map(str, kept))) == 1001


def test_switching_off_from_outside_reaches_a_running_program(tmp_path: Path) -> None:
    done = run(
        """
        import subprocess
        ask("on")
        subprocess.run([sys.executable, "-m", "agent_trace", "off"], check=True, capture_output=True)
        ask("off")
        subprocess.run([sys.executable, "-m", "agent_trace", "on"], check=True, capture_output=True)
        ask("on again")
        """,
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert outputs(tmp_path) == ["answer to on", "answer to on again"]


@pytest.mark.parametrize("value", ["0", "false", "off"])
def test_enable_langfuse_off_leaves_no_trace_of_us(tmp_path: Path, value: str) -> None:
    done = run("print(ask(1)); print('opentelemetry' in sys.modules)", tmp_path, ENABLE_LANGFUSE=value)
    assert (done.returncode, done.stdout, done.stderr) == (0, "answer to 1\nFalse\n", "")
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("error", ["RuntimeError", "AttributeError"])
def test_whatever_stands_in_for_stderr_does_not_matter(tmp_path: Path, error: str) -> None:
    done = run(
        f"""
        class Tee:
            def write(self, text): raise {error}
            def flush(self): pass
        sys.stderr = Tee()
        print(ask(1), ask(2))
        """,
        tmp_path,
        AGENT_TRACE_MAX_DEPTH="deep",
    )
    assert (done.returncode, done.stdout) == (0, "answer to 1 answer to 2\n")
    assert outputs(tmp_path) == ["answer to 1", "answer to 2"]


def test_a_failure_of_ours_is_counted_and_said_and_not_raised(tmp_path: Path) -> None:
    done = run(
        """
        from agent_trace.recording.recorder import Recorder
        ask(0)
        def fails(*args, **kwargs): raise ZeroDivisionError
        Recorder.finish = fails
        print(ask(1), ask(2), LangFuseTracker().status()["lost"])
        """,
        tmp_path,
    )
    assert (done.returncode, done.stdout) == (0, "answer to 1 answer to 2 {'internal_error': 2}\n")
    assert done.stderr.count("an observation was lost") == 1


def test_a_fork_inside_a_call_that_returns_in_both_gives_two_observations(tmp_path: Path) -> None:
    done = run(
        """
        @observe_llm(as_type="agent", name="desk")
        def desk():
            child = os.fork()
            ObservabilityContext.add_trading_signal("SELL" if child == 0 else "BUY", 1, "")
            return child
        child = desk()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        """,
        tmp_path,
    )
    assert done.returncode == 0
    with Store(tmp_path / "store") as store:
        found = {each.signal["action"]: each for each in store.observations() if each.signal}
    assert set(found) == {"BUY", "SELL"}
    assert found["SELL"].parent_id == found["BUY"].id


def test_another_setting_does_not_undo_the_switch(tmp_path: Path) -> None:
    done = run(
        """
        tracker = LangFuseTracker()
        tracker.disable()
        print(LangFuseTracker(max_nodes=500).enabled)
        tracker.enable()
        print(LangFuseTracker(max_nodes=600).enabled, LangFuseTracker(enabled=False).enabled)
        """,
        tmp_path,
    )
    assert done.stdout == "False\nTrue False\n"


def test_a_rule_that_cannot_be_used_is_in_the_status(tmp_path: Path) -> None:
    done = run(
        "print(LangFuseTracker().status()['problem'])", tmp_path, AGENT_TRACE_REDACT_RULES="account = ("
    )
    assert "account" in done.stdout
