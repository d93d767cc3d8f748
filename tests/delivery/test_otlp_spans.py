"""Observations as an OpenTelemetry collector gets them, by the GenAI semantic conventions."""

import json
import re
from collections.abc import Iterator
from typing import Any

import opentelemetry.semconv._incubating.attributes.gen_ai_attributes as conventions
import pytest
from opentelemetry.semconv._incubating.attributes.gen_ai_attributes import (
    GenAiOperationNameValues,
    GenAiProviderNameValues,
)

from agent_trace.delivery.wire import genai, genai_models, langfuse_attributes
from agent_trace.delivery.wire.otlp import OtlpBackend
from tests.support.observed import END_NS, event, generation, score
from tests.support.otlp_server import OtlpServer, Span
from tests.support.pages import DOCS

INTERNAL, CLIENT = 1, 3


@pytest.fixture
def server() -> Iterator[OtlpServer]:
    with OtlpServer() as server:
        yield server


@pytest.fixture
def backend(server: OtlpServer) -> Iterator[OtlpBackend]:
    backend = OtlpBackend(f"{server.url}/v1/traces", {"x-team": "desk"})
    yield backend
    backend.close()


def sent(backend: OtlpBackend, server: OtlpServer, record: dict[str, Any]) -> Span:
    assert backend.send(backend.encode(record), 5.0).verdict == "accepted"
    return server.arrivals[-1]


def test_every_field_of_a_generation_has_its_attribute(backend: OtlpBackend, server: OtlpServer) -> None:
    span = sent(backend, server, generation())
    assert (span.kind, span.name, span.scope) == (CLIENT, "ChatModel.complete", "agent_trace")
    attributes = span.attributes
    as_json = {
        "gen_ai.input.messages": [{"role": "user", "parts": [{"type": "text", "content": "AAPL?"}]}],
        "gen_ai.output.messages": [
            {"role": "assistant", "parts": [{"type": "text", "content": "SELL"}], "finish_reason": "stop"}
        ],
        "agent_trace.input": {"request": {"model": "gpt-4o"}},
        "agent_trace.output": {"id": "chatcmpl-2"},
    }
    assert {name: json.loads(attributes.pop(name)) for name in as_json} == as_json
    assert attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o",
        "gen_ai.response.id": "chatcmpl-2",
        "gen_ai.request.temperature": 0.2,
        "gen_ai.request.max_tokens": 300,
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.time_to_first_chunk": 0.08,
        "gen_ai.usage.input_tokens": 174 + 1024,
        "gen_ai.usage.output_tokens": 43 + 7,
        "gen_ai.usage.cache_read.input_tokens": 1024,
        "gen_ai.usage.reasoning.output_tokens": 7,
        "gen_ai.agent.id": "desk-analyst",
        "gen_ai.agent.name": "market analyst",
        "agent_trace.agent.type": "analyst",
        "agent_trace.tenant.id": "demo-desk",
        "session.id": "desk-1",
        "agent_trace.tags": ["signal:SELL"],
        "agent_trace.metadata.symbol": "AAPL",
        "agent_trace.metadata.attempt": 2,
        "agent_trace.entry_point": "desk.models:ChatModel.complete",
        "agent_trace.observation.type": "generation",
    }


def test_the_names_are_those_of_the_installed_conventions(backend: OtlpBackend, server: OtlpServer) -> None:
    known = {value for name, value in vars(conventions).items() if name.startswith("GEN_AI_")}
    tool = event(type="tool", input={"a": 1}, output=2)
    parameters = dict.fromkeys((*genai_models._NUMBERS, *genai_models._WHOLE), 1)
    rich = generation(
        model_parameters={**parameters, "stop": "x", "stream": True},
        usage={"cache_write": 1},
        input={"messages": [{"role": "user", "content": "a"}], "system": "b"},
    )
    used = {
        name for record in (generation(), rich, tool) for name in sent(backend, server, record).attributes
    }
    ours = {name for name in used if name.startswith("gen_ai.")}
    assert len(ours) > 25 and ours <= known
    assert set(genai.OPERATIONS.values()) <= {each.value for each in GenAiOperationNameValues}
    providers = {*genai_models._BY_PREFIX.values(), *(provider for _, provider in genai_models._BY_NAME)}
    assert providers <= {each.value for each in GenAiProviderNameValues}


