"""Input and output as a conversation, in every form that a client has them."""

from typing import Any

import pytest

from agent_trace.viewer.messages import Conversation, read_input, read_output
from agent_trace.viewer.pointers import pointer, value_at

CALL = {"id": "c1", "type": "function", "function": {"name": "price", "arguments": '{"symbol": "AAPL"}'}}


def told(found: Conversation | None) -> list[tuple[Any, ...]]:
    """(role, kind, value) of each part; (role,) of a message without any."""
    assert found is not None
    return [
        (message.role, part.kind, part.value) if part else (message.role,)
        for message in found.messages
        for part in message.parts or (None,)
    ]


def given(value: Any) -> list[tuple[Any, ...]]:
    return told(read_input(value, is_generation=True))


def gave(value: Any) -> list[tuple[Any, ...]]:
    return told(read_output(value, is_generation=True))


SYSTEM, USER = ("system", "text", "be brief"), ("user", "text", "hello")
CALLED, RESULT = ("assistant", "call", {"symbol": "AAPL"}), ("tool", "result", {"close": 231})
ASSISTANT = ("assistant", "text", "BUY")

INPUTS = {
    "openai chat": (
        {
            "model": "gpt-4o",
            "messages": [
                {"role": "system", "content": "be brief"},
                {"role": "user", "content": [{"type": "text", "text": "hello"}]},
                {"role": "assistant", "content": None, "tool_calls": [CALL]},
                {"role": "tool", "tool_call_id": "c1", "content": '{"close": 231}'},
            ],
        },
        [SYSTEM, USER, CALLED, RESULT],
    ),
    "one parameter with the whole request": (
        {"request": {"messages": [{"role": "user", "content": "hello"}], "temperature": 0}},
        [USER],
    ),
    "a list of messages under any name": ({"conversation": [{"role": "user", "content": "hello"}]}, [USER]),
    "a list of messages": ([{"role": "user", "content": "hello"}], [USER]),
    "openai responses": (
        {
            "instructions": "be brief",
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "hello"}]},
                {"type": "function_call", "call_id": "c1", "name": "price", "arguments": '{"symbol": "AAPL"}'},
                {"type": "function_call_output", "call_id": "c1", "output": '{"close": 231}'},
            ],
        },
        [SYSTEM, USER, CALLED, RESULT],
    ),
    "openai responses, a text": ({"instructions": "be brief", "input": "hello", "model": "o3"}, [SYSTEM, USER]),
    "anthropic": (
        {
            "system": [{"type": "text", "text": "be brief"}],
            "messages": [
                {"role": "user", "content": "hello"},
                {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "price", "input": {"symbol": "AAPL"}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": '{"close": 231}'}]}]},
            ],
        },
        [SYSTEM, USER, CALLED, ("user", "result", {"close": 231})],
    ),
    "gemini": (
        {
            "contents": [
                {"role": "user", "parts": [{"text": "hello", "function_call": None}]},
                {"role": "model", "parts": [{"functionCall": {"name": "price", "args": {"symbol": "AAPL"}}}]},
                {"role": "function", "parts": [{"function_response": {"name": "price", "response": {"close": 231}}}]},
            ],
            "config": {"system_instruction": "be brief"},
        },
        [SYSTEM, USER, CALLED, RESULT],
    ),
    "gemini, texts": ({"contents": "hello"}, [USER]),
    "bedrock": (
        {"messages": [{"role": "user", "content": [{"text": "hello"}]}, {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t", "name": "price", "input": {"symbol": "AAPL"}}}]}], "system": [{"text": "be brief"}]},
        [SYSTEM, USER, CALLED],
    ),
    "langchain, serialized": (
        {"messages": [[{"lc": 1, "type": "constructor", "id": ["langchain", "HumanMessage"], "kwargs": {"content": "hello", "type": "human"}}]]},
        [USER],
    ),
    "langchain, dumped": (
        [{"type": "system", "content": "be brief", "role": "system"}, {"type": "human", "content": "hello"}, {"type": "ai", "content": "", "tool_calls": [{"name": "price", "args": {"symbol": "AAPL"}, "id": "c"}]}],
        [SYSTEM, USER, CALLED],
    ),
    "opentelemetry": (
        {"messages": [{"role": "user", "parts": [{"type": "text", "content": "hello"}]}, {"role": "assistant", "parts": [{"type": "tool_call", "id": "c", "name": "price", "arguments": {"symbol": "AAPL"}}]}]},
        [USER, CALLED],
    ),
    "prompts": ({"system_prompt": "be brief", "user_content": "hello", "max_tokens": 5}, [SYSTEM, USER]),
    "prompts in one parameter": ({"request": {"system": "be brief", "prompt": "hello"}}, [SYSTEM, USER]),
    "a text": ("hello", [USER]),
    "one parameter that is a text": ({"anything": "hello"}, [USER]),
}  # fmt: skip

OUTPUTS = {
    "openai chat": ({"id": "x", "choices": [{"index": 0, "message": {"role": "assistant", "content": "BUY", "tool_calls": [CALL]}}]}, [ASSISTANT, CALLED]),
    "several choices": ({"choices": [{"message": {"content": "BUY"}}, {"message": {"content": "HOLD"}}]}, [ASSISTANT, ("assistant", "text", "HOLD")]),
    "a completion": ({"choices": [{"text": "BUY", "index": 0}]}, [ASSISTANT]),
    "a refusal": ({"choices": [{"message": {"role": "assistant", "content": None, "refusal": "no"}}]}, [("assistant", "text", "no")]),
    "openai responses": ({"object": "response", "output": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "up"}]}, {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "BUY"}]}]}, [("assistant", "reasoning", "up"), ASSISTANT]),
    "anthropic": ({"type": "message", "role": "assistant", "content": [{"type": "thinking", "thinking": "up", "signature": "s"}, {"type": "text", "text": "BUY"}], "stop_reason": "end_turn"}, [("assistant", "reasoning", "up"), ASSISTANT]),
    "gemini": ({"candidates": [{"content": {"role": "model", "parts": [{"text": "up", "thought": True}, {"text": "BUY"}]}}]}, [("assistant", "reasoning", "up"), ASSISTANT]),
    "ollama": ({"model": "llama", "message": {"role": "assistant", "content": "BUY"}, "done": True}, [ASSISTANT]),
    "ollama, generate": ({"model": "llama", "response": "BUY", "done": True}, [ASSISTANT]),
    "a gathered stream": ({"content": "BUY", "reasoning": "up", "tool_calls": [{"id": "c", "name": "price", "arguments": '{"symbol": "AAPL"}'}]}, [("assistant", "reasoning", "up"), ASSISTANT, CALLED]),
    "an answer of somebody's own": ({"content": "BUY", "model_name": "x", "usage": None}, [ASSISTANT]),
    "a text": ("BUY", [ASSISTANT]),
    "nothing said": ({"role": "assistant", "content": ""}, [("assistant",)]),
}  # fmt: skip


