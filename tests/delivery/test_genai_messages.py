"""Inputs and outputs of generations as messages: what is recognised, and that the rest stays."""

import json
from typing import Any

import pytest

from agent_trace.delivery.wire.genai_messages import generation_content

TEXT = {"type": "text", "content": "hi"}
USER = {"role": "user", "parts": [TEXT]}
ANSWER = {"role": "assistant", "parts": [TEXT], "finish_reason": "stop"}


def content(**fields: Any) -> dict[str, Any]:
    found = generation_content(fields)
    return {name: json.loads(value) if isinstance(value, bytes) else value for name, value in found.items()}


@pytest.mark.parametrize(
    ("given", "messages", "rest"),
    [
        ("hi", [USER], None),
        ({"prompt": "hi"}, [USER], None),
        ({"messages": [{"role": "user", "content": "hi"}]}, [USER], None),
        (
            {"messages": [{"role": "user", "content": "hi"}], "model": "m"},
            [USER],
            {"model": "m"},
        ),
        (
            {"request": {"messages": [{"role": "user", "content": "hi"}], "model": "m"}, "n": 1},
            [USER],
            {"request": {"model": "m"}, "n": 1},
        ),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "text", "text": "hi"}, {"type": "image", "u": 1}]}
                ]
            },
            [{"role": "user", "parts": [TEXT, {"type": "image", "u": 1}]}],
            None,
        ),
        (
            {"messages": [{"role": "user", "name": "ada", "content": "hi"}]},
            [{**USER, "name": "ada"}],
            None,
        ),
        ({"messages": ["hi"]}, None, {"messages": ["hi"]}),
        ({"messages": []}, None, {"messages": []}),
        ({"prompt": ["hi"]}, None, {"prompt": ["hi"]}),
        ([1, 2], None, [1, 2]),
        (0, None, 0),
    ],
)
def test_an_input_is_messages_and_what_else_was_given(given: Any, messages: Any, rest: Any) -> None:
    found = content(input=given)
    assert found.get("gen_ai.input.messages") == messages
    assert found.get("agent_trace.input") == rest


def test_tool_calls_and_their_results_are_parts() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "quote", "arguments": '{"s":"A"}'}}
    given = {
        "messages": [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "1.5"},
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "c2", "name": "f", "input": {"a": 1}}],
            },
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c2", "content": "2"}]},
        ]
    }
    parts = [message["parts"] for message in content(input=given)["gen_ai.input.messages"]]
    assert parts == [
        [{"type": "tool_call", "id": "c1", "name": "quote", "arguments": '{"s":"A"}'}],
        [{"type": "tool_call_response", "id": "c1", "response": "1.5"}],
        [{"type": "tool_call", "id": "c2", "name": "f", "arguments": {"a": 1}}],
        [{"type": "tool_call_response", "id": "c2", "response": "2"}],
    ]


def test_instructions_beside_the_messages_have_their_own_attribute() -> None:
    found = content(input={"messages": [{"role": "user", "content": "hi"}], "system": "be short"})
    assert found["gen_ai.system_instructions"] == [{"type": "text", "content": "be short"}]
    assert found["agent_trace.input"] == {"system": "be short"}


@pytest.mark.parametrize(
    ("given", "messages", "rest"),
    [
        ("hi", [ANSWER], None),
        (
            {
                "choices": [{"index": 0, "message": {"content": "hi"}, "finish_reason": "length"}],
                "object": "c",
            },
            [{**ANSWER, "finish_reason": "length"}],
            {"object": "c"},
        ),
        (
            {"role": "assistant", "content": [{"type": "text", "text": "hi"}], "stop_reason": "end_turn"},
            [{**ANSWER, "finish_reason": "end_turn"}],
            {"stop_reason": "end_turn"},
        ),
        ({"choices": [{"text": "hi"}]}, None, {"choices": [{"text": "hi"}]}),
        (
            {"choices": [{"message": {"content": "hi"}, "logprobs": [1]}]},
            None,
            {"choices": [{"message": {"content": "hi"}, "logprobs": [1]}]},
        ),
        ({"action": "BUY"}, None, {"action": "BUY"}),
        ([1], None, [1]),
    ],
)
def test_an_output_is_messages_and_what_else_came_back(given: Any, messages: Any, rest: Any) -> None:
    found = content(output=given)
    assert found.get("gen_ai.output.messages") == messages
    assert found.get("agent_trace.output") == rest


def test_the_finish_reason_of_the_record_stands_in() -> None:
    assert content(output="hi", finish_reason="length")["gen_ai.output.messages"] == [
        {**ANSWER, "finish_reason": "length"}
    ]