def test_every_attribute_stands_in_the_page_about_it(backend: OtlpBackend, server: OtlpServer) -> None:
    page = (DOCS / "delivery-mapping.md").read_text(encoding="utf-8")
    langfuse = {
        value for name, value in vars(langfuse_attributes).items() if name.isupper() and "." in str(value)
    }
    rich = generation(
        signal={"action": "BUY"},
        error={"type": "E", "context": 1},
        level="ERROR",
        status_message="x",
        cost={"total": 1},
        user_id="u",
        usage={"audio_input": 1},
        model_parameters={"other": 1},
    )
    told = {*sent(backend, server, rich).attributes, *sent(backend, server, event(type="tool")).attributes}
    general = {
        re.sub(r"(metadata|signal|usage)\.(?:symbol|attempt|action|audio_input)$", r"\1.<key>", name)
        for name in told
    }
    assert [name for name in {*general, *langfuse} if f"`{name}`" not in page] == []


@pytest.mark.parametrize(
    ("kind", "operation", "span_kind"),
    [
        ("generation", "chat", CLIENT),
        ("embedding", "embeddings", CLIENT),
        ("retriever", "retrieval", CLIENT),
        ("agent", "invoke_agent", INTERNAL),
        ("tool", "execute_tool", INTERNAL),
        ("chain", "invoke_workflow", INTERNAL),
        ("span", None, INTERNAL),
        ("event", None, INTERNAL),
        ("evaluator", None, INTERNAL),
        ("guardrail", None, INTERNAL),
    ],
)
def test_a_type_has_its_operation_and_kind(
    backend: OtlpBackend, server: OtlpServer, kind: str, operation: str | None, span_kind: int
) -> None:
    span = sent(backend, server, event(type=kind))
    assert (span.attributes.get("gen_ai.operation.name"), span.kind) == (operation, span_kind)
    assert span.attributes["agent_trace.observation.type"] == kind


def test_a_tool_has_name_arguments_and_result(backend: OtlpBackend, server: OtlpServer) -> None:
    attributes = sent(
        backend, server, event(type="tool", name="quote", input={"s": "A"}, output=1.5)
    ).attributes
    assert attributes["gen_ai.tool.name"] == "quote"
    assert attributes["gen_ai.tool.call.arguments"] == '{"s":"A"}'
    assert attributes["gen_ai.tool.call.result"] == "1.5"


def test_an_error_is_error_type_status_and_event(backend: OtlpBackend, server: OtlpServer) -> None:
    error = {"type": "TimeoutError", "message": "30 s", "stack": "Traceback", "context": {"n": 1}}
    span = sent(backend, server, event(level="ERROR", error=error))
    assert (span.status, span.status_message) == (2, "TimeoutError: 30 s")
    assert span.attributes["error.type"] == "TimeoutError"
    assert span.attributes["agent_trace.error.context"] == '{"n":1}'
    exception = {"exception.type": "TimeoutError", "exception.message": "30 s"}
    assert span.events == [("exception", END_NS, {**exception, "exception.stacktrace": "Traceback"})]
    assert sent(backend, server, event(level="ERROR")).attributes["error.type"] == "_OTHER"
    warned = sent(backend, server, event(level="WARNING", status_message="handoff rejected"))
    assert (warned.status, warned.attributes["agent_trace.level"]) == (0, "WARNING")


def test_a_signal_is_an_attribute_a_key(backend: OtlpBackend, server: OtlpServer) -> None:
    signal = {"action": "SELL", "confidence": 0.73, "symbol": "AAPL", "levels": [1, 2], "hedged": True}
    attributes = sent(backend, server, event(signal=signal, cost={"total": 0.5})).attributes
    assert attributes["agent_trace.signal.action"] == "SELL"
    assert attributes["agent_trace.signal.confidence"] == 0.73
    assert attributes["agent_trace.signal.levels"] == "[1,2]"
    assert attributes["agent_trace.signal.hedged"] is True
    assert attributes["agent_trace.cost"] == '{"total":0.5}'


