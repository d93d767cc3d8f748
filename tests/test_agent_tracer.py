"""AgentTracer: one execution of an agent for a tenant, whoever runs beside it."""

import asyncio
import contextvars
import re
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from opentelemetry import trace as otel

from agent_trace import AgentTracer, LangFuseTracker, ObservabilityContext, observe_llm
from agent_trace.errors import SettingError
from agent_trace.recording import process
from agent_trace.recording.current_context import get_context
from agent_trace.settings import load
from agent_trace.testing import Recorded, recorded

TASKS, THREADS = 200, 16


@pytest.fixture
def observations() -> Iterator[Recorded]:
    with recorded() as sink:
        yield sink


@pytest.fixture
def tracer() -> AgentTracer:
    return AgentTracer()


@observe_llm
def ask(question: str) -> str:
    return question


@observe_llm
async def ask_slowly(question: str) -> str:
    await asyncio.sleep(0)
    return question


def test_an_execution_is_an_agent_observation_with_its_scope(
    observations: Recorded, tracer: AgentTracer
) -> None:
    with tracer.trace_agent_execution("analyst", "acme", session_id="s-1") as execution:
        ask("up or down?")
    inner, agent = observations
    assert execution == {"trace_id": agent.trace_id, "agent_id": "analyst", "tenant_id": "acme"}
    assert (agent.type, agent.name, agent.parent_id) == ("agent", "analyst", None)
    for each in (agent, inner):
        assert (each.agent_id, each.tenant_id, each.session_id) == ("analyst", "acme", "s-1")
    assert inner.parent_id == agent.id
    assert [each["kind"] for each in observations.records].count("opened") == 1


def test_the_same_with_async(observations: Recorded, tracer: AgentTracer) -> None:
    async def work() -> dict[str, str]:
        async with tracer.trace_agent_execution("analyst", "acme") as execution:
            await ask_slowly("up?")
        return execution

    execution = asyncio.run(work())
    inner, agent = observations
    assert execution["trace_id"] == agent.trace_id == inner.trace_id
    assert (inner.agent_id, inner.tenant_id, inner.parent_id) == ("analyst", "acme", agent.id)


def test_what_comes_after_an_execution_is_no_part_of_it(observations: Recorded, tracer: AgentTracer) -> None:
    before = get_context()
    with tracer.trace_agent_execution("analyst", "acme"):
        pass
    ask("after")
    assert get_context() == before
    after = observations.one("ask")
    assert (after.agent_id, after.tenant_id, after.parent_id) == (None, None, None)


def test_an_inner_execution_has_its_own_agent_and_the_outer_session(
    observations: Recorded, tracer: AgentTracer
) -> None:
    with tracer.trace_agent_execution("supervisor", "acme", "s-1") as outer:
        with tracer.trace_agent_execution("risk", "acme") as inner:
            ask("how much?")
        ask("and now?")
    first, risk, second, _ = observations
    assert outer["trace_id"] == inner["trace_id"]
    assert (first.agent_id, first.session_id, first.parent_id) == ("risk", "s-1", risk.id)
    assert second.agent_id == "supervisor"


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, asyncio.CancelledError, SystemExit])
def test_an_exception_goes_on_and_is_recorded(
    observations: Recorded, tracer: AgentTracer, kind: type[BaseException]
) -> None:
    raised = kind("no")
    with pytest.raises(kind) as caught:
        with tracer.trace_agent_execution("analyst", "acme"):
            raise raised
    assert caught.value is raised
    error = observations.one().error
    assert error is not None and error["type"].endswith(kind.__name__) and "raise raised" in error["stack"]


def test_200_tasks_of_as_many_tenants_never_mix(observations: Recorded, tracer: AgentTracer) -> None:
    async def serve(n: int) -> None:
        async with tracer.trace_agent_execution(f"agent-{n}", f"tenant-{n}", f"session-{n}") as execution:
            await asyncio.sleep(n % 7 / 1000)
            await asyncio.gather(*(ask_slowly(execution["trace_id"]) for _ in range(3)))
            await asyncio.to_thread(ask, execution["trace_id"])

    async def go() -> None:
        await asyncio.gather(*(serve(n) for n in range(TASKS)))

    asyncio.run(go())
    _expect_no_mixing(observations, TASKS, 4)


