"""`agent-trace metrics`: an endpoint for projects that have none."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent_trace.metrics.tally import Names
from tests.support.cli import clean_environment, desk_store, run_cli, with_ctrl_c
from tests.support.prometheus import parsed, scraped, total, value
from tests.support.segments import record, write_segment


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return desk_store(tmp_path / "store")


@pytest.fixture
def served(store: Path) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    command = [sys.executable, "-m", "agent_trace", "metrics", "--port", "0", "--store", str(store)]
    process = subprocess.Popen(
        command,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=with_ctrl_c,
    )
    assert process.stderr is not None
    line = process.stderr.readline()
    found = re.search(r"on http://127\.0\.0\.1:(\d+)/metrics\. Ctrl-C ends", line)
    assert found, line + process.stderr.read()
    yield process, int(found[1])
    process.kill()
    process.communicate()


def test_once_prints_what_was_recorded_and_nothing_else(store: Path) -> None:
    done = run_cli("metrics", "--once", "--store", str(store))
    assert (done.exit_code, done.stderr) == (0, "")
    found = parsed(done.stdout)
    desk = {"tenant_id": "demo-desk"}
    assert value(found, "llm_requests_total", model="gpt-4o-mini", status="success", **desk) == 1
    assert value(found, "llm_requests_total", model="gpt-4o-mini", status="error", **desk) == 1
    assert value(found, "llm_cost_usd_total", model="gpt-4o-mini", agent_id="analyst", **desk) == 0.0123
    assert value(found, "agent_signals_total", agent_id="analyst", action="BUY", **desk) == 1
    assert not [name for name, _ in found if name.startswith(("python_", "process_"))]


def test_it_serves_what_is_recorded_meanwhile(
    served: tuple["subprocess.Popen[str]", int], store: Path
) -> None:
    _, port = served
    before = total(scraped(port), "llm_requests_total")
    write_segment(store, [record(id="7", type="generation", model="gpt-4o")], started_s=5)
    assert total(scraped(port), "llm_requests_total") == before + 1


def test_ctrl_c_ends_it_without_a_word(served: tuple["subprocess.Popen[str]", int]) -> None:
    process, port = served
    scraped(port)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=10)
    assert (process.returncode, stdout, stderr) == (0, "", "")


def test_a_busy_port_is_a_sentence(store: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        done = run_cli("metrics", "--port", str(port), "--store", str(store))
    assert done.exit_code == 1
    assert done.stderr == (
        f"agent-trace: 127.0.0.1 port {port} cannot be used: address already in use. "
        f"Another port: agent-trace metrics --port {port + 1}\n"
    )


def test_an_address_that_is_not_ours_is_a_sentence(store: Path) -> None:
    done = run_cli("metrics", "--host", "no such host", "--store", str(store))
    assert done.exit_code == 1 and done.stderr.startswith(
        "agent-trace: no such host port 9464 cannot be used"
    )


def test_once_without_a_store_says_so(tmp_path: Path) -> None:
    done = run_cli("metrics", "--once", "--store", str(tmp_path))
    assert done.exit_code == 1 and "nothing was recorded" in done.stderr and done.stdout == ""


@pytest.mark.parametrize("once", [["--once"], []])
def test_without_prometheus_client_it_says_what_to_install(
    store: Path, monkeypatch: pytest.MonkeyPatch, once: list[str]
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    done = run_cli("metrics", "--store", str(store), *once)
    assert done.exit_code == 1
    assert (
        done.stderr == "agent-trace: metrics need prometheus-client: pip install 'agent-trace[prometheus]'\n"
    )


def test_the_bound_of_labels_can_be_set_and_is_said_on_stderr(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Names, "_said", set())
    done = run_cli("metrics", "--once", "--max-labels", "1", "--store", str(store))
    found = parsed(done.stdout)
    assert {dict(labels)["tenant_id"] for name, labels in found if name == "llm_requests_total"} == {
        "demo-desk",
        "other",
    }
    assert "more than 1 values of" in done.stderr


@pytest.mark.parametrize(("options", "most"), [((), 2), (("--max-labels", "1"), 1)])
def test_the_bound_of_labels_is_that_of_the_settings_or_the_option(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], most: int
) -> None:
    monkeypatch.setenv("AGENT_TRACE_MAX_LABEL_VALUES", "2")
    monkeypatch.setattr(Names, "_said", set())
    asked = [record(id=n, type="generation", model="gpt-4o", tenant_id=f"tenant-{n}") for n in "1234"]
    write_segment(tmp_path, asked)
    found = parsed(run_cli("metrics", "--once", "--store", str(tmp_path), *options).stdout)
    whose = {dict(labels)["tenant_id"] for name, labels in found if name == "llm_requests_total"}
    assert whose == {*[f"tenant-{n}" for n in "1234"[:most]], "other"}
