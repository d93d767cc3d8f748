"""What a stream leaves behind: one answer from the chunks of a known client, the items as they were otherwise."""

import json
import sys
from typing import Any

import pydantic
import pytest
from anthropic.types import RawMessageStreamEvent
from openai.types.chat import ChatCompletionChunk
from openai.types.responses import ResponseStreamEvent

from agent_trace.recording.capturing.capture import Limits, capture
from agent_trace.recording.reading.results import Reading
from agent_trace.recording.reading.streams import StreamReading
from tests.support import hostile


def folded(items: Any) -> tuple[Any, Reading]:
    stream = StreamReading()
    for item in items:
        stream.add(item)
    return stream.finish()


def chat_chunk(delta: dict[str, Any], **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": more.pop("finish_reason", None)}
    return {
        "id": "1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-5",
        "choices": [choice],
    } | more


CHAT: list[dict[str, Any]] = [
    chat_chunk({"role": "assistant", "content": ""}),
    chat_chunk({"content": "BUY "}),
    chat_chunk({"content": "now"}),
    chat_chunk({}, finish_reason="stop"),
    chat_chunk({}, choices=[], usage={"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}),
]


def tool_delta(index: int, arguments: str, **more: Any) -> dict[str, Any]:
    return {
        "tool_calls": [{"index": index, "function": {"arguments": arguments} | more.pop("named", {}), **more}]
    }


TOOLS: list[dict[str, Any]] = [
    chat_chunk(tool_delta(0, "", id="call_1", type="function", named={"name": "price"})),
    chat_chunk(tool_delta(0, '{"symbol":')),
    chat_chunk(tool_delta(1, "{}", id="call_2", type="function", named={"name": "news"})),
    chat_chunk(tool_delta(0, '"BTC"}')),
    chat_chunk({}, finish_reason="tool_calls"),
]


@pytest.mark.parametrize("make", [ChatCompletionChunk.model_validate, dict], ids=["objects", "dicts"])
def test_openai_chat_chunks_become_one_text(make: Any) -> None:
    assert folded(map(make, CHAT)) == ("BUY now", Reading("gpt-5", {"input": 9, "output": 2}, None, "stop"))


@pytest.mark.parametrize("make", [ChatCompletionChunk.model_validate, dict], ids=["objects", "dicts"])
def test_tool_calls_are_put_together(make: Any) -> None:
    output, reading = folded(map(make, TOOLS))
    assert output == {
        "tool_calls": [
            {"id": "call_1", "name": "price", "arguments": '{"symbol":"BTC"}'},
            {"id": "call_2", "name": "news", "arguments": "{}"},
        ]
    }
    assert reading == Reading("gpt-5", None, None, "tool_calls")


def test_reasoning_and_further_choices_stay_apart_from_the_answer() -> None:
    second = {"index": 1, "delta": {"content": "SELL"}, "finish_reason": None}
    output, _ = folded(
        [
            chat_chunk({"reasoning_content": "hm"}),
            chat_chunk({"content": "BUY"}),
            chat_chunk({}, choices=[second]),
        ]
    )
    assert output == {"content": "BUY", "reasoning": "hm", "other_choices": ["SELL"]}


RESPONSE: dict[str, Any] = {
    "id": "r",
    "object": "response",
    "created_at": 1,
    "model": "gpt-5",
    "status": "in_progress",
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}
RESPONSE_USAGE = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
    "output_tokens": 2,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 11,
}
TEXT_AT = {"item_id": "i", "output_index": 0, "content_index": 0, "logprobs": []}
CALL = {
    "type": "function_call",
    "id": "fc",
    "call_id": "call_1",
    "name": "price",
    "arguments": "",
    "status": "in_progress",
}
RESPONSES: list[dict[str, Any]] = [
    {"type": "response.created", "response": RESPONSE},
    {"type": "response.output_text.delta", "delta": "BUY ", **TEXT_AT},
    {"type": "response.output_text.delta", "delta": "now", **TEXT_AT},
    {"type": "response.output_text.done", "text": "BUY now", **TEXT_AT},
    {"type": "response.output_item.added", "output_index": 1, "item": CALL},
    {"type": "response.function_call_arguments.delta", "item_id": "fc", "output_index": 1, "delta": '{"a":'},
    {"type": "response.function_call_arguments.delta", "item_id": "fc", "output_index": 1, "delta": "1}"},
    {"type": "response.completed", "response": RESPONSE | {"status": "completed", "usage": RESPONSE_USAGE}},
]
as_response_event = pydantic.TypeAdapter(ResponseStreamEvent).validate_python


@pytest.mark.parametrize("make", [as_response_event, dict], ids=["objects", "dicts"])
def test_openai_response_events_become_one_answer(make: Any) -> None:
    events = [event | {"sequence_number": number} for number, event in enumerate(RESPONSES)]
    output, reading = folded(map(make, events))
    assert output == {
        "content": "BUY now",
        "tool_calls": [{"id": "call_1", "name": "price", "arguments": '{"a":1}'}],
    }
    assert reading == Reading("gpt-5", {"input": 5, "output": 2, "cache_read": 4}, None, "completed")


MESSAGE = {
    "id": "m",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-5",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "usage": {"input_tokens": 20, "output_tokens": 1, "cache_read_input_tokens": 500},
}
THINKING = {"type": "thinking", "thinking": "", "signature": ""}
TOOL_USE = {"type": "tool_use", "id": "tu", "name": "price", "input": {}}
ANTHROPIC: list[dict[str, Any]] = [
    {"type": "message_start", "message": MESSAGE},
    {"type": "content_block_start", "index": 0, "content_block": THINKING},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "HO"}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "LD"}},
    {"type": "content_block_start", "index": 2, "content_block": TOOL_USE},
    {
        "type": "content_block_delta",
        "index": 2,
        "delta": {"type": "input_json_delta", "partial_json": '{"a":1}'},
    },
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {"output_tokens": 30},
    },
    {"type": "message_stop"},
]
as_anthropic_event = pydantic.TypeAdapter(RawMessageStreamEvent).validate_python