def test_16_threads_and_a_thread_pool_never_mix_tenants(observations: Recorded, tracer: AgentTracer) -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    pool = ThreadPoolExecutor(4)  # shared by all tenants: its threads go from one to the next

    def serve(n: int) -> None:
        with tracer.trace_agent_execution(f"agent-{n}", f"tenant-{n}", f"session-{n}") as execution:
            ask(execution["trace_id"])
            list(pool.map(ask, [execution["trace_id"]] * 2))
            thread = threading.Thread(target=ask, args=(execution["trace_id"],))
            thread.start()
            thread.join()

    def serve_some(first: int) -> None:
        for n in range(first, TASKS, THREADS):
            serve(n)

    threads = [threading.Thread(target=serve_some, args=(n,)) for n in range(THREADS)]
    try:
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    finally:
        sys.setswitchinterval(interval)
        pool.shutdown()
    _expect_no_mixing(observations, TASKS, 4)


def _expect_no_mixing(observations: Recorded, executions: int, calls: int) -> None:
    agents = {each.trace_id: each for each in observations if each.type == "agent"}
    asked = [each for each in observations if each.type == "generation"]
    assert len(agents) == executions and len(asked) == executions * calls
    for each in asked:
        agent = agents[each.trace_id]
        assert each.output == agent.trace_id and each.parent_id == agent.id
        assert (each.tenant_id, each.agent_id) == (agent.tenant_id, agent.agent_id)
        assert each.session_id == agent.session_id == f"session-{str(agent.agent_id)[6:]}"


def test_a_block_left_in_another_context_is_recorded_all_the_same(
    observations: Recorded, tracer: AgentTracer
) -> None:
    block = tracer.trace_agent_execution("analyst", "acme")
    contextvars.copy_context().run(block.__enter__)
    block.__exit__(None, None, None)
    assert observations.one().agent_id == "analyst" and observations.lost == {}


def test_a_generator_that_its_reader_closes_has_not_failed(
    observations: Recorded, tracer: AgentTracer
) -> None:
    def steps() -> Iterator[int]:
        with tracer.trace_agent_execution("analyst", "acme"):
            yield 1

    generator = steps()
    next(generator)
    generator.close()  # type: ignore[attr-defined]
    assert observations.one().error is None


def test_it_stands_below_a_span_of_another_tracer(observations: Recorded, tracer: AgentTracer) -> None:
    context = otel.SpanContext(7, 8, is_remote=False, trace_flags=otel.TraceFlags(1))
    with otel.use_span(otel.NonRecordingSpan(context)):
        with tracer.trace_agent_execution("analyst", "acme") as execution:
            pass
    assert execution["trace_id"] == f"{7:032x}"
    assert observations.one().parent_id == f"{8:016x}"


def test_a_valid_handoff_is_an_event_below_the_agent(observations: Recorded, tracer: AgentTracer) -> None:
    with tracer.trace_agent_execution("supervisor", "acme"):
        tracer.trace_handoff("supervisor", "risk", "acme", True)
    event, agent = observations
    assert (event.name, event.type, event.level) == ("handoff:supervisor->risk", "event", "DEFAULT")
    assert (event.parent_id, event.tenant_id) == (agent.id, "acme")
    assert event.metadata == {
        "source_agent": "supervisor",
        "target_agent": "risk",
        "tenant_id": "acme",
        "valid": True,
    }


def test_a_rejected_handoff_is_a_warning_that_says_why(observations: Recorded, tracer: AgentTracer) -> None:
    tracer.trace_handoff(
        "risk", "execution", "acme", False, strictness="high", reason="limit of 5 % exceeded"
    )
    event = observations.one()
    assert (event.level, event.status_message) == ("WARNING", "handoff rejected: limit of 5 % exceeded")
    assert event.metadata["strictness"] == "high" and event.metadata["reason"] == "limit of 5 % exceeded"
    assert event.metadata["valid"] is False


