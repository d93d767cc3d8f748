"""What is accepted is exactly what was recorded: with forwarders killed at any moment, bursts, and disks that fill."""

import os
import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from agent_trace.delivery.forwarding.batching import MOST_ITEMS
from agent_trace.delivery.making import make_forwarder
from agent_trace.delivery.standing.ledger import delivery_ledgers
from agent_trace.settings import load
from agent_trace.store import Store
from tests.support.otlp_server import OtlpServer
from tests.support.programs import run_program

BEGINNING = """
import os, sys, time
from agent_trace import LangFuseTracker, observe_llm

@observe_llm
def ask(n):
    return f"answer {n}"

"""
FORWARD = """
import sys
from agent_trace.delivery.making import make_forwarder
from agent_trace.settings import load
forwarder = make_forwarder(load({"directory": sys.argv[1]}), print)
print("ready", flush=True)
outcome = forwarder.run_once()
print(outcome)
"""
KILLS = 50


def keys(url: str) -> dict[str, str]:
    return {
        "LANGFUSE_PUBLIC_KEY": "pk-lf-test",
        "LANGFUSE_SECRET_KEY": "sk-lf-test",
        "LANGFUSE_BASE_URL": url,
        "AGENT_TRACE_QUIET": "1",
    }


def recorded_ids(store: Path) -> list[str]:
    with Store(store) as opened:
        return [each["id"] for each in opened.records() if each["kind"] == "observation"]


def deliver(store: Path, url: str) -> None:
    """One whole pass in this process."""
    given = {"public_key": "pk-lf-test", "secret_key": "sk-lf-test", "base_url": url, "directory": str(store)}
    forwarder = make_forwarder(load(given), print)
    try:
        assert forwarder.run_once().delivered
    finally:
        forwarder.close()


def assert_settled(store: Path, delivered: int) -> None:
    (ledger,) = delivery_ledgers(store)
    parts = (
        ledger.delivered,
        ledger.pending,
        ledger.dead_lettered,
        ledger.evicted,
        ledger.torn,
        ledger.damaged,
    )
    assert ledger.recorded == sum(parts) + sum(ledger.lost.values()) + sum(ledger.held_back.values())
    assert (ledger.delivered, ledger.pending, ledger.dead_lettered) == (delivered, 0, 0)


def test_forwarders_killed_at_random_lose_nothing_and_repeat_a_batch_a_kill_at_most(tmp_path: Path) -> None:
    store, calls, chance = tmp_path / "store", 4_000, random.Random(7)
    with OtlpServer("pk-lf-test", "sk-lf-test") as server:
        server.down()
        run_program(BEGINNING, f"for n in range({calls}): ask(n)\nos._exit(0)", tmp_path, **keys(server.url))
        server.up()
        server.slow(0.02)
        kills = 0
        for _ in range(KILLS):
            running = subprocess.Popen(
                [sys.executable, "-c", FORWARD, str(store)],
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, **keys(server.url)},
            )
            assert running.stdout is not None
            running.stdout.readline()
            time.sleep(chance.random() * 0.15)
            kills += running.poll() is None
            running.send_signal(signal.SIGKILL)
            running.communicate()
        server.heal()
        deliver(store, server.url)
        ids = recorded_ids(store)
        assert set(server.spans) == set(ids) and len(ids) == calls
        assert kills > KILLS / 3
        assert len(server.arrivals) - calls <= kills * MOST_ITEMS
    assert_settled(store, 2 * calls)  # a root's opening is a record, too


def test_a_burst_arrives_whole_from_a_program_that_only_flushes(tmp_path: Path) -> None:
    program = """
        for n in range(50_000):
            ask(n)
        print(LangFuseTracker().flush(100))
    """
    with OtlpServer("pk-lf-test", "sk-lf-test", keeps_content=False) as server:
        done = run_program(BEGINNING, program, tmp_path, **keys(server.url))
        assert done.stdout == "True\n"
        assert len(server.arrivals) == 50_000 == len(server.spans)
    assert_settled(tmp_path / "store", 100_000)


def test_two_forwarders_at_once_send_nothing_twice(tmp_path: Path) -> None:
    with OtlpServer("pk-lf-test", "sk-lf-test") as server:
        server.down()
        run_program(BEGINNING, "for n in range(3000): ask(n)\nos._exit(0)", tmp_path, **keys(server.url))
        server.up()
        server.slow(0.02)
        command = [
            sys.executable,
            "-m",
            "agent_trace",
            "forward",
            "--once",
            "--store",
            str(tmp_path / "store"),
        ]
        environment = {**os.environ, **keys(server.url)}
        running = [subprocess.Popen(command, env=environment, cwd=tmp_path) for _ in range(3)]
        assert [each.wait(60) for each in running] == [0, 0, 0]
        assert len(server.arrivals) == 3000 == len(server.spans)
    assert_settled(tmp_path / "store", 6000)


def test_a_disk_that_fills_while_the_backend_is_down_costs_what_is_counted_as_lost(tmp_path: Path) -> None:
    def little_space() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (600 << 10, 600 << 10))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    program = """
        for n in range(3000):
            ask("x" * 500 + str(n))
        os._exit(0)
    """
    with OtlpServer("pk-lf-test", "sk-lf-test") as server:
        server.down()
        variables = keys(server.url) | {"AGENT_TRACE_SEGMENT_BYTES": str(64 << 20)}
        run_program(BEGINNING, program, tmp_path, before=little_space, **variables)
        server.up()
        deliver(tmp_path / "store", server.url)
        ids = recorded_ids(tmp_path / "store")
        assert set(server.spans) == set(ids) and len(server.arrivals) == len(ids)
    (ledger,) = delivery_ledgers(tmp_path / "store")
    assert ledger.pending == 0 and ledger.recorded == ledger.delivered + sum(ledger.lost.values())


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_failures_of_the_backend_keep_everything(status: int, tmp_path: Path) -> None:
    with OtlpServer("pk-lf-test", "sk-lf-test") as server:
        server.fail(status, times=1, retry_after="0")
        program = """
            for n in range(300): ask(n)
            print(LangFuseTracker().flush(30))
        """
        variables = keys(server.url) | {"LANGFUSE_FLUSH_INTERVAL": "0.2"}
        done = run_program(BEGINNING, program, tmp_path, **variables)
        assert done.stdout == "True\n"
        assert len(server.arrivals) == 300 and set(server.spans) == set(recorded_ids(tmp_path / "store"))


def test_a_server_that_drops_connections_gets_everything_under_the_same_ids(tmp_path: Path) -> None:
    with OtlpServer("pk-lf-test", "sk-lf-test") as server:
        server.drop(every=3)
        program = """
            for k in range(5):
                for n in range(100): ask(n)
                LangFuseTracker().flush(5)
            print(LangFuseTracker().flush(30))
        """
        variables = keys(server.url) | {"LANGFUSE_FLUSH_INTERVAL": "0.2"}
        done = run_program(BEGINNING, program, tmp_path, **variables)
        assert done.stdout == "True\n"
        assert set(server.spans) == set(recorded_ids(tmp_path / "store")) and len(server.spans) == 500