@pytest.mark.parametrize("make", [as_anthropic_event, dict], ids=["objects", "dicts"])
def test_anthropic_events_become_one_answer(make: Any) -> None:
    output, reading = folded(map(make, ANTHROPIC))
    assert output == {
        "content": "HOLD",
        "reasoning": "hm",
        "tool_calls": [{"id": "tu", "name": "price", "arguments": '{"a":1}'}],
    }
    assert reading == Reading(
        "claude-opus-5", {"input": 20, "output": 30, "cache_read": 500}, None, "tool_use"
    )


def test_helper_events_that_repeat_raw_ones_are_not_counted_twice() -> None:
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "HOLD"}}
    assert folded([delta, {"type": "text", "text": "HOLD", "snapshot": "HOLD"}])[0] == "HOLD"


def test_gemini_chunks_become_one_answer() -> None:
    def chunk(text: str, output: int, **more: Any) -> dict[str, Any]:
        usage = {"promptTokenCount": 9, "candidatesTokenCount": output}
        return {"candidates": [{"content": {"parts": [{"text": text}]}, **more}], "usageMetadata": usage}

    output, reading = folded([chunk("BUY ", 1), chunk("now", 2, finishReason="STOP")])
    assert output == "BUY now"
    assert reading == Reading(None, {"input": 9, "output": 2}, None, "STOP")


def test_ollama_chunks_become_one_answer() -> None:
    items = [
        {"model": "llama3", "message": {"content": "BUY "}, "done": False},
        {"model": "llama3", "message": {"content": "now"}, "done": False},
        {"model": "llama3", "message": {"content": ""}, "done": True, "done_reason": "stop", "eval_count": 2},
    ]
    assert folded(items) == ("BUY now", Reading("llama3", {"output": 2}, None, "stop"))
    assert folded([{"response": "BU", "done": False}, {"response": "Y", "done": True}])[0] == "BUY"


def test_bedrock_events_become_one_answer() -> None:
    items = [
        {"messageStart": {"role": "assistant"}},
        {"contentBlockDelta": {"delta": {"text": "BUY"}, "contentBlockIndex": 0}},
        {
            "contentBlockStart": {
                "start": {"toolUse": {"toolUseId": "t", "name": "price"}},
                "contentBlockIndex": 1,
            }
        },
        {"contentBlockDelta": {"delta": {"toolUse": {"input": "{}"}}, "contentBlockIndex": 1}},
        {"messageStop": {"stopReason": "tool_use"}},
        {"metadata": {"usage": {"inputTokens": 9, "outputTokens": 2}, "metrics": {"latencyMs": 5}}},
    ]
    output, reading = folded(items)
    assert output == {"content": "BUY", "tool_calls": [{"id": "t", "name": "price", "arguments": "{}"}]}
    assert reading == Reading(None, {"input": 9, "output": 2}, None, "tool_use")