def test_a_handoff_with_nothing_current_is_a_trace_of_its_own(
    observations: Recorded, tracer: AgentTracer
) -> None:
    contextvars.Context().run(tracer.trace_handoff, "a", "b", "acme", True)
    event = observations.one()
    assert (event.name, event.parent_id, event.tenant_id) == ("handoff:a->b", None, "acme")


def test_a_handoff_is_never_put_below_another_tenants_observation(
    observations: Recorded, tracer: AgentTracer
) -> None:
    with tracer.trace_agent_execution("a", "acme"):
        pass
    tracer.trace_handoff("a", "b", "globex", True)
    agent, event = observations
    assert (event.parent_id, event.tenant_id) == (None, "globex")
    assert event.trace_id != agent.trace_id


class Hostile:
    def __str__(self) -> str:
        raise ValueError

    __repr__ = __bool__ = __str__  # type: ignore[assignment]


def test_nothing_it_is_given_makes_it_raise(observations: Recorded, tracer: AgentTracer) -> None:
    hostile: str = Hostile()  # type: ignore[assignment]
    with tracer.trace_agent_execution(hostile, hostile, hostile) as execution:
        tracer.trace_handoff(hostile, hostile, hostile, hostile, hostile, hostile)  # type: ignore[arg-type]
    assert execution["agent_id"] is hostile
    assert any(each.type == "agent" for each in observations)


def test_with_recording_off_it_yields_its_values_and_does_nothing_else(
    observations: Recorded, tracer: AgentTracer
) -> None:
    process.current().disable()
    before = get_context()
    assert tracer.enabled is False
    with tracer.trace_agent_execution("analyst", "acme", "s-1") as execution:
        assert get_context() is before
        tracer.trace_handoff("a", "b", "acme", False)
    assert (execution["agent_id"], execution["tenant_id"]) == ("analyst", "acme")
    assert re.fullmatch("[0-9a-f]{32}", execution["trace_id"]) and int(execution["trace_id"], 16)
    with pytest.raises(ZeroDivisionError):
        with tracer.trace_agent_execution("analyst", "acme"):
            _ = 1 / 0
    assert observations.lines == []


def test_recording_switched_off_inside_an_execution_leaves_the_context_as_it_was(
    observations: Recorded, tracer: AgentTracer
) -> None:
    before = get_context()
    with tracer.trace_agent_execution("analyst", "acme"):
        process.current().disable()
    assert get_context() == before
    process.current().enabled = True
    assert tracer.enabled is True
    assert observations.one().end_ns is not None


def test_signals_inside_an_execution_are_the_agents(observations: Recorded, tracer: AgentTracer) -> None:
    with tracer.trace_agent_execution("analyst", "acme"):
        ask("what now?")
        ObservabilityContext.add_trading_signal("BUY", 0.8, "rising")
    signal = observations.one("analyst").signal
    assert signal is not None and signal["action"] == "BUY"


@pytest.fixture
def own_recording(tmp_path, monkeypatch) -> Iterator[None]:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("AGENT_TRACE_DIR", str(tmp_path / "store"))
    monkeypatch.setenv("AGENT_TRACE_QUIET", "1")
    former, arguments = process.install(None), dict(process._arguments)
    process._arguments.clear()
    yield
    process._arguments = arguments
    process.install(former)


def test_settings_are_taken_from_a_mapping_settings_or_an_object_of_the_programs_own(
    own_recording: None,
) -> None:
    AgentTracer({"release": "one"})
    assert LangFuseTracker().settings.release == "one"
    AgentTracer(load({"release": "two"}))
    assert LangFuseTracker().settings.release == "two"
    secret = SimpleNamespace(get_secret_value=lambda: "sk-lf-3")
    AgentTracer(SimpleNamespace(enable_langfuse=False, langfuse_secret_key=secret, LANGFUSE_RELEASE="three"))
    settings = LangFuseTracker().settings
    assert (settings.enabled, settings.secret_key, settings.release) == (False, "sk-lf-3", "three")
    with pytest.raises(SettingError, match="relase"):
        AgentTracer({"relase": "four"})