def test_no_more_than_128_attributes_and_no_metadata_lost(backend: OtlpBackend, server: OtlpServer) -> None:
    attributes = sent(backend, server, generation(metadata={f"k{n}": n for n in range(300)})).attributes
    assert len(attributes) == 128
    rest = json.loads(attributes["agent_trace.more"])
    single = {
        name.removeprefix("agent_trace."): value for name, value in attributes.items() if "metadata.k" in name
    }
    assert {**single, **rest} == {f"metadata.k{n}": n for n in range(300)}


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("gpt-4o-mini", "openai"),
        ("o3-mini", "openai"),
        ("claude-sonnet-4-5", "anthropic"),
        ("anthropic.claude-3-haiku-v1:0", "aws.bedrock"),
        ("bedrock/anthropic.claude-3", "aws.bedrock"),
        ("gemini-2.5-pro", "gcp.gemini"),
        ("groq/llama-3.3-70b", "groq"),
        ("deepseek-chat", "deepseek"),
        ("our-own-model", None),
        ("oracle/1", None),
    ],
)
def test_a_provider_is_named_where_the_model_tells(model: str, provider: str | None) -> None:
    assert genai_models.provider_of(model) == provider


def test_parameters_without_a_name_in_the_conventions_are_kept(
    backend: OtlpBackend, server: OtlpServer
) -> None:
    given = {
        "temperature": 1,
        "max_tokens": 5,
        "max_completion_tokens": 6,
        "top_p": "high",
        "logit_bias": {"1": 2},
    }
    attributes = sent(backend, server, generation(model_parameters=given)).attributes
    assert (attributes["gen_ai.request.temperature"], attributes["gen_ai.request.max_tokens"]) == (1.0, 5)
    rest = {"max_completion_tokens": 6, "top_p": "high", "logit_bias": {"1": 2}}
    assert json.loads(attributes["agent_trace.model_parameters"]) == rest


def test_parameters_that_python_takes_for_equal_stay_apart(backend: OtlpBackend, server: OtlpServer) -> None:
    for told in ("1", "1.0", "true", '"1"', "1"):
        record = generation(model_parameters={"other": json.loads(told)})
        assert (
            sent(backend, server, record).attributes["agent_trace.model_parameters"] == f'{{"other":{told}}}'
        )


def test_a_model_that_did_not_answer_is_not_said_to_have(backend: OtlpBackend, server: OtlpServer) -> None:
    for usage, answered in (({"input": 3}, True), ({}, False), (None, False), ({"input": 3}, True)):
        record = generation(usage=usage, finish_reason=None)
        assert ("gen_ai.response.model" in sent(backend, server, record).attributes) == answered


def test_headers_are_sent_and_credentials_in_the_url_become_one(server: OtlpServer) -> None:
    server.public_key, server.secret_key = "user", "pass:word"
    backend = OtlpBackend(server.url.replace("//", "//user:pass%3Aword@") + "/v1/traces", {"x-team": "desk"})
    assert backend.address == f"{server.url}/v1/traces"
    sent(backend, server, event())
    assert server.requests[0].headers["x-team"] == "desk"


def test_a_body_is_compressed_when_asked_for(server: OtlpServer) -> None:
    backend = OtlpBackend(f"{server.url}/v1/traces", compress=True)
    span = sent(backend, server, event(input="x" * 10_000))
    assert server.requests[0].headers["content-encoding"] == "gzip"
    assert int(server.requests[0].headers["content-length"]) < 1_000
    assert span.attributes["agent_trace.input"] == "x" * 10_000


def test_scores_and_unfinished_records_are_not_sent(backend: OtlpBackend) -> None:
    assert backend.encode(score()) == []
    assert backend.encode({**event(), "kind": "opened"}) == []
