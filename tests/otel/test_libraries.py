"""The real libraries above and below ours, against local servers: one trace, the right parents, nothing lost."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest
from fastapi import FastAPI
from langfuse import Langfuse, observe
from langfuse._client.resource_manager import LangfuseResourceManager
from langfuse.openai import OpenAI as LangfuseOpenAI
from openinference.instrumentation import OITracer, TraceConfig
from openinference.instrumentation.openai import OpenAIInstrumentor
from opentelemetry import trace
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import TracerProvider as SdkTracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from agent_trace import ObservabilityContext, observe_llm
from agent_trace.otel import SpanProcessor, TracerProvider
from agent_trace.testing import Recorded, recorded
from examples.trading_desk.server import LocalModelServer
from tests.support.langfuse_server import LangfuseServer, langfuse_server

PROMPT = [{"role": "user", "content": "Symbol: AAPL. Decide."}]


@pytest.fixture
def observations() -> Iterator[Recorded]:
    with recorded() as sink:
        yield sink


@pytest.fixture
def model_server() -> Iterator[LocalModelServer]:
    with LocalModelServer() as server:
        yield server


@pytest.fixture
def openinference() -> Iterator[None]:
    instrumentor = OpenAIInstrumentor()
    instrumentor.instrument(tracer_provider=TracerProvider())
    yield
    instrumentor.uninstrument()


@pytest.fixture
def langfuse_client() -> Iterator[tuple[Langfuse, LangfuseServer]]:
    """A client on a provider of its own, which our processor is on as well."""
    with langfuse_server() as server:
        provider = SdkTracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SpanProcessor(sent_elsewhere=()))  # type: ignore[arg-type]
        client = Langfuse(
            public_key="pk-lf-test", secret_key="sk-lf-test", base_url=server.url, tracer_provider=provider
        )
        yield client, server
        client.shutdown()
        LangfuseResourceManager.reset()


def by_name(observations: Recorded, *names: str) -> list[Any]:
    return [observations.one(name) for name in names]


def client_of(server: LocalModelServer, kind: Any = openai.OpenAI) -> Any:
    return kind(base_url=server.base_url, api_key="none", max_retries=0)


@observe_llm(as_type="agent")
def desk(work: Any) -> Any:
    with ObservabilityContext.scope(tenant_id="acme"):
        return work()


@pytest.mark.usefixtures("openinference")
def test_openinferences_openai_instrumentor_writes_to_the_journal(
    observations: Recorded, model_server: LocalModelServer
) -> None:
    client = client_of(model_server)
    answer = desk(lambda: client.chat.completions.create(model="gpt-4o", messages=PROMPT, temperature=0.3))
    above, found = by_name(observations, "desk", "ChatCompletion")
    assert (found.type, found.model, found.finish_reason) == ("generation", "gpt-4o", "stop")
    assert (found.parent_id, found.trace_id, found.tenant_id) == (above.id, above.trace_id, "acme")
    assert found.model_parameters == {"temperature": 0.3}
    assert found.usage == {
        "input": answer.usage.prompt_tokens,
        "output": answer.usage.completion_tokens,
    }
    assert found.input["messages"] == PROMPT
    assert found.output["choices"][0]["message"]["content"] == answer.choices[0].message.content


@pytest.mark.usefixtures("openinference")
def test_a_stream_through_openinference_is_one_generation_that_ends_with_the_stream(
    observations: Recorded, model_server: LocalModelServer
) -> None:
    client = client_of(model_server)

    def work() -> str:
        options = {"include_usage": True}
        chunks = client.chat.completions.create(
            model="gpt-4o", messages=PROMPT, stream=True, stream_options=options
        )
        assert "ChatCompletion" not in [each.name for each in observations]
        return "".join(each.choices[0].delta.content or "" for each in chunks if each.choices)

    text = desk(work)
    above, found = by_name(observations, "desk", "ChatCompletion")
    assert found.parent_id == above.id
    assert found.usage is not None and found.usage["output"] > 0
    assert found.first_token_ns is not None and found.start_ns < found.first_token_ns <= found.end_ns
    assert text in str(found.output)


@pytest.mark.usefixtures("openinference")
def test_async_calls_at_once_keep_to_their_own_parents(
    observations: Recorded, model_server: LocalModelServer
) -> None:
    client = client_of(model_server, openai.AsyncOpenAI)

    @observe_llm(as_type="agent")
    async def member(number: int) -> None:
        messages = [{"role": "user", "content": f"Symbol: AAPL. Member {number}."}]
        await client.chat.completions.create(model="gpt-4o", messages=messages)

    async def vote() -> None:
        await asyncio.gather(*(member(number) for number in range(4)))

    asyncio.run(vote())
    members = {each.id: each for each in observations if each.type == "agent"}
    calls = [each for each in observations if each.type == "generation"]
    assert len(members) == len(calls) == 4
    for call in calls:
        number = members[call.parent_id or ""].input["number"]
        assert call.input["messages"][0]["content"].endswith(f"Member {number}.")


@pytest.mark.usefixtures("openinference")
def test_a_refused_call_through_openinference_is_an_error(
    observations: Recorded, model_server: LocalModelServer
) -> None:
    client = client_of(model_server)
    with pytest.raises(openai.NotFoundError):
        desk(lambda: client.completions.create(model="gpt-4o", prompt="x"))
    found = next(each for each in observations if each.name != "desk")
    assert found.level == "ERROR"
    assert found.error is not None and found.error["type"] == "openai.NotFoundError"
    assert "earlier" not in found.error


def test_openinferences_own_tracer_nests_its_spans_and_counts_tokens_once(observations: Recorded) -> None:
    tracer = OITracer(TracerProvider().get_tracer("lib"), config=TraceConfig())
    counts = {"llm.token_count.prompt": 7, "llm.token_count.completion": 2}

    @observe_llm(as_type="tool")
    def price() -> float:
        return 187.4

    with tracer.start_as_current_span("outer", openinference_span_kind="llm", attributes=counts):
        with tracer.start_as_current_span("inner", openinference_span_kind="llm", attributes=counts):
            price()
    outer, inner, tool = by_name(observations, "outer", "inner", next(each.name for each in observations))
    assert (inner.parent_id, tool.parent_id, outer.parent_id) == (outer.id, inner.id, None)
    assert (inner.usage, outer.usage) == ({"input": 7, "output": 2}, None)
    assert outer.reported_usage == inner.usage


def test_a_decorated_call_below_an_instrumentors_span_belongs_to_it(observations: Recorded) -> None:
    tracer = OITracer(TracerProvider().get_tracer("lib"), config=TraceConfig())
    counts = {"llm.token_count.prompt": 7, "llm.token_count.completion": 2, "session.id": "s1"}

    @observe_llm(name="ask")
    def ask() -> dict[str, Any]:
        return {"usage": {"prompt_tokens": 7, "completion_tokens": 2}, "choices": []}

    with tracer.start_as_current_span("outer", openinference_span_kind="llm", attributes=counts):
        ask()
        ObservabilityContext.add_trading_signal("BUY", 0.8, "rising")
    outer, inner = by_name(observations, "outer", "ask")
    assert (inner.parent_id, inner.session_id) == (outer.id, "s1")
    assert (outer.usage, outer.reported_usage) == (None, inner.usage)
    assert outer.signal is not None and outer.signal["action"] == "BUY"


def test_langfuse_observe_above_and_below_ours_is_one_trace(
    observations: Recorded, langfuse_client: tuple[Langfuse, LangfuseServer]
) -> None:
    @observe(name="inner", as_type="tool")
    def inner() -> str:
        return "fine"

    @observe_llm(name="ours")
    def ours() -> str:
        return inner()

    @observe(name="outer")
    def outer() -> str:
        return ours()

    assert outer() == "fine"
    top, middle, bottom = by_name(observations, "outer", "ours", "inner")
    assert {top.trace_id} == {middle.trace_id} == {bottom.trace_id}
    assert (top.parent_id, middle.parent_id, bottom.parent_id) == (None, top.id, middle.id)
    assert (bottom.type, bottom.output) == ("tool", "fine")
    assert (top.sent_elsewhere, middle.sent_elsewhere) == (["langfuse"], [])
    client, server = langfuse_client
    client.flush()
    sent = {each.name: each for each in server.spans}
    assert sorted(sent) == ["inner", "outer"]
    assert sent["inner"].parent_span_id.hex() == middle.id
    assert sent["outer"].trace_id.hex() == middle.trace_id


@pytest.mark.usefixtures("langfuse_client")
def test_langfuses_openai_below_ours_is_its_child_and_counts_once(
    observations: Recorded, model_server: LocalModelServer
) -> None:
    client = client_of(model_server, LangfuseOpenAI)

    @observe_llm(name="ours")
    def ours() -> Any:
        return client.chat.completions.create(model="gpt-4o", messages=PROMPT)

    usage = ours().usage
    outer, call = by_name(observations, "ours", "OpenAI-generation")
    assert (call.parent_id, call.trace_id, call.type) == (outer.id, outer.trace_id, "generation")
    assert (call.model, call.sent_elsewhere) == ("gpt-4o", ["langfuse"])
    assert call.usage == {"input": usage.prompt_tokens, "output": usage.completion_tokens}
    assert (outer.usage, outer.reported_usage) == (None, call.usage)


def test_fastapi_instrumented_by_others_is_above_ours(observations: Recorded) -> None:
    exported = InMemorySpanExporter()
    provider = SdkTracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exported))
    app = FastAPI()

    @observe_llm(name="ours")
    async def ours(symbol: str) -> dict[str, str]:
        return ObservabilityContext.inject({})

    @app.get("/decide/{symbol}")
    async def decide(symbol: str) -> dict[str, str]:
        return await ours(symbol)

    FastAPIInstrumentor.instrument_app(app, tracer_provider=provider)
    remote = f"00-{0xABC:032x}-{0xDEF:016x}-01"

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
            return await client.get("/decide/AAPL", headers={"traceparent": remote})

    answer = asyncio.run(ask())
    FastAPIInstrumentor.uninstrument_app(app)
    server = next(each for each in exported.get_finished_spans() if each.kind is trace.SpanKind.SERVER)
    found = observations.one("ours")
    assert server.context is not None and server.parent is not None
    assert found.trace_id == f"{server.context.trace_id:032x}" == f"{0xABC:032x}"
    assert (found.parent_id, server.parent.span_id) == (f"{server.context.span_id:016x}", 0xDEF)
    assert answer.json()["traceparent"] == f"00-{found.trace_id}-{found.id}-01"


def test_fastapi_instrumented_with_our_provider_is_in_the_journal(observations: Recorded) -> None:
    app = FastAPI()

    @app.get("/decide/{symbol}")
    async def decide(symbol: str) -> dict[str, str]:
        return desk(lambda: {"action": "BUY"})

    FastAPIInstrumentor.instrument_app(app, tracer_provider=TracerProvider())

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
            return await client.get("/decide/AAPL", headers={"traceparent": f"00-{1:032x}-{2:016x}-01"})

    assert asyncio.run(ask()).status_code == 200
    FastAPIInstrumentor.uninstrument_app(app)
    request = next(each for each in observations if each.metadata.get("span.kind") == "SERVER")
    assert (request.name, request.trace_id, request.parent_id) == (
        "GET /decide/{symbol}",
        f"{1:032x}",
        f"{2:016x}",
    )
    assert observations.one("desk").parent_id == request.id


def test_the_global_provider_was_never_taken() -> None:
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
