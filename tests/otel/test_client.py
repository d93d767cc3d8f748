"""`tracker.client` is a Langfuse client that takes nothing from the program; `status` asks whether its keys are taken."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import pytest
from langfuse import Langfuse
from langfuse._client.resource_manager import LangfuseResourceManager
from opentelemetry import trace

from agent_trace import LangFuseTracker, ObservabilityContext, observe_llm
from agent_trace.credentials import check
from agent_trace.recording import process
from tests.support.langfuse_server import LangfuseServer, langfuse_server
from tests.support.programs import run_program

KEYS = ("pk-lf-test", "sk-lf-test")


@pytest.fixture
def server() -> Iterator[LangfuseServer]:
    with langfuse_server() as made:
        yield made


@pytest.fixture
def tracker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LangFuseTracker]:
    """A tracker whose settings are gone afterwards."""
    monkeypatch.setattr(process, "_arguments", {})
    monkeypatch.setattr(LangFuseTracker, "_instance", None)
    former = process.install(None)
    yield LangFuseTracker(directory=tmp_path / "store", quiet=True)
    recording = process.install(former)
    if recording is not None:
        recording.close()
    LangfuseResourceManager.reset()


def configured(tracker: LangFuseTracker, server: LangfuseServer, **settings: Any) -> Langfuse:
    keys = {"public_key": KEYS[0], "secret_key": KEYS[1], "base_url": server.url}
    LangFuseTracker(**{**keys, **settings})
    client = tracker.client
    assert client is not None
    return client


def test_without_keys_there_is_none(tracker: LangFuseTracker) -> None:
    LangFuseTracker(public_key=None, secret_key=None)
    assert tracker.client is None


def test_it_leaves_the_global_provider_alone_and_its_spans_nest_below_ours(
    tracker: LangFuseTracker, server: LangfuseServer
) -> None:
    before = trace.get_tracer_provider()
    client = configured(tracker, server)

    @observe_llm
    def ask() -> str:
        with client.start_as_current_observation(name="by hand") as span:
            span.update(output="x")
        return ObservabilityContext.inject({})["traceparent"]

    _, trace_id, span_id, _ = ask().split("-")
    client.flush()
    assert trace.get_tracer_provider() is before
    assert [(each.name, each.trace_id.hex(), each.parent_span_id.hex()) for each in server.spans] == [
        ("by hand", trace_id, span_id)
    ]


def test_it_is_the_same_until_settings_change(tracker: LangFuseTracker, server: LangfuseServer) -> None:
    client = configured(tracker, server)
    assert tracker.client is client
    other = configured(tracker, server, public_key="pk-lf-other")
    assert other is not client and tracker.client is other
    LangFuseTracker(public_key=None)
    assert tracker.client is None


def test_the_programs_sampler_does_not_decide_for_it_and_our_rate_does(
    tracker: LangFuseTracker, server: LangfuseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "always_off")
    with configured(tracker, server).start_as_current_observation(name="sent"):
        pass
    nothing = configured(tracker, server, public_key="pk-lf-other", sample_rate=0.0)
    with nothing.start_as_current_observation(name="not sent"):
        pass
    LangfuseResourceManager.reset()  # flushes both
    assert [each.name for each in server.spans] == ["sent"]


def test_with_otel_sdk_disabled_it_is_there_for_the_api_and_we_record(
    tmp_path: Path, server: LangfuseServer
) -> None:
    program = """
        import logging
        from agent_trace import LangFuseTracker, observe_llm

        logging.disable()
        tracker = LangFuseTracker()
        print(len(tracker.client.api.projects.get().data))
        observe_llm(lambda: 1)()
        print(tracker.status()["recorded"])
    """
    variables = {"LANGFUSE_PUBLIC_KEY": KEYS[0], "LANGFUSE_SECRET_KEY": KEYS[1]}
    done = run_program(
        "",
        program,
        tmp_path,
        AGENT_TRACE_QUIET="1",
        OTEL_SDK_DISABLED="true",
        LANGFUSE_BASE_URL=server.url,
        **variables,
    )
    assert done.stdout.split() == ["1", "2"], done.stderr


def test_status_asks_only_when_it_is_told_to(tracker: LangFuseTracker, server: LangfuseServer) -> None:
    LangFuseTracker(public_key=KEYS[0], secret_key=KEYS[1], base_url=server.url)
    assert "credentials" not in tracker.status() and server.requests == []
    assert tracker.status(check_credentials=True)["credentials"] == "ok"
    ((method, path, headers),) = server.requests
    assert (method, path) == ("GET", "/api/public/projects")
    assert headers["Authorization"] == "Basic cGstbGYtdGVzdDpzay1sZi10ZXN0"


@pytest.mark.parametrize(("public", "secret"), [(None, "sk"), ("pk", None), ("", ""), (None, None)])
def test_keys_that_are_not_set_are_missing(public: str | None, secret: str | None) -> None:
    assert check(public, secret, "http://127.0.0.1:9") == "missing"


@pytest.mark.parametrize("status", [401, 403])
def test_refused_keys_name_the_variables_to_look_at(server: LangfuseServer, status: int) -> None:
    server.status = status
    expected = f"refused ({status}): check LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY"
    assert check(*KEYS, server.url + "/") == expected


def test_other_answers_are_no_answer(server: LangfuseServer) -> None:
    for status in (404, 429, 500):
        server.status = status
        assert check(*KEYS, server.url) == f"no answer from {server.url}: it said {status}"
    server.status, server.location = 301, "https://cloud.example/?token=t"
    assert check(*KEYS, server.url) == (
        f"no answer from {server.url}: it redirects to https://cloud.example/ (301)"
    )
    server.status, server.location, server.content_type = 200, None, "text/html"
    assert "is not Langfuse" in check(*KEYS, server.url)
    assert len(server.requests) == 5


@pytest.mark.parametrize(
    "url", ["http://user:hidden@127.0.0.1:9", "http://[", "nonsense", "", "http://127.0.0.1:99999"]
)
def test_nobody_there_is_no_answer_and_names_no_password(url: str) -> None:
    answer = check(*KEYS, url)
    assert answer.startswith("no answer from ") and "hidden" not in answer


class Patient(SimpleQueue[str]):
    """Waits longer than it is asked to, so that the client gives up first."""

    def get(self, block: bool = True, timeout: float | None = None) -> str:
        return super().get(timeout=30)


@pytest.mark.parametrize("waits", [SimpleQueue, Patient], ids=["the caller", "the client"])
def test_a_server_that_sends_a_byte_a_second_is_not_waited_for(
    server: LangfuseServer, monkeypatch: pytest.MonkeyPatch, waits: type
) -> None:
    monkeypatch.setattr("agent_trace.credentials.SimpleQueue", waits)
    server.byte_s = 1.0
    before = time.monotonic()
    assert check(*KEYS, server.url, timeout_s=0.3) == f"no answer from {server.url}: nothing within 0.3 s"
    assert time.monotonic() - before < 5


def test_importing_our_neighbours_loads_no_sdk() -> None:
    code = (
        "import agent_trace.otel, sys; print('opentelemetry.sdk' in sys.modules, 'langfuse' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["False", "False"]
