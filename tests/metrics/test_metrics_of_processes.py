"""Metrics in real processes: of other programs, of a server's workers, with and without prometheus-client."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.support.cli import clean_environment
from tests.support.prometheus import parsed, samples_of, total, value

CALLS = """
import sys
from agent_trace import AgentTracer, observe_llm, track_llm_call

@observe_llm
def ask(question, model="gpt-4o"):
    return {"model": model, "usage": {"prompt_tokens": 100, "completion_tokens": 5}, "choices": []}

def serve(tenant, calls):
    with AgentTracer().trace_agent_execution("analyst", tenant):
        for _ in range(calls):
            ask("up?")
"""
SUCCESS = {"status": "success"}


def program(code: str, directory: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    settings = {"AGENT_TRACE_DIR": str(directory / "store"), "AGENT_TRACE_QUIET": "1", **variables}
    done = subprocess.run(
        [sys.executable, "-c", CALLS + textwrap.dedent(code)],
        cwd=directory,
        env=clean_environment(**settings),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done


def test_an_endpoint_tells_of_what_other_processes_recorded_also_of_one_that_was_killed(
    tmp_path: Path,
) -> None:
    for n in range(2):
        program(f"serve('tenant-{n}', 3)", tmp_path)
    killed = "import os\nif os.fork() == 0:\n    serve('tenant-2', 3); os.kill(os.getpid(), 9)\nos.wait()"
    program(killed, tmp_path)
    found = samples_of(tmp_path / "store")
    for n in range(3):
        whose = {"tenant_id": f"tenant-{n}"}
        assert value(found, "llm_requests_total", model="gpt-4o", **whose, **SUCCESS) == 3
        assert value(found, "agent_invocations_total", agent_id="analyst", **whose, **SUCCESS) == 1
        assert value(found, "llm_tokens_used_total", model="gpt-4o", token_type="input", **whose) == 300


WORKERS = """
import os
from agent_trace import LangFuseTracker, metrics, track_agent_invocation
import prometheus_client
own = prometheus_client.Counter("own_requests", "Of the program itself.")
pipes = []
for n in range(4):  # forked as gunicorn does it, with everything loaded before
    go, ready = os.pipe(), os.pipe()
    if os.fork() == 0:
        own.inc()
        serve("acme", 5)
        LangFuseTracker().disable()
        with track_agent_invocation("unrecorded", "acme"):
            pass
        os.write(ready[1], b"x")
        os.read(go[0], 1)  # until all of them are done
        body = b""
        while b"agent_trace_metrics_caught_up 1.0" not in body:  # a scrape takes two seconds at most
            body = metrics.exposition().body
        with open(f"scrape-{n}", "wb") as file:
            file.write(body)
        os._exit(0)
    os.read(ready[0], 1)
    pipes.append(go[1])
for pipe in pipes:
    os.write(pipe, b"x")
for _ in pipes:
    os.wait()
"""


def test_whichever_worker_of_a_server_is_asked_the_answer_is_that_of_all(tmp_path: Path) -> None:
    (tmp_path / "prometheus").mkdir()
    program(WORKERS, tmp_path, PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "prometheus"))
    texts = [(tmp_path / f"scrape-{n}").read_text() for n in range(4)]
    scrapes = [parsed(text) for text in texts]
    assert all(each == scrapes[0] for each in scrapes)
    found, acme = scrapes[0], {"tenant_id": "acme"}
    assert value(found, "llm_requests_total", model="gpt-4o", **acme, **SUCCESS) == 20
    assert value(found, "agent_invocations_total", agent_id="analyst", **acme, **SUCCESS) == 4
    assert value(found, "agent_invocations_total", agent_id="unrecorded", **acme, **SUCCESS) == 4
    assert value(found, "agent_invocation_duration_seconds_count", agent_id="unrecorded", **acme) == 4
    assert value(found, "own_requests_total") == 4
    assert "agent_trace_direct" not in texts[0]


def test_a_registry_of_the_programs_own_in_multiprocess_mode_has_no_series_twice(tmp_path: Path) -> None:
    (tmp_path / "prometheus").mkdir()
    code = """
    from agent_trace import LangFuseTracker, metrics, track_agent_invocation
    from prometheus_client import CollectorRegistry, generate_latest, multiprocess
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)
    metrics.register(registry)
    metrics.register(registry)
    serve("acme", 2)
    LangFuseTracker().disable()
    with track_agent_invocation("analyst", "acme"):
        pass
    print(generate_latest(registry).decode())
    """
    done = program(code, tmp_path, PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "prometheus"))
    assert total(parsed(done.stdout), "agent_invocations_total") == 2


def test_tracking_puts_the_metrics_into_the_default_registry_of_a_program_that_has_one(
    tmp_path: Path,
) -> None:
    code = """
    import prometheus_client
    with track_llm_call("gpt-4o", "acme"):
        pass
    labels = {"model": "gpt-4o", "tenant_id": "acme", "status": "success"}
    print(prometheus_client.REGISTRY.get_sample_value("llm_requests_total", labels))
    """
    assert program(code, tmp_path).stdout == "1.0\n"


def test_recording_loads_no_prometheus_client_and_starts_no_thread(tmp_path: Path) -> None:
    code = """
    import threading
    serve("acme", 2)
    with track_llm_call("gpt-4o", "acme"):
        pass
    AgentTracer().trace_handoff("a", "b", "acme", True)
    print([name for name in ("prometheus_client", "sqlite3", "genai_prices") if name in sys.modules])
    print(threading.active_count())
    """
    assert program(code, tmp_path).stdout == "[]\n1\n"


MISSING = """
sys.modules["prometheus_client"] = None  # as if it were not installed
from agent_trace import metrics
serve("acme", 2)
AgentTracer().trace_handoff("a", "b", "acme", True)
for ask_for in (
    lambda: track_llm_call("m", "t"),
    lambda: metrics.track_agent_invocation("a", "t"),
    lambda: metrics.track_context_compilation("t", "s"),
    lambda: metrics.record_supervisor_task("t", True),
    metrics.register,
    metrics.exposition,
):
    try:
        ask_for()
    except ImportError as error:
        print(error)
"""


def test_without_prometheus_client_metrics_say_what_to_install_and_all_else_works(tmp_path: Path) -> None:
    done = program(MISSING, tmp_path)
    assert done.stdout == "metrics need prometheus-client: pip install 'agent-trace[prometheus]'\n" * 6
    assert total(samples_of(tmp_path / "store"), "llm_requests_total") == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_figures_of_two_processes_that_scrape_at_once_are_each_others(tmp_path: Path) -> None:
    code = """
    import os
    from pathlib import Path
    from agent_trace.metrics.serving import text_of
    for _ in range(20):
        serve("acme", 50)
    children = []
    for n in range(4):
        if os.fork() == 0:
            Path(f"at-once-{n}").write_text(text_of(Path("store")))
            os._exit(0)
    for n in range(4):
        os.wait()
    """
    program(code, tmp_path)
    scrapes = [parsed((tmp_path / f"at-once-{n}").read_text()) for n in range(4)]
    assert all(each == scrapes[0] for each in scrapes)
    assert total(scrapes[0], "llm_requests_total") == 1000
