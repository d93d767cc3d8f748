"""`track_*`: blocks that are counted, once, whether recording is on or off."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from agent_trace import (
    AgentTracer,
    LangFuseTracker,
    metrics,
    observe_llm,
    track_agent_invocation,
    track_llm_call,
)
from agent_trace.metrics import direct, record_supervisor_task, track_context_compilation
from agent_trace.metrics.serving import Exposition
from agent_trace.recording import process
from agent_trace.testing import Recorded, recorded
from tests.support.prometheus import Samples, parsed, total, value

SUCCESS, ERROR = {"status": "success"}, {"status": "error"}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Recording into a store of its own, and nothing counted before."""
    monkeypatch.setenv("AGENT_TRACE_QUIET", "1")
    monkeypatch.setenv("AGENT_TRACE_DIR", str(tmp_path / "store"))
    monkeypatch.setattr(direct, "_made", {})
    monkeypatch.setattr(direct, "_registry", None)
    monkeypatch.setattr(direct, "_names", None)
    former = process.install(None)
    yield tmp_path / "store"
    made = process.install(former)
    if made is not None:
        made.close()


@pytest.fixture(params=["on", "off"])
def switched(request: pytest.FixtureRequest, store: Path) -> str:
    """Each test runs twice: what is counted must not depend on whether anything is recorded."""
    if request.param == "off":
        LangFuseTracker().disable()
    return str(request.param)


def scrape() -> Samples:
    found = metrics.exposition()
    assert isinstance(found, Exposition) and found.content_type.startswith("text/plain")
    return parsed(found.body.decode())


def test_an_invocation_counts_with_status_and_duration(switched: str) -> None:
    with track_agent_invocation("analyst", "acme"):
        pass
    raised = ValueError("no")
    with pytest.raises(ValueError) as caught:
        with track_agent_invocation("analyst", "acme"):
            raise raised
    assert caught.value is raised
    found, whose = scrape(), {"agent_id": "analyst", "tenant_id": "acme"}
    assert value(found, "agent_invocations_total", **SUCCESS, **whose) == 1
    assert value(found, "agent_invocations_total", **ERROR, **whose) == 1
    assert value(found, "agent_invocation_duration_seconds_count", **whose) == 2
    assert value(found, "agent_invocation_duration_seconds_bucket", le="+Inf", **whose) == 2


def test_an_llm_call_counts_with_status_and_duration_also_async(switched: str) -> None:
    async def go() -> None:
        async with track_llm_call("gpt-4o", "acme"):
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            async with track_llm_call("gpt-4o", "acme"):
                raise asyncio.CancelledError

    asyncio.run(go())
    found, whose = scrape(), {"model": "gpt-4o", "tenant_id": "acme"}
    assert value(found, "llm_requests_total", **SUCCESS, **whose) == 1
    assert value(found, "llm_requests_total", **ERROR, **whose) == 1
    assert value(found, "llm_request_duration_seconds_count", **whose) == 2


def test_contexts_and_tasks_count(switched: str) -> None:
    with track_context_compilation("acme", "large"):
        pass
    record_supervisor_task("acme", True)
    record_supervisor_task("acme", False, "error")
    found = scrape()
    assert (
        value(found, "context_compilation_duration_seconds_count", tenant_id="acme", model_tier="large") == 1
    )
    assert value(found, "supervisor_tasks_total", tenant_id="acme", decomposed="true", **SUCCESS) == 1
    assert value(found, "supervisor_tasks_total", tenant_id="acme", decomposed="false", **ERROR) == 1


def test_every_block_works_with_and_async_with(store: Path) -> None:
    blocks = track_agent_invocation("a", "t"), track_llm_call("m", "t"), track_context_compilation("t", "s")
    for block in blocks:
        assert isinstance(block, AbstractContextManager) and isinstance(block, AbstractAsyncContextManager)


