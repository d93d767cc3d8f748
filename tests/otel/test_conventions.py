"""What attributes of the known conventions become in a record: one table of spans, one of their meanings."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from openinference.semconv.trace import OpenInferenceSpanKindValues

from agent_trace.observation import OBSERVATION_TYPES, Observation
from agent_trace.otel import TracerProvider, openinference
from agent_trace.testing import recorded

LIBRARY = {"otel.scope.name": "lib"}
MESSAGES = [{"role": "user", "content": "AAPL?"}]


def recorded_as(
    attributes: Mapping[str, Any], events: Sequence[tuple[str, dict[str, Any]]] = ()
) -> Observation:
    with recorded() as observations:
        span = TracerProvider().get_tracer("lib").start_span("s")
        span.set_attributes(attributes)
        for at_ns, (name, said) in enumerate(events, 1):
            span.add_event(name, said, timestamp=at_ns)
        span.end()
    return observations.one()


def test_openinference_becomes_type_model_parameters_usage_cost_and_content() -> None:
    found = recorded_as(
        {
            "openinference.span.kind": "LLM",
            "llm.model_name": "gpt-4o-2024-08-06",
            "llm.invocation_parameters": '{"model": "gpt-4o", "temperature": 0.2, "metadata": {"desk": 7}}',
            "llm.token_count.prompt": 100,
            "llm.token_count.completion": 30,
            "llm.token_count.total": 130,
            "llm.token_count.prompt_details.cache_read": 64,
            "llm.token_count.prompt_details.audio": 6,
            "llm.token_count.completion_details.reasoning": 10,
            "llm.cost.prompt": 0.25,
            "llm.cost.completion": 0.5,
            "llm.finish_reason": "stop",
            "llm.provider": "openai",
            "input.value": json.dumps({"messages": MESSAGES}),
            "input.mime_type": "application/json",
            "output.value": "BUY",
            "output.mime_type": "text/plain",
            "llm.input_messages.0.message.role": "user",
            "llm.input_messages.0.message.content": "AAPL?",
            "llm.output_messages.0.message.content": "BUY",
            "user.id": "u1",
            "tag.tags": ["desk", "night"],
            "metadata": '{"run": 3}',
        }
    )
    assert (found.type, found.model, found.finish_reason) == ("generation", "gpt-4o-2024-08-06", "stop")
    assert found.model_parameters == {"temperature": 0.2}
    assert found.usage == {"input": 30, "cache_read": 64, "audio_input": 6, "output": 20, "reasoning": 10}
    assert found.cost == {"input": 0.25, "output": 0.5, "total": 0.75, "currency": "USD", "source": "span"}
    assert (found.input, found.output) == ({"messages": MESSAGES}, "BUY")
    assert (found.user_id, found.tags) == ("u1", ["desk", "night"])
    assert found.metadata == {
        **LIBRARY,
        "run": 3,
        "llm.provider": "openai",
        "llm.invocation_parameters": {"metadata": {"desk": 7}},
    }


def test_numbered_messages_are_put_together_where_there_is_no_value() -> None:
    start = "llm.output_messages.0.message"
    found = recorded_as(
        {
            "openinference.span.kind": "LLM",
            "input.value": "__REDACTED__",
            "llm.input_messages.1.message.contents.0.message_content.type": "text",
            "llm.input_messages.1.message.contents.0.message_content.text": "AAPL?",
            "llm.input_messages.0.message.role": "system",
            "llm.input_messages.0.message.content": "Be brief",
            **{f"llm.input_messages.{number}.message.content": str(number) for number in range(2, 11)},
            f"{start}.role": "assistant",
            f"{start}.tool_calls.0.tool_call.id": "c1",
            f"{start}.tool_calls.0.tool_call.function.name": "price",
            f"{start}.tool_calls.0.tool_call.function.arguments": '{"symbol": "AAPL"}',
        }
    )
    assert found.input[0] == {"role": "system", "content": "Be brief"}
    assert found.input[1] == {"contents": [{"type": "text", "text": "AAPL?"}]}
    assert [each["content"] for each in found.input[2:]] == [str(number) for number in range(2, 11)]
    call = {"id": "c1", "function": {"name": "price", "arguments": '{"symbol": "AAPL"}'}}
    assert found.output == [{"role": "assistant", "tool_calls": [call]}]
    assert found.metadata == LIBRARY


def test_a_name_that_is_both_a_value_and_a_branch_keeps_both() -> None:
    start = "llm.input_messages.0.message"
    found = recorded_as({"openinference.span.kind": "LLM", start: "whole", f"{start}.role": "user"})
    assert found.input == [{"": "whole", "role": "user"}]


def test_every_kind_of_openinference_has_a_type_or_stays_in_the_metadata() -> None:
    without = {"UNKNOWN", "PROMPT", "DECISION"}
    for kind in OpenInferenceSpanKindValues:
        mapped = openinference.type_of(kind.value)
        assert mapped in OBSERVATION_TYPES or (mapped is None and kind.value in without), kind
    assert recorded_as({"openinference.span.kind": "PROMPT"}).metadata["openinference.span.kind"] == "PROMPT"


def test_a_tool_and_a_retriever_of_openinference() -> None:
    tool = recorded_as(
        {
            "openinference.span.kind": "TOOL",
            "tool.name": "price",
            "tool.parameters": '{"symbol": "AAPL"}',
            "output.value": "187.4",
        }
    )
    assert (tool.type, tool.input, tool.output) == ("tool", {"symbol": "AAPL"}, "187.4")
    assert tool.metadata["tool.name"] == "price"
    retriever = recorded_as(
        {
            "openinference.span.kind": "RETRIEVER",
            "input.value": "AAPL",
            "retrieval.documents.0.document.content": "10-K",
            "retrieval.documents.0.document.score": 0.5,
        }
    )
    assert (retriever.type, retriever.output) == ("retriever", [{"content": "10-K", "score": 0.5}])


def test_genai_in_its_newer_form() -> None:
    sent = [{"role": "user", "parts": [{"type": "text", "content": "AAPL?"}]}]
    answered = [{"role": "assistant", "parts": [{"type": "text", "content": "BUY"}], "finish_reason": "stop"}]
    found = recorded_as(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "anthropic",
            "gen_ai.request.model": "claude-sonnet-4-5",
            "gen_ai.response.model": "claude-sonnet-4-5-20250929",
            "gen_ai.request.temperature": 0.1,
            "gen_ai.request.max_tokens": 300,
            "gen_ai.request.stop_sequences": ["END"],
            "gen_ai.usage.input_tokens": 100,
            "gen_ai.usage.cache_read.input_tokens": 70,
            "gen_ai.usage.cache_creation.input_tokens": 20,
            "gen_ai.usage.output_tokens": 9,
            "gen_ai.usage.reasoning.output_tokens": 4,
            "gen_ai.input.messages": json.dumps(sent),
            "gen_ai.output.messages": json.dumps(answered),
            "gen_ai.system_instructions": json.dumps([{"type": "text", "content": "Be brief"}]),
            "gen_ai.conversation.id": "s9",
        }
    )
    assert (found.type, found.model) == ("generation", "claude-sonnet-4-5-20250929")
    assert found.model_parameters == {"temperature": 0.1, "max_tokens": 300, "stop_sequences": ["END"]}
    assert found.usage == {"input": 10, "cache_read": 70, "cache_write": 20, "output": 5, "reasoning": 4}
    instructions = [{"type": "text", "content": "Be brief"}]
    assert found.input == {"system_instructions": instructions, "messages": sent}
    assert (found.output, found.finish_reason, found.session_id) == (answered, "stop", "s9")
    assert found.metadata == {**LIBRARY, "gen_ai.provider.name": "anthropic"}


OLDER: list[tuple[dict[str, Any], list[tuple[str, dict[str, Any]]]]] = [
    ({"gen_ai.prompt": json.dumps(MESSAGES), "gen_ai.completion": "BUY"}, []),
    (
        {
            "gen_ai.prompt.0.role": "user",
            "gen_ai.prompt.0.content": "AAPL?",
            "gen_ai.completion.0.content": "BUY",
        },
        [],
    ),
    ({}, [("gen_ai.content.prompt", {"gen_ai.prompt": json.dumps(MESSAGES)}), ("gen_ai.choice", {"x": 1})]),
    ({"traceloop.entity.input": json.dumps(MESSAGES), "traceloop.entity.output": '"BUY"'}, []),
]


@pytest.mark.parametrize(("content", "events"), OLDER)
def test_genai_in_its_older_forms(content: dict[str, Any], events: list[tuple[str, dict[str, Any]]]) -> None:
    asked = {
        "gen_ai.system": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.prompt_tokens": 12,
        "gen_ai.usage.completion_tokens": 3,
        "gen_ai.response.finish_reasons": ["length"],
    }
    found = recorded_as({**asked, **content}, events)
    assert (found.type, found.model, found.finish_reason) == ("generation", "gpt-4o", "length")
    assert found.usage == {"input": 12, "output": 3}
    assert found.input == MESSAGES
    assert found.output is not None
    assert found.metadata == {**LIBRARY, "gen_ai.system": "openai"}


def test_messages_that_came_as_events_are_input_and_output() -> None:
    found = recorded_as(
        {"gen_ai.operation.name": "chat"},
        [
            ("gen_ai.system.message", {"gen_ai.system": "openai", "content": "Be brief"}),
            ("gen_ai.user.message", {"gen_ai.system": "openai", "content": "AAPL?"}),
            ("gen_ai.choice", {"gen_ai.system": "openai", "index": 0, "finish_reason": "stop"}),
        ],
    )
    assert found.input == [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "AAPL?"}]
    assert found.output == {"role": "assistant", "index": 0, "finish_reason": "stop"}
    assert found.metadata == LIBRARY


def test_langfuse_becomes_type_content_usage_level_and_metadata() -> None:
    found = recorded_as(
        {
            "langfuse.observation.type": "generation",
            "langfuse.observation.input": json.dumps(MESSAGES),
            "langfuse.observation.output": '"BUY"',
            "langfuse.observation.model.name": "gpt-4o",
            "langfuse.observation.model.parameters": '{"temperature": 0.2}',
            "langfuse.observation.usage_details": '{"input": 30, "output": 20, "input_cached_tokens": 64}',
            "langfuse.observation.cost_details": '{"input": 0.25, "output": 0.5, "total": 0.8}',
            "langfuse.observation.level": "WARNING",
            "langfuse.observation.status_message": "late",
            "langfuse.observation.completion_start_time": '"2025-11-22T10:00:00.000001+00:00"',
            "langfuse.observation.metadata.tenant": '"acme"',
            "langfuse.trace.tags": ["desk"],
            "session.id": "s1",
        }
    )
    assert (found.type, found.input, found.output) == ("generation", MESSAGES, "BUY")
    assert (found.model, found.model_parameters) == ("gpt-4o", {"temperature": 0.2})
    assert found.usage == {"input": 30, "output": 20, "cache_read": 64}
    assert found.cost == {"input": 0.25, "output": 0.5, "total": 0.8, "currency": "USD", "source": "span"}
    assert (found.level, found.status_message) == ("WARNING", "late")
    assert found.first_token_ns == 1_763_805_600_000_001_000
    assert (found.tags, found.session_id, found.metadata) == (["desk"], "s1", {**LIBRARY, "tenant": "acme"})


def test_a_providers_usage_object_in_langfuses_attribute_is_made_disjoint() -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 64}}
    found = recorded_as({"langfuse.observation.usage_details": json.dumps(usage)})
    assert found.usage == {"input": 36, "output": 5, "cache_read": 64}


def test_the_first_token_is_when_the_instrumentor_saw_it() -> None:
    assert recorded_as({}, [("First Token Stream Event", {})]).first_token_ns == 1


@pytest.mark.parametrize(
    "odd",
    [
        {"llm.invocation_parameters": "{not JSON"},
        {"llm.invocation_parameters": "[1, 2]"},
        {"llm.token_count.prompt": "many"},
        {"llm.token_count.prompt": -3},
        {"llm.cost.total": float("nan")},
        {"llm.cost.total": float("inf")},
        {"gen_ai.operation.name": 7},
        {"langfuse.observation.usage_details": "[[[["},
        {"langfuse.observation.completion_start_time": '"yesterday"'},
        {
            "llm.input_messages": "x",
            "llm.input_messages.0.message": "y",
            "llm.input_messages.0.message.role": "z",
        },
        {"metadata": "not JSON"},
        {"tag.tags": "one"},
    ],
)
def test_what_makes_no_sense_costs_neither_the_span_nor_an_invented_figure(odd: dict[str, Any]) -> None:
    found = recorded_as({"openinference.span.kind": "LLM", "llm.model_name": "m", **odd})
    assert (found.type, found.model, found.usage, found.cost) == ("generation", "m", None, None)
