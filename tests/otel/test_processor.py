"""SpanProcessor: spans of a provider that the program has are observations too, and say who sends them already."""

import threading
from collections.abc import Iterator
from contextvars import copy_context
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace import SpanProcessor as SdkSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Decision, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode

from agent_trace import ObservabilityContext, observe_llm
from agent_trace.otel import SpanProcessor
from agent_trace.recording import guard, process
from agent_trace.testing import Recorded, recorded

SECRET = "sk-proj-abcdefghijklmnopqrstuvwxyz1234567890ABCD"


@pytest.fixture
def observations() -> Iterator[Recorded]:
    with recorded() as sink:
        yield sink


def provider(processor: SpanProcessor | None = None, **options: Any) -> TracerProvider:
    made = TracerProvider(shutdown_on_exit=False, **options)
    made.add_span_processor(processor or SpanProcessor())  # type: ignore[arg-type]
    return made


@observe_llm(as_type="agent")
def agent(work: Any) -> Any:
    return work()


def test_it_has_every_method_of_an_sdk_processor() -> None:
    methods = {name for name, value in vars(SdkSpanProcessor).items() if callable(value)}
    assert methods <= {*dir(SpanProcessor)}


def test_a_span_is_recorded_with_its_own_identity_and_times(observations: Recorded) -> None:
    tracer = provider().get_tracer("http.library", "3.1")
    link = Link(SpanContext(1, 2, is_remote=False), {"why": "retry"})
    span = tracer.start_span("GET /", kind=SpanKind.SERVER, start_time=5_000, links=[link])
    span.set_attribute("http.route", "/")
    span.add_event("sent", {"bytes": 3}, timestamp=6_000)
    span.set_status(Status(StatusCode.ERROR, "boom"))
    span.end(end_time=9_000)
    found = observations.one("GET /")
    context = span.get_span_context()
    assert (found.trace_id, found.id) == (f"{context.trace_id:032x}", f"{context.span_id:016x}")
    assert (found.type, found.start_ns, found.end_ns) == ("span", 5_000, 9_000)
    assert (found.level, found.status_message) == ("ERROR", "boom")
    assert found.metadata == {
        "http.route": "/",
        "span.kind": "SERVER",
        "otel.scope.name": "http.library",
        "otel.scope.version": "3.1",
        "event.sent": {"at_ns": 6_000, "bytes": 3},
        "link.0000000000000002": {"trace_id": f"{1:032x}", "why": "retry"},
    }


def test_spans_nest_above_and_below_decorated_calls_with_their_scope(observations: Recorded) -> None:
    tracer = provider().get_tracer("lib")
    with tracer.start_as_current_span("request"):
        with ObservabilityContext.scope(tenant_id="acme"):
            agent(lambda: tracer.start_span("query").end())
    request, ours, query = (observations.one(name) for name in ("request", "agent", "query"))
    assert request.parent_id is None
    assert (ours.parent_id, query.parent_id) == (request.id, ours.id)
    assert {request.trace_id} == {ours.trace_id} == {query.trace_id}
    assert (request.tenant_id, query.tenant_id) == (None, "acme")


def test_a_span_that_ends_in_another_thread_belongs_where_it_began(observations: Recorded) -> None:
    tracer = provider().get_tracer("lib")
    with ObservabilityContext.scope(tenant_id="acme"):
        span = tracer.start_span("query")
    thread = threading.Thread(target=lambda: copy_context().run(span.end))
    thread.start()
    thread.join()
    assert observations.one("query").tenant_id == "acme"


def test_exceptions_become_the_error(observations: Recorded) -> None:
    with pytest.raises(ValueError, match="no"):
        with provider().get_tracer("lib").start_as_current_span("a"):
            raise ValueError("no")
    error = observations.one("a").error
    assert error is not None
    assert (error["type"], error["message"]) == ("ValueError", "no")
    assert "raise ValueError" in error["stack"]
    assert observations.one("a").level == "ERROR"


def test_an_exception_that_was_dealt_with_is_no_failure(observations: Recorded) -> None:
    span = provider().get_tracer("lib").start_span("a")
    span.record_exception(ValueError("tried again"))
    span.set_status(StatusCode.OK)
    span.end()
    assert (observations.one().level, observations.one().error is None) == ("DEFAULT", False)


def test_secrets_of_foreign_spans_are_hidden(observations: Recorded) -> None:
    span = provider().get_tracer("lib").start_span("a", attributes={"input.value": SECRET, "k": SECRET})
    span.record_exception(ValueError(SECRET))
    span.end()
    assert SECRET.encode() not in b"".join(observations.lines)


class RecordOnly(Sampler):
    def should_sample(self, *given: Any, **named: Any) -> SamplingResult:
        return SamplingResult(Decision.RECORD_ONLY)

    def get_description(self) -> str:
        return "RecordOnly"