def test_what_is_tracked_and_observed_counts_once(store: Path) -> None:
    answer = {"model": "gpt-4o", "usage": {"prompt_tokens": 100, "completion_tokens": 5}, "choices": []}

    @observe_llm(as_type="agent")
    def analyst() -> Any:
        with track_llm_call("gpt-4o", "acme"):
            return ask()

    @observe_llm
    def ask() -> Any:
        return answer

    with track_agent_invocation("analyst", "acme"):
        with AgentTracer().trace_agent_execution("analyst", "acme"):
            analyst()
    found = scrape()
    assert total(found, "agent_invocations_total") == 1
    assert value(found, "llm_requests_total", model="gpt-4o", tenant_id="acme", **SUCCESS) == 1
    assert total(found, "llm_requests_total") == 1
    assert total(found, "llm_tokens_used_total") == 105


def test_what_was_tracked_while_recording_was_off_is_added_to_what_was_recorded(store: Path) -> None:
    for switch in (LangFuseTracker().disable, LangFuseTracker().enable):
        switch()
        with track_agent_invocation("analyst", "acme"), track_llm_call("gpt-4o", "acme"):
            pass
    found = scrape()
    assert value(found, "agent_invocations_total", agent_id="analyst", tenant_id="acme", **SUCCESS) == 2
    assert value(found, "llm_request_duration_seconds_count", model="gpt-4o", tenant_id="acme") == 2


def test_with_recording_off_nothing_is_written(store: Path) -> None:
    LangFuseTracker().disable()
    with track_agent_invocation("analyst", "acme"):
        record_supervisor_task("acme", True)
    scrape()
    assert not store.exists()


def test_a_handoff_counts(store: Path) -> None:
    AgentTracer().trace_handoff("a", "b", "acme", False, strictness="high")
    labels = {"source_agent": "a", "target_agent": "b", "strictness": "high", "result": "invalid"}
    assert value(scrape(), "handoff_validations_total", **labels) == 1


def test_a_tracked_call_is_an_observation_in_its_scope() -> None:
    with recorded() as observations:
        with track_agent_invocation("analyst", "acme"), track_llm_call("gpt-4o", "acme"):
            pass
    call, agent = observations
    assert (call.type, call.model, call.agent_id, call.tenant_id) == (
        "generation",
        "gpt-4o",
        "analyst",
        "acme",
    )
    assert (agent.type, agent.name, call.parent_id) == ("agent", "analyst", agent.id)


def test_tenants_beyond_the_bound_are_other_with_recording_off_as_well(switched: str) -> None:
    for n in range(205):
        with track_llm_call("gpt-4o", f"bounded-{n}"):
            pass
    found = scrape()
    tenants = {dict(labels)["tenant_id"] for name, labels in found if name == "llm_requests_total"}
    assert len(tenants) <= 201 and "other" in tenants
    assert total(found, "llm_requests_total") == 205


def test_a_traced_call_runs_no_line_of_the_metrics_when_they_are_served(store: Path) -> None:
    @observe_llm
    def ask(question: str) -> str:
        return question

    ask("the first one loads things")
    before = total(scrape(), "llm_requests_total")
    entered: set[str] = set()
    sys.setprofile(lambda frame, event, argument: entered.add(frame.f_code.co_filename))
    try:
        with AgentTracer().trace_agent_execution("analyst", "acme"):
            ask("up?")
    finally:
        sys.setprofile(None)
    assert any("recording" in each for each in entered)
    assert [each for each in entered if "/metrics/" in each or "prometheus_client" in each] == [__file__]
    assert total(scrape(), "llm_requests_total") == before + 1


def test_a_block_that_cannot_be_counted_does_not_fail(recorded_off: Recorded) -> None:
    with track_llm_call("gpt-4o", "acme"):
        pass
    assert recorded_off.lines == []


@pytest.fixture
def recorded_off(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorded]:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(direct, "count", fail)
    with recorded() as sink:
        process.current().disable()
        yield sink


def test_what_is_counted_without_recording_keeps_to_the_bound_of_the_settings(
    store: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AGENT_TRACE_MAX_LABEL_VALUES", "2")
    LangFuseTracker().disable()
    for number in range(5):
        with track_llm_call("gpt-4o", f"tenant-{number}"):
            pass
    tenants = {values[1] for values, _ in direct._native("llm_requests_total")._metrics.items()}
    assert tenants == {"tenant-0", "tenant-1", "other"}
