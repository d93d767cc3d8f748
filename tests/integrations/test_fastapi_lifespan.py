"""The lifespan around an app: it starts and stops whatever fails, and a loaded server loses nothing of anybody."""

import asyncio
import logging
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

import agent_trace.integrations.fastapi as integration
from agent_trace import Store
from agent_trace.integrations.fastapi import lifespan
from agent_trace.store import Filter
from agent_trace.testing import recorded

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = 50
TENANTS = 10
REQUESTS_EACH = 4


def test_it_goes_together_with_a_lifespan_of_the_programs_own() -> None:
    steps: list[str] = []

    @asynccontextmanager
    async def own(app: FastAPI) -> Any:
        async with lifespan(app):
            steps.append("began")
            yield {"model": "gpt-4o"}
            steps.append("ended")

    with recorded(), TestClient(FastAPI(lifespan=own)) as client:
        assert client.app_state == {"model": "gpt-4o"}
    assert steps == ["began", "ended"]


@pytest.mark.parametrize(
    ("step", "what"),
    [
        ("_start", "starting to record"),
        ("_observe_litellm", "observing LiteLLM"),
        ("_deliver", "delivering at shutdown"),
    ],
)
def test_whatever_fails_is_a_warning_and_the_app_starts_and_stops(
    step: str, what: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: Any) -> None:
        raise OSError("no such thing")

    monkeypatch.setattr(integration, step, fails)
    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    def root() -> str:
        return "fine"

    with caplog.at_level(logging.WARNING, logger="agent_trace"), recorded(), TestClient(app) as client:
        assert client.get("/").json() == "fine"
    said = [each.message for each in caplog.records if each.message.startswith(what)]
    assert said == [f"{what} failed ({what}: OSError). The app is not affected."]


def test_the_programs_own_exception_goes_on_and_what_is_left_is_delivered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    delivered: list[float] = []
    monkeypatch.setattr(integration, "_deliver", delivered.append)

    async def run() -> None:
        with recorded():
            async with lifespan(FastAPI(), flush_timeout_s=0.5):
                raise ValueError("the program's")

    with pytest.raises(ValueError, match="the program's"):
        asyncio.run(run())
    assert delivered == [0.5]


def test_shutting_down_waits_for_a_dead_backend_no_longer_than_it_may(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    program = """
import asyncio, logging, sys
from agent_trace import observe_llm
from agent_trace.integrations.fastapi import lifespan
logging.basicConfig(stream=sys.stdout, format="%(message)s")
@observe_llm
def ask(): return "HOLD"
async def run():
    async with lifespan(None, flush_timeout_s=0.3):
        ask()
asyncio.run(run())
"""
    dead = socket.socket()
    dead.bind(("127.0.0.1", 0))  # bound and not listening: refused
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={
            **os.environ,
            "AGENT_TRACE_DIR": str(tmp_path / "store"),
            "LANGFUSE_PUBLIC_KEY": "pk-lf-1",
            "LANGFUSE_SECRET_KEY": "sk-lf-1",
            "LANGFUSE_BASE_URL": f"http://127.0.0.1:{dead.getsockname()[1]}",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    dead.close()
    assert done.returncode == 0, done.stderr
    assert "not all was delivered within 0.3 s of shutting down" in done.stdout


def test_fifty_clients_of_ten_tenants_are_counted_to_the_last_token(tmp_path: Path) -> None:
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.support.traced_app", str(port)],
        cwd=ROOT,
        env={**os.environ, "AGENT_TRACE_DIR": str(tmp_path / "store"), "AGENT_TRACE_QUIET": "1"},
    )
    try:
        wait_until_serving(port)
        expected = asyncio.run(load(f"http://127.0.0.1:{port}"))
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=30)
    store = Store(tmp_path / "store")
    counted: Counter[str] = Counter()
    for each in store.observations(Filter(type="generation")):
        assert each.usage is not None
        counted[each.tenant_id or "nobody"] += each.usage["input"] + each.usage["output"]
    assert counted == expected
    requests = Counter(each.tenant_id for each in store.observations(Filter(type="span")))
    assert requests == dict.fromkeys(expected, CLIENTS * REQUESTS_EACH // TENANTS)
    rows = {row.name for row in store.traces(limit=1_000)}
    assert rows == {"GET /v1/desk/decide/{symbol}", "GET /stream/{symbol}"}


async def load(url: str) -> Counter[str]:
    """Tokens by tenant that clients have asked for, all at once."""
    expected: Counter[str] = Counter()
    chosen = random.Random(7)

    async def one(client: httpx.AsyncClient, number: int) -> None:
        tenant = f"tenant-{number % TENANTS}"
        for turn in range(REQUESTS_EACH):
            tokens = chosen.randrange(1, 10_000)
            expected[tenant] += tokens + 1
            path = f"/v1/desk/decide/S{number}" if turn % 2 else f"/stream/S{number}"
            answer = await client.get(
                f"{url}{path}", params={"tokens": tokens}, headers={"x-tenant-id": tenant}
            )
            assert answer.status_code == 200

    async with httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=CLIENTS)) as client:
        await asyncio.gather(*(one(client, number) for number in range(CLIENTS)))
    return expected


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_serving(port: int) -> None:
    end_s = time.monotonic() + 30
    while time.monotonic() < end_s:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the server did not start")
