"""Our TracerProvider: what an instrumentor starts and ends becomes an observation, like a decorated call."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.context.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from agent_trace import ObservabilityContext, observe_llm
from agent_trace.otel import TracerProvider
from agent_trace.recording import guard
from agent_trace.testing import Recorded, recorded

SECRET = "sk-proj-abcdefghijklmnopqrstuvwxyz1234567890ABCD"
TRACER = TracerProvider().get_tracer("some.library", "1.2")


@pytest.fixture
def observations() -> Iterator[Recorded]:
    with recorded() as sink:
        yield sink


@observe_llm(as_type="agent")
def agent(work: Any) -> Any:
    return work()


@observe_llm(as_type="tool")
def tool(x: int) -> int:
    return x


def test_a_span_nests_below_a_decorated_call_and_above_another(observations: Recorded) -> None:
    def work() -> None:
        with TRACER.start_as_current_span("between"):
            tool(1)

    agent(work)
    outer, between, inner = (observations.one(name) for name in ("agent", "between", "tool"))
    assert (between.parent_id, inner.parent_id) == (outer.id, between.id)
    assert {outer.trace_id} == {between.trace_id} == {inner.trace_id}
    assert [each["name"] for each in observations.records if each["kind"] == "opened"] == ["agent"]


def test_what_starts_as_a_model_call_is_opened_as_one(observations: Recorded) -> None:
    TRACER.start_span("a", attributes={"gen_ai.operation.name": "invoke_agent"}).end()
    opened, finished = observations.records
    assert (opened["kind"], opened["type"], finished["type"]) == ("opened", "agent", "agent")


def test_scope_is_inherited_from_above_and_handed_down(observations: Recorded) -> None:
    with ObservabilityContext.scope(tenant_id="acme", session_id="s1"):
        with TRACER.start_as_current_span("a", attributes={"session.id": "s2", "agent.name": "momentum"}):
            tool(1)
    for found in observations:
        assert (found.tenant_id, found.session_id, found.agent_name) == ("acme", "s2", "momentum")
    assert "session.id" not in observations.one("a").metadata


def test_a_given_context_decides_the_parent(observations: Recorded) -> None:
    remote = SpanContext(0xABC, 0xDEF, is_remote=True, trace_flags=TraceFlags(1))
    below_remote = trace.set_span_in_context(NonRecordingSpan(remote), Context())
    with TRACER.start_as_current_span("current"):
        TRACER.start_span("child of remote", context=below_remote).end()
        TRACER.start_span("root", context=Context()).end()
        TRACER.start_span("child").end()
    assert observations.one("child of remote").parent_id == f"{0xDEF:016x}"
    assert observations.one("child of remote").trace_id == f"{0xABC:032x}"
    assert observations.one("root").parent_id is None
    assert observations.one("child").parent_id == observations.one("current").id


def test_times_of_the_caller_are_kept_to_the_nanosecond(observations: Recorded) -> None:
    TRACER.start_span("a", start_time=1_000_000_000_123).end(end_time=1_000_000_000_456)
    found = observations.one()
    assert (found.start_ns, found.end_ns) == (1_000_000_000_123, 1_000_000_000_456)


def test_a_start_in_the_past_ends_now(observations: Recorded) -> None:
    now_ns = time.time_ns()
    TRACER.start_span("a", start_time=now_ns - 3_600_000_000_000).end()
    found = observations.one()
    assert found.end_ns is not None and found.duration_ns is not None
    assert found.start_ns == now_ns - 3_600_000_000_000
    assert abs(found.end_ns - now_ns) < 60_000_000_000


def test_status_kind_links_events_and_library_are_kept(observations: Recorded) -> None:
    link = Link(SpanContext(1, 2, is_remote=False), {"why": "retry"})
    span = TRACER.start_span("a", kind=SpanKind.CLIENT, links=[link], attributes={"http.method": "GET"})
    span.add_event("cache miss", {"key": "k"}, timestamp=5)
    span.add_event("cache miss", {"key": "l"}, timestamp=6)
    span.set_status(Status(StatusCode.ERROR, "no route"))
    span.end()
    found = observations.one()
    assert (found.type, found.level, found.status_message) == ("span", "ERROR", "no route")
    assert found.metadata == {
        "http.method": "GET",
        "span.kind": "CLIENT",
        "otel.scope.name": "some.library",
        "otel.scope.version": "1.2",
        "link.0000000000000002": {"trace_id": f"{1:032x}", "why": "retry"},
        "event.cache miss": {"at_ns": 5, "key": "k"},
        "event.cache miss.2": {"at_ns": 6, "key": "l"},
    }


def test_status_ok_is_final(observations: Recorded) -> None:
    span = TRACER.start_span("a")
    span.set_status(StatusCode.OK)
    span.set_status(StatusCode.ERROR, "too late")
    span.end()
    assert observations.one().level == "DEFAULT"


@pytest.mark.parametrize("error", [ValueError("no JSON"), KeyboardInterrupt()])
def test_an_exception_passes_and_is_the_error_once(observations: Recorded, error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, TRACER.start_as_current_span("a") as span:
        span.record_exception(error)
        raise error
    assert caught.value is error
    found = observations.one()
    assert found.error is not None and found.level == "ERROR"
    assert found.error["type"] == type(error).__name__ and "earlier" not in found.error
    assert "agent_trace/otel" not in found.error["stack"]


def test_an_exception_is_left_out_when_the_tracer_is_asked_to(observations: Recorded) -> None:
    with pytest.raises(ValueError, match="no"):
        with TRACER.start_as_current_span("a", record_exception=False, set_status_on_exception=False):
            raise ValueError("no")
    assert (observations.one().error, observations.one().level) == (None, "DEFAULT")


def test_an_exception_event_is_the_error(observations: Recorded) -> None:
    span = TRACER.start_span("a")
    said = {
        "exception.type": "ReadTimeout",
        "exception.message": "slow",
        "exception.stacktrace": "Traceback…",
    }
    span.add_event("exception", said)
    span.end()
    assert observations.one().error == {"type": "ReadTimeout", "message": "slow", "stack": "Traceback…"}


def test_secrets_are_hidden_wherever_an_instrumentor_puts_them(observations: Recorded) -> None:
    span = TRACER.start_span(
        f"call {SECRET}", attributes={"input.value": SECRET, "url": f"https://x/?k={SECRET}"}
    )
    span.set_attribute("output.value", f'{{"said": "{SECRET}"}}')
    span.add_event("asked", {"with": SECRET})
    span.record_exception(ValueError(SECRET))
    span.set_status(StatusCode.ERROR, SECRET)
    span.end()
    assert SECRET.encode() not in b"".join(observations.lines)
    assert observations.one().redactions


def test_switched_off_a_span_passes_the_parent_on_and_records_nothing(observations: Recorded) -> None:
    remote = SpanContext(0xABC, 0xDEF, is_remote=True, trace_flags=TraceFlags(1))
    parent = trace.set_span_in_context(NonRecordingSpan(remote), Context())
    from agent_trace.recording import process

    process.current().disable()
    with TRACER.start_as_current_span("a", context=parent) as span:
        assert not span.is_recording()
        assert span.get_span_context() == remote
        assert trace.get_current_span().get_span_context() == remote
    assert observations.lines == []


def test_input_and_output_are_left_out_when_settings_say_so() -> None:
    with recorded(capture_input=False, capture_output=False) as observations:
        given = {"input.value": "in", "output.value": "out", "llm.input_messages.0.message.content": "in"}
        TRACER.start_span("a", attributes=given).end()
    assert (observations.one().input, observations.one().output) == (None, None)
    assert b'"in"' not in observations.lines[-1] and b'"out"' not in observations.lines[-1]


def test_a_signal_goes_to_the_span_or_to_the_model_call_that_ended_last(observations: Recorded) -> None:
    with TRACER.start_as_current_span("inside"):
        ObservabilityContext.add_trading_signal("BUY", 0.8, "rising")
    TRACER.start_span("model", attributes={"openinference.span.kind": "LLM"}).end()
    TRACER.start_span("database").end()
    ObservabilityContext.add_trading_signal("SELL", 0.8, "falling")
    inside = observations.one("inside")
    assert inside.signal is not None and inside.signal["action"] == "BUY"
    assert observations.records[-1]["kind"] == "amendment"
    assert observations.records[-1]["id"] == observations.one("model").id


def test_tokens_below_are_not_counted_again_above(observations: Recorded) -> None:
    counts = {"openinference.span.kind": "LLM", "llm.token_count.prompt": 7, "llm.token_count.completion": 2}
    with TRACER.start_as_current_span("outer", attributes=counts):
        with TRACER.start_as_current_span("inner", attributes=counts):
            pass
    assert observations.one("inner").usage == {"input": 7, "output": 2}
    assert observations.one("outer").usage is None
    assert observations.one("outer").reported_usage == {"input": 7, "output": 2}


def test_as_a_decorator_each_call_is_a_span_also_of_a_coroutine(observations: Recorded) -> None:
    @TRACER.start_as_current_span("sync")
    def f(x: int) -> int:
        return tool(x)

    @TRACER.start_as_current_span("async")
    async def g(x: int) -> int:
        await asyncio.sleep(0)
        return tool(x)

    assert (f(1), f(2), asyncio.run(g(3))) == (1, 2, 3)
    assert [each.name for each in observations] == ["tool", "sync", "tool", "sync", "tool", "async"]
    found = list(observations)
    assert [found[at].parent_id for at in (0, 2, 4)] == [found[at].id for at in (1, 3, 5)]


@pytest.mark.parametrize("odd", [10**30, -(10**30), float("nan"), float("inf"), "soon", object()])
def test_a_time_that_is_none_is_now(observations: Recorded, odd: Any) -> None:
    TRACER.start_span("start", start_time=odd).end()
    TRACER.start_span("end").end(odd)
    for found in (observations.one("start"), observations.one("end")):
        assert 0 <= found.end_ns - found.start_ns < 10**9
        assert abs(found.start_ns - time.time_ns()) < 10**10


def test_a_time_with_a_fraction_is_whole_in_the_record(observations: Recorded) -> None:
    began: Any = 1.7e18
    TRACER.start_span("a", start_time=began).end(began + 512)
    found = observations.one("a")
    assert (found.start_ns, found.end_ns) == (1_700_000_000_000_000_000, 1_700_000_000_000_000_512)


def test_nothing_that_an_instrumentor_gives_raises_or_grows_without_bound(observations: Recorded) -> None:
    class Bad:
        def __str__(self) -> str:
            raise RuntimeError("bad")

        __repr__ = __str__

    odd: Any = Bad()
    TRACER.start_span("b", attributes=odd, links=odd, start_time=odd).end(odd)
    span = TRACER.start_span(odd, attributes={"a": odd, 1: "one"})
    span.set_attributes(odd)
    span.set_status(odd)
    span.add_link(odd, odd)
    span.add_event(odd, odd, odd)
    span.set_attributes({f"k{number}": "x" * 3_000 for number in range(5_000)})
    span.set_attribute("llm.input_messages.0", "x")
    span.set_attribute("llm.input_messages.0.message.role", "user")
    span.add_event("e", {"b": odd})
    span.update_name("named")
    span.end()
    span.end()
    span.set_attribute("late", 1)
    assert observations.one("named").metadata["attributes_left_out"] > 0
    assert len(observations.lines[-1]) < 3 << 20


def test_a_span_that_cannot_be_written_is_counted_as_lost(
    observations: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent_trace.otel.writing.meaning_of", lambda *_: 1 / 0)
    span = TRACER.start_span("a")
    span.end()
    span.end()
    assert observations.lost == {"internal_error": 1}
    assert guard.failures.pop("ending a span")