@pytest.mark.parametrize("sampler", [ALWAYS_OFF, RecordOnly()])
def test_spans_that_are_not_sampled_are_left_out(observations: Recorded, sampler: Sampler) -> None:
    processor = SpanProcessor()
    provider(processor, sampler=sampler).get_tracer("lib").start_span("a").end()
    assert observations.lines == []
    assert processor._open == {}


def test_switched_off_nothing_is_taken(observations: Recorded) -> None:
    tracer = provider().get_tracer("lib")
    begun = tracer.start_span("begun before")
    process.current().disable()
    tracer.start_span("a").end()
    begun.end()
    assert observations.lines == []


def test_tokens_are_counted_once_between_ours_and_theirs(observations: Recorded) -> None:
    @observe_llm
    def ask() -> dict[str, Any]:
        span = provider().get_tracer("lib").start_span("chat")
        span.set_attributes({"gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 2})
        span.end()
        return {"usage": {"prompt_tokens": 7, "completion_tokens": 2}, "choices": []}

    ask()
    ours = next(each for each in observations if each.name != "chat")
    assert observations.one("chat").usage == {"input": 7, "output": 2}
    assert (ours.usage, ours.reported_usage) == (None, {"input": 7, "output": 2})


def test_a_signal_goes_past_a_query_to_the_model_call_before_it(observations: Recorded) -> None:
    tracer = provider().get_tracer("lib")
    tracer.start_span("chat", attributes={"gen_ai.operation.name": "chat"}).end()
    tracer.start_span("query").end()
    ObservabilityContext.add_trading_signal("BUY", 0.8, "rising")
    assert observations.records[-1]["id"] == observations.one("chat").id


@pytest.mark.parametrize(
    ("given", "scope", "expected"),
    [
        (None, "lib", ["otlp"]),
        (None, "langfuse-sdk", ["otlp", "langfuse"]),
        ((), "lib", []),
        ((), "langfuse-sdk", ["langfuse"]),
        (("otlp", "langfuse"), "langfuse-sdk", ["otlp", "langfuse"]),
    ],
)
def test_it_says_who_sends_the_span_already(
    observations: Recorded, given: tuple[str, ...] | None, scope: str, expected: list[str]
) -> None:
    processor = SpanProcessor() if given is None else SpanProcessor(sent_elsewhere=given)
    provider(processor).get_tracer(scope).start_span("a").end()
    assert observations.one().sent_elsewhere == expected
    assert ("sent_elsewhere" in observations.records[-1]) == bool(expected)


class LangfuseSpanProcessor(SdkSpanProcessor):
    """As Langfuse's own looks to a neighbour: its project, and the spans that it would send."""

    def __init__(self, public_key: str) -> None:
        self.public_key = public_key

    def _should_export_span(self, span: ReadableSpan) -> bool:
        return span.name == "chat"


@pytest.mark.parametrize(("project", "chat", "query"), [("pk-ours", ["langfuse"], []), ("pk-theirs", [], [])])
def test_what_a_langfuse_client_exports_from_the_same_provider_is_not_sent_twice(
    project: str, chat: list[str], query: list[str]
) -> None:
    with recorded(public_key="pk-ours") as observations:
        made = provider(SpanProcessor(sent_elsewhere=()))
        made.add_span_processor(LangfuseSpanProcessor(project))
        for name in ("chat", "query"):
            made.get_tracer("lib").start_span(name).end()
    assert observations.one("chat").sent_elsewhere == chat
    assert observations.one("query").sent_elsewhere == query


def test_spans_that_never_end_are_forgotten_after_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent_trace.otel.processor._MOST_OPEN", 10)
    with recorded() as observations:
        processor = SpanProcessor()
        tracer = provider(processor).get_tracer("lib")
        spans = [tracer.start_span(str(number)) for number in range(25)]
        assert len(processor._open) == 10
        for span in spans:
            span.end()
    assert len(observations) == 25
    assert processor._open == {}


def test_our_failure_does_not_reach_the_program(
    observations: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent_trace.otel.processor.write", lambda *_: 1 / 0)
    provider().get_tracer("lib").start_span("a").end()
    assert observations.lost == {"internal_error": 1}
    assert guard.failures.pop("taking a span")


def test_it_is_flushed_at_once_and_can_be_shut_down_twice() -> None:
    made = provider()
    assert made.force_flush()
    made.shutdown()
    made.shutdown()


def test_the_global_provider_is_left_alone(observations: Recorded) -> None:
    before = trace.get_tracer_provider()
    provider().get_tracer("lib").start_span("a").end()
    assert trace.get_tracer_provider() is before