@pytest.mark.parametrize("form", INPUTS)
def test_an_input_is_a_conversation_whatever_its_form(form: str) -> None:
    value, expected = INPUTS[form]
    assert given(value) == expected


@pytest.mark.parametrize("form", OUTPUTS)
def test_an_output_is_a_conversation_whatever_its_form(form: str) -> None:
    value, expected = OUTPUTS[form]
    assert gave(value) == expected


@pytest.mark.parametrize(
    "value",
    [None, 7, [], {}, [1, 2], ["a"], {"symbol": "AAPL", "window": 20}, {"messages": []}, {"messages": [{"x": 1}]},
     {"messages": "none", "n": 1}, {"choices": 3}, {"input": ["to", "embed"]}, [{"role": 7}], {"a": {"b": {"c": "deep"}}}],
)  # fmt: skip
def test_what_is_no_conversation_is_left_alone(value: Any) -> None:
    assert read_input(value, is_generation=True) is None
    assert read_output(value, is_generation=True) is None


def test_a_plain_text_is_a_prompt_for_generations_only() -> None:
    for value in ("hello", {"prompt": "hello"}):
        assert read_input(value, is_generation=False) is None
    assert read_output("BUY", is_generation=False) is None


def test_messages_are_read_for_agents_too() -> None:
    assert told(read_input({"messages": [{"role": "user", "content": "hello"}]}, is_generation=False)) == [
        USER
    ]


def test_what_was_given_beside_the_messages_is_kept() -> None:
    found = read_input(
        {"request": {"model": "m", "messages": [{"role": "user", "content": "x"}]}}, is_generation=True
    )
    assert found is not None and found.rest == {"model": "m"}
    found = read_input(
        {"a": 1, "request": {"model": "m", "messages": [{"role": "user", "content": "x"}]}},
        is_generation=True,
    )
    assert found is not None and found.rest == {"a": 1, "request": {"model": "m"}}
    found = read_input({"messages": [{"role": "user", "content": "x"}]}, is_generation=True)
    assert found is not None and found.rest is None


def test_a_block_of_an_unknown_form_is_shown_as_the_value_it_is() -> None:
    block = {"type": "hologram", "of": "a cat"}
    assert given([{"role": "user", "content": [block, 7]}]) == [
        ("user", "value", block),
        ("user", "value", 7),
    ]


def test_an_image_is_named_and_not_loaded() -> None:
    block = {"type": "image_url", "image_url": {"url": "http://192.0.2.1/x.png"}}
    assert given([{"role": "user", "content": [block]}]) == [("user", "media", block)]


def test_a_result_bears_the_name_of_the_tool_that_was_called() -> None:
    found = read_input(INPUTS["openai chat"][0], is_generation=True)
    assert found is not None and found.messages[-1].parts[0].name == "price"


@pytest.mark.parametrize("form", [*INPUTS, *OUTPUTS])
def test_every_part_is_found_again_where_it_says_it_lies(form: str) -> None:
    for field, read, forms in (("input", read_input, INPUTS), ("output", read_output, OUTPUTS)):
        if form in forms:
            value = forms[form][0]
            found = read(value, is_generation=True)
            assert found is not None
            for part in (part for message in found.messages for part in message.parts):
                lies = value_at({field: value}, pointer(part.at))
                assert lies == part.value or isinstance(lies, str | list), part


def test_a_place_with_any_key_can_be_pointed_at() -> None:
    record = {"a/b": [{"~": {"": "found"}}]}
    assert value_at(record, pointer(("a/b", 0, "~", ""))) == "found"
    for pointed in ("/a", "/a~1b/1", "/a~1b/x", "/a~1b/0/~0/none", "/a~1b/0/~0//deeper", "/a~1b/²"):
        with pytest.raises(LookupError):
            value_at(record, pointed)