def test_langchain_chunks_add_their_usage_up() -> None:
    class AIMessageChunk(pydantic.BaseModel):
        type: str = "AIMessageChunk"
        content: str | list[dict[str, Any]]
        usage_metadata: dict[str, int] | None = None
        response_metadata: dict[str, str] = {}

    first = AIMessageChunk(content="BUY ", usage_metadata={"input_tokens": 9, "output_tokens": 0})
    last = AIMessageChunk(
        content=[{"type": "text", "text": "now"}],
        usage_metadata={"input_tokens": 0, "output_tokens": 2},
        response_metadata={"finish_reason": "stop", "model_name": "gpt-5"},
    )
    assert folded([first, last]) == ("BUY now", Reading("gpt-5", {"input": 9, "output": 2}, None, "stop"))


def test_plain_text_is_joined() -> None:
    assert folded(["B", "", "UY", hostile.HostileText(" now")]) == ("BUY now", Reading())
    assert folded([{"content": "B"}, {"content": "UY", "finish_reason": "stop"}])[0] == "BUY"


def test_stream_of_empty_texts_is_an_empty_text() -> None:
    assert folded(["", ""])[0] == ""
    assert folded([])[0] == ""


def test_items_are_kept_as_they_were_when_they_were_yielded() -> None:
    step: dict[str, Any] = {"step": 1, "seen": []}
    stream = StreamReading()
    stream.add(step)
    step["step"] = 2
    step["seen"].append("later")
    stream.add(step)
    stream.add(3)
    stream.add(None)
    assert stream.finish()[0] == [{"step": 1, "seen": []}, {"step": 2, "seen": ["later"]}, 3, None]


def test_usage_is_read_from_a_last_item_of_any_shape() -> None:
    last = {
        "answer": "BUY",
        "model": "house",
        "output": "x",
        "usage": {"prompt_tokens": 3, "completion_tokens": 4},
    }
    output, reading = folded(["BU", "Y", last])
    assert output == {"content": "BUY", "items": [last]}
    assert reading == Reading("house", {"input": 3, "output": 4})


def test_events_of_an_agent_are_not_taken_for_text() -> None:
    events = [{"type": "tool", "content": "x", "name": "price"}, {"role": "user", "content": "x", "at": 5}]
    assert folded(events)[0] == events


def test_long_stream_of_items_keeps_both_ends_and_says_how_many_there_were() -> None:
    output, _ = folded({"step": number} for number in range(50_000))
    assert output[0] == {"step": 0}
    assert output[-1] == {"step": 49_999}
    assert len(output) < 1_100
    assert any(type(item) is str and "of 50,000 items]" in item for item in output)


def test_endless_text_is_bounded_and_says_how_long_it_was() -> None:
    stream = StreamReading()
    for _ in range(1_000):
        stream.add("word " * 2_000)
    output, _ = stream.finish()
    assert isinstance(output, str)
    assert len(output) <= 4 * 1_048_576
    encoded, cuts = capture(output, Limits(), "output")
    assert json.loads(encoded).endswith("…[cut: 10,000,000 characters]")
    assert cuts is not None
    assert cuts[0]["of"] == 10_000_000


def test_memory_of_a_stream_of_large_items_is_bounded() -> None:
    stream = StreamReading()
    for number in range(200):
        stream.add({"number": number, "page": "x " * 100_000})
    output, _ = stream.finish()
    assert sys.getsizeof(json.dumps(output)) < 4 * 1_048_576


@pytest.mark.parametrize("number", range(len(hostile.everything())))
def test_hostile_items_do_not_raise(number: int) -> None:
    value = hostile.everything()[number]
    items = [
        value,
        {"choices": [value]},
        {"choices": value},
        {"type": value},
        {"candidates": [value]},
        "kept",
    ]
    output, _ = folded(
        [*items, {"type": "content_block_delta", "delta": value}, {"usage": value, "content": value}]
    )
    json.loads(capture(output, Limits(), "output")[0])
    assert "kept" in str(output)
