"""What was recorded reaches the backend: from programs that end in every way, once it is there, and exactly that."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent_trace import Store
from tests.support.cli import run_process
from tests.support.otlp_server import OtlpServer
from tests.support.programs import run_program

BEGINNING = """
import os, sys, signal, threading, time, multiprocessing
from agent_trace import LangFuseTracker, ObservabilityContext, observe_llm

@observe_llm
def ask(n):
    return f"answer {n}"

def asks(numbers):
    for n in numbers:
        ask(n)

"""

ENDINGS = {
    "a normal end": "asks(range(100))",
    "kill -9": "asks(range(100)); os.kill(os.getpid(), signal.SIGKILL)",
    "SIGTERM": "asks(range(100)); os.kill(os.getpid(), signal.SIGTERM); time.sleep(10)",
    "os._exit": "asks(range(100)); os._exit(3)",
    "a forked child": """
        asks(range(50))
        child = os.fork()
        if child == 0:
            asks(range(50, 100))
            os._exit(0)
        os.waitpid(child, 0)
    """,
    "a multiprocessing child": """
        child = multiprocessing.get_context("fork").Process(target=asks, args=(range(100),))
        child.start(); child.join()
    """,
}


@pytest.fixture
def server() -> Iterator[OtlpServer]:
    with OtlpServer("pk-lf-test", "sk-lf-test") as server:
        yield server


def keys(server: OtlpServer, **others: str) -> dict[str, str]:
    """The variables that make a program, or a command, deliver to this server."""
    return {
        "LANGFUSE_PUBLIC_KEY": "pk-lf-test",
        "LANGFUSE_SECRET_KEY": "sk-lf-test",
        "LANGFUSE_BASE_URL": server.url,
        "AGENT_TRACE_QUIET": "1",
        **others,
    }


def forward(
    server: OtlpServer, store: Path, *arguments: str, **others: str
) -> subprocess.CompletedProcess[str]:
    """`agent-trace forward --once`."""
    environment = {**os.environ, **keys(server, **others)}
    return run_process("forward", "--once", "--store", str(store), *arguments, cwd=store, env=environment)


def recorded_ids(store: Path) -> set[str]:
    with Store(store) as opened:
        return {each["id"] for each in opened.records() if each["kind"] == "observation"}


def ledger(store: Path, environment: dict[str, str], consumer: str = "langfuse") -> dict[str, object]:
    shown = run_process(
        "status", "--json", "--store", str(store), cwd=store, env={**os.environ, **environment}
    )
    found = {each["consumer"]: each for each in json.loads(shown.stdout)["deliveries"]}
    return found[consumer]


def assert_balanced(entry: dict[str, object]) -> None:
    parts = ("delivered", "pending", "dead_lettered", "evicted", "torn", "damaged")
    total = sum(entry[part] for part in parts)  # type: ignore[misc]
    total += sum(entry["lost"].values()) + sum(entry["held_back"].values())  # type: ignore[attr-defined]
    assert entry["recorded"] == total, entry


@pytest.mark.parametrize("ending", ENDINGS)
def test_calls_made_while_the_backend_is_down_arrive_when_it_is_back(
    ending: str, server: OtlpServer, tmp_path: Path
) -> None:
    server.down()
    begun = time.monotonic()
    run_program(BEGINNING, ENDINGS[ending], tmp_path, **keys(server))
    assert time.monotonic() - begun < 15
    server.up()
    done = forward(server, tmp_path / "store")
    assert done.returncode == 0, done.stderr
    assert len(server.spans) == 100 and set(server.spans) == recorded_ids(tmp_path / "store")
    assert len(server.arrivals) == 100
    entry = ledger(tmp_path / "store", keys(server))
    assert_balanced(entry)
    assert (entry["pending"], entry["dead_lettered"]) == (0, 0)


def test_a_program_delivers_by_itself_while_it_runs(server: OtlpServer, tmp_path: Path) -> None:
    program = """
        asks(range(20))
        time.sleep(1.5)
        os._exit(0)
    """
    run_program(BEGINNING, program, tmp_path, **keys(server, LANGFUSE_FLUSH_INTERVAL="0.2"))
    assert set(server.spans) == recorded_ids(tmp_path / "store") and len(server.arrivals) == 20


def test_a_program_delivers_at_its_end(server: OtlpServer, tmp_path: Path) -> None:
    done = run_program(BEGINNING, "asks(range(20))", tmp_path, **keys(server))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert set(server.spans) == recorded_ids(tmp_path / "store") and len(server.arrivals) == 20


@pytest.mark.parametrize("day", ["down", "black_hole", "drip"])
def test_the_end_of_a_program_does_not_wait_for_a_bad_backend(
    day: str, server: OtlpServer, tmp_path: Path
) -> None:
    def seconds(**variables: str) -> float:
        program = "asks(range(100)); print(time.time(), flush=True)"
        done = run_program(BEGINNING, program, tmp_path, **variables)
        ended = time.time()
        assert (done.returncode, done.stderr) == (0, "")
        return ended - float(done.stdout)

    without = min(seconds(AGENT_TRACE_QUIET="1") for _ in range(2))
    getattr(server, day)()
    assert seconds(**keys(server)) < without + 2.5  # 2 s promised, and half of one for a busy machine


def test_flush_tells_whether_everything_was_accepted(server: OtlpServer, tmp_path: Path) -> None:
    program = """
        tracker = LangFuseTracker()
        asks(range(20))
        begun = time.monotonic()
        print(tracker.flush(10), time.monotonic() - begun < 9)
        asks(range(5))
        print(tracker.flush(10))
        os._exit(0)
    """
    done = run_program(BEGINNING, program, tmp_path, **keys(server, LANGFUSE_FLUSH_INTERVAL="600"))
    assert done.stdout == "True True\nTrue\n", done.stderr
    assert len(server.arrivals) == 25


def test_flush_gives_up_in_time_and_goes_on_when_the_backend_is_back(
    server: OtlpServer, tmp_path: Path
) -> None:
    program = """
        tracker = LangFuseTracker()
        asks(range(20))
        begun = time.monotonic()
        print(tracker.flush(1), time.monotonic() - begun < 2.5, flush=True)
        sys.stdin.readline()
        print(tracker.flush(10), flush=True)
        tracker.shutdown(); tracker.shutdown()
        asks(range(3))
        print(tracker.flush(10), flush=True)
    """
    server.down()
    path = tmp_path / "program.py"
    path.write_text(BEGINNING + textwrap.dedent(program))
    environment = {**os.environ, "AGENT_TRACE_DIR": str(tmp_path / "store"), **keys(server)}
    running = subprocess.Popen(
        [sys.executable, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "False True\n"
    server.up()
    out, _ = running.communicate("\n", timeout=60)
    assert out == "True\nTrue\n"
    assert len(server.arrivals) == 23


def test_nothing_is_loaded_and_no_thread_runs_without_keys(tmp_path: Path) -> None:
    program = """
        asks(range(3))
        print(LangFuseTracker().flush(), [each.name for each in threading.enumerate()])
        print([each for each in ("requests", "sqlite3", "google.protobuf") if each in sys.modules])
    """
    done = run_program(BEGINNING, program, tmp_path, AGENT_TRACE_QUIET="1")
    assert done.stdout == "True ['MainThread']\n[]\n"


def test_nothing_heavy_is_loaded_before_there_is_something_to_send(
    server: OtlpServer, tmp_path: Path
) -> None:
    program = """
        heavy = ("requests", "sqlite3", "google.protobuf")
        tracker = LangFuseTracker()
        print([each.name for each in threading.enumerate()], [each for each in heavy if each in sys.modules])
        asks(range(3))
        print(len(threading.enumerate()), [each for each in heavy if each in sys.modules])
    """
    done = run_program(BEGINNING, program, tmp_path, **keys(server))
    assert done.stdout == "['MainThread'] []\n2 []\n", done.stderr


def test_one_worker_of_many_forwards_for_all(server: OtlpServer, tmp_path: Path) -> None:
    """As gunicorn does it: the application is loaded, then workers are forked, which serve."""
    program = """
        ask("at the start")
        workers = []
        for k in range(4):
            child = os.fork()
            if child == 0:
                for n in range(25):
                    ask(f"{k} {n}")
                    time.sleep(0.02)
                time.sleep(1)
                os._exit(0)
            workers.append(child)
        for child in workers:
            os.waitpid(child, 0)
    """
    run_program(BEGINNING, program, tmp_path, **keys(server, LANGFUSE_FLUSH_INTERVAL="0.2"))
    forward(server, tmp_path / "store")
    assert set(server.spans) == recorded_ids(tmp_path / "store")
    assert len(server.spans) == 101 == len(server.arrivals)


def test_a_wrong_key_is_said_once_and_put_right_while_the_program_runs(
    server: OtlpServer, tmp_path: Path
) -> None:
    program = """
        asks(range(10))
        tracker = LangFuseTracker()
        print(tracker.flush(2), flush=True)
        sys.stdin.readline()
        print(tracker.flush(10), flush=True)
    """
    path = tmp_path / "program.py"
    path.write_text(BEGINNING + textwrap.dedent(program))
    (tmp_path / ".env").write_text("LANGFUSE_SECRET_KEY=sk-lf-wrong\n")
    environment = {
        **os.environ,
        "AGENT_TRACE_DIR": str(tmp_path / "store"),
        **keys(server, LANGFUSE_FLUSH_INTERVAL="0.2", AGENT_TRACE_QUIET="0"),
    }
    del environment["LANGFUSE_SECRET_KEY"]
    running = subprocess.Popen(
        [sys.executable, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=tmp_path,
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "False\n"
    (tmp_path / ".env").write_text("LANGFUSE_SECRET_KEY=sk-lf-test\n")
    out, err = running.communicate("\n", timeout=60)
    assert out == "True\n", err
    (said,) = [line for line in err.splitlines() if "401" in line]
    assert said.count("LANGFUSE_SECRET_KEY") == 1 and "sk-lf-wrong" not in err
    assert len(server.arrivals) == 10


def test_amendments_and_scores_arrive_under_the_same_ids(server: OtlpServer, tmp_path: Path) -> None:
    program = """
        tracker = LangFuseTracker()
        ask("now")
        tracker.flush(10)
        ObservabilityContext.add_trading_signal("BUY", 0.8, "momentum", symbol="AAPL")
        ObservabilityContext.score("helpful", 0.9)
        tracker.flush(10)
    """
    run_program(BEGINNING, program, tmp_path, **keys(server))
    (span,) = server.spans.values()
    assert [each.id for each in server.arrivals] == [span.id, span.id]
    assert "signal:BUY" in span.attributes["langfuse.trace.tags"]
    assert span.attributes["langfuse.observation.output"] == "answer now"
    (score,) = server.scores.values()
    assert (score["name"], score["value"], score["observationId"]) == ("helpful", 0.9, span.id)


def test_history_stays_until_it_is_asked_for(server: OtlpServer, tmp_path: Path) -> None:
    run_program(BEGINNING, "asks(range(30))", tmp_path, AGENT_TRACE_QUIET="1")
    done = forward(server, tmp_path / "store")
    assert done.returncode == 0 and not server.arrivals
    assert "--since" in done.stderr
    entry = ledger(tmp_path / "store", keys(server))
    assert_balanced(entry)
    done = forward(server, tmp_path / "store", "--since", "30d", "--to", "langfuse")
    assert done.returncode == 0, done.stderr
    assert set(server.spans) == recorded_ids(tmp_path / "store") and len(server.arrivals) == 30
    assert_balanced(ledger(tmp_path / "store", keys(server)))


def test_a_poisonous_observation_goes_to_the_dead_letters_and_can_be_retried(
    server: OtlpServer, tmp_path: Path
) -> None:
    server.down()
    run_program(BEGINNING, "asks(range(300))", tmp_path, **keys(server))
    ids = recorded_ids(tmp_path / "store")
    poison = sorted(ids)[17]
    server.up()
    server.refuse(poison)
    done = forward(server, tmp_path / "store")
    assert set(server.spans) == ids - {poison} and len(server.arrivals) == 299
    assert done.returncode == 1 and "agent-trace forward --dead" in done.stderr
    entry = ledger(tmp_path / "store", keys(server))
    assert_balanced(entry)
    assert entry["dead_lettered"] == 1
    environment = {**os.environ, **keys(server)}
    listed = run_process(
        "forward", "--dead", "--list", "--store", str(tmp_path / "store"), cwd=tmp_path, env=environment
    )
    assert poison[:8] in listed.stdout and "400" in listed.stdout and listed.returncode == 0
    server.heal()
    retried = run_process(
        "forward", "--dead", "--store", str(tmp_path / "store"), cwd=tmp_path, env=environment
    )
    assert retried.returncode == 0, retried.stderr
    assert set(server.spans) == ids and len(server.arrivals) == 300
    assert ledger(tmp_path / "store", keys(server))["dead_lettered"] == 0


def test_both_backends_get_everything(server: OtlpServer, tmp_path: Path) -> None:
    with OtlpServer() as other:
        variables = keys(server, OTEL_EXPORTER_OTLP_ENDPOINT=other.url)
        run_program(BEGINNING, "asks(range(40))", tmp_path, **variables)
        assert set(server.spans) == set(other.spans) == recorded_ids(tmp_path / "store")
        assert other.requests[-1].path == "/v1/traces"


def test_a_sidecar_forwards_for_programs_without_keys_from_its_start_on(
    server: OtlpServer, tmp_path: Path
) -> None:
    environment = {**os.environ, **keys(server, LANGFUSE_FLUSH_INTERVAL="0.2", AGENT_TRACE_QUIET="0")}
    run_program(BEGINNING, "asks(range(5))", tmp_path, AGENT_TRACE_QUIET="1")
    sidecar = subprocess.Popen(
        [sys.executable, "-m", "agent_trace", "forward", "--store", str(tmp_path / "store")],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert sidecar.stderr is not None
    assert "forwarding" in sidecar.stderr.readline()
    time.sleep(1)
    run_program(BEGINNING, "asks(range(30))", tmp_path, AGENT_TRACE_QUIET="1")
    assert server.wait_for(lambda: len(server.spans) == 30)
    sidecar.send_signal(signal.SIGINT)
    _, err = sidecar.communicate(timeout=20)
    assert sidecar.returncode == 0 and "Traceback" not in err
    assert len(server.arrivals) == 30


def test_a_backend_that_is_no_longer_wanted_is_forgotten(server: OtlpServer, tmp_path: Path) -> None:
    store = tmp_path / "store"
    run_program(BEGINNING, "asks(range(3))", tmp_path, **keys(server))
    forward(server, store)
    arguments = ("forward", "--forget", "langfuse", "--store", str(store))
    configured = run_process(*arguments, cwd=tmp_path, env={**os.environ, **keys(server)})
    assert configured.returncode == 1 and "LANGFUSE_PUBLIC_KEY" in configured.stderr
    assert "langfuse" in run_process("status", "--store", str(store), cwd=tmp_path).stdout
    done = run_process(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout.startswith("langfuse is owed nothing any more")) == (0, True)
    standing = json.loads(run_process("status", "--json", "--store", str(store), cwd=tmp_path).stdout)
    assert standing["deliveries"] == []
    assert len(Store(store).traces()) == 3
    again = run_process(*arguments, cwd=tmp_path)
    assert (again.returncode, "owed nothing" in again.stderr) == (0, True)


def test_forwarding_to_nowhere_says_what_to_set(tmp_path: Path) -> None:
    run_program(BEGINNING, "asks(range(3))", tmp_path, AGENT_TRACE_QUIET="1")
    done = run_process("forward", "--once", "--store", str(tmp_path / "store"), cwd=tmp_path)
    assert done.returncode == 1
    assert "LANGFUSE_PUBLIC_KEY" in done.stderr and "OTEL_EXPORTER_OTLP_ENDPOINT" in done.stderr


def test_a_child_that_is_forked_while_the_parent_loads_can_load_too(
    server: OtlpServer, tmp_path: Path
) -> None:
    program = """
        ask("first")
        for _ in range(40):
            child = os.fork()
            if child == 0:
                signal.alarm(20)
                import requests, sqlite3
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
            time.sleep(0.01)
    """
    done = run_program(BEGINNING, program, tmp_path, **keys(server, LANGFUSE_FLUSH_INTERVAL="0.05"))
    assert done.returncode == 0, done.stderr


def test_a_share_is_delivered_and_whole_traces_that_matter(server: OtlpServer, tmp_path: Path) -> None:
    program = """
        @observe_llm(as_type="agent")
        def decide(n):
            ask(n)
            if n == 7:
                ObservabilityContext.add_trading_signal("BUY", 0.8, "momentum")
            if n == 11:
                raise ValueError("no price")

        for n in range(20):
            try:
                decide(n)
            except ValueError:
                pass
        print(LangFuseTracker().flush(10))
    """
    done = run_program(BEGINNING, program, tmp_path, **keys(server, AGENT_TRACE_SAMPLE_RATE="0"))
    assert done.stdout == "True\n"
    traces = {span.trace_id for span in server.spans.values()}
    assert len(traces) == 2 and len(server.spans) == 4
    entry = ledger(tmp_path / "store", keys(server))
    assert_balanced(entry)
    assert entry["held_back"] == {"sampling": 36}
