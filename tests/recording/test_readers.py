"""What is read from the results of the usual clients, from the arguments of a call, and from a bound instance."""

import dataclasses
import enum
import math
from types import SimpleNamespace
from typing import Any

import pydantic
import pytest
from anthropic.types import Message
from openai.types import CreateEmbeddingResponse
from openai.types.audio import Transcription
from openai.types.chat import ChatCompletion
from openai.types.completion import Completion
from openai.types.realtime import RealtimeResponseUsage
from openai.types.responses import Response

from agent_trace.recording.reading.results import Reading, read_instance, read_parameters, read_result
from tests.support import hostile

CHAT: dict[str, Any] = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-5-2026-01-01",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "BUY"}}],
    "usage": {
        "prompt_tokens": 100,
        "completion_tokens": 60,
        "total_tokens": 160,
        "prompt_tokens_details": {"cached_tokens": 30, "audio_tokens": 5, "cache_write_tokens": 10},
        "completion_tokens_details": {"reasoning_tokens": 40, "audio_tokens": 2},
    },
}
CHAT_USAGE = {
    "input": 55,
    "output": 18,
    "cache_read": 30,
    "cache_write": 10,
    "reasoning": 40,
    "audio_input": 5,
    "audio_output": 2,
}
RESPONSE: dict[str, Any] = {
    "id": "r",
    "object": "response",
    "created_at": 1,
    "model": "gpt-5",
    "status": "completed",
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "usage": {
        "input_tokens": 90,
        "input_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 0},
        "output_tokens": 30,
        "output_tokens_details": {"reasoning_tokens": 10},
        "total_tokens": 120,
    },
}
MESSAGE: dict[str, Any] = {
    "id": "m",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-5",
    "content": [{"type": "text", "text": "HOLD"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 20,
        "output_tokens": 10,
        "cache_read_input_tokens": 500,
        "cache_creation_input_tokens": 70,
        "output_tokens_details": {"thinking_tokens": 4},
    },
}


def usage_of(result: object) -> dict[str, int] | None:
    reading = read_result(result)
    return reading.usage if reading else None


def test_openai_chat_completion_is_read_with_disjoint_counts() -> None:
    expected = Reading("gpt-5-2026-01-01", CHAT_USAGE, None, "stop")
    assert read_result(ChatCompletion.model_validate(CHAT)) == expected
    assert read_result(CHAT) == expected
    assert sum(CHAT_USAGE.values()) == 160


def test_openai_response_is_read() -> None:
    expected = Reading(
        "gpt-5", {"input": 50, "output": 20, "cache_read": 40, "reasoning": 10}, None, "completed"
    )
    assert read_result(Response.model_validate(RESPONSE)) == expected
    assert read_result(RESPONSE) == expected


def test_incomplete_openai_response_says_why() -> None:
    cut_off = RESPONSE | {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    reading = read_result(Response.model_validate(cut_off))
    assert reading is not None
    assert reading.finish_reason == "max_output_tokens"


AGNO: dict[str, Any] = {
    "input_tokens": 100,
    "output_tokens": 60,
    "total_tokens": 160,
    "audio_input_tokens": 0,
    "audio_output_tokens": 0,
    "audio_total_tokens": 0,
    "cache_read_tokens": 30,
    "cache_write_tokens": 0,
    "reasoning_tokens": 40,
    "cost": None,
    "provider_metrics": None,
}


@pytest.mark.parametrize(
    ("more", "usage"),
    [
        ({}, {"input": 70, "output": 20, "cache_read": 30, "reasoning": 40}),
        (
            {"cache_read_tokens": 0, "reasoning_tokens": 0, "provider_metrics": {"total_time": 1.0}},
            {"input": 100, "output": 60},
        ),
        (
            {"reasoning_tokens": 0, "provider_metrics": {"service_tier": "standard"}},
            {"input": 100, "output": 60, "cache_read": 30},
        ),
        (
            {"reasoning_tokens": 0, "cache_read_tokens": 5_000},
            {"input": 100, "output": 60, "cache_read": 5_000},
        ),
    ],
)
def test_agno_counts_as_its_providers_do(more: dict[str, Any], usage: dict[str, int]) -> None:
    answer = SimpleNamespace(content="BUY", response_usage=SimpleNamespace(**AGNO | more))
    assert usage_of(answer) == usage


def test_legacy_completion_and_embedding_are_read() -> None:
    usage = {"prompt_tokens": 8, "completion_tokens": 0, "total_tokens": 8}
    choice = {"finish_reason": "length", "index": 0, "logprobs": None, "text": "x"}
    completion = {
        "id": "1",
        "choices": [choice],
        "created": 1,
        "model": "davinci",
        "object": "text_completion",
        "usage": usage,
    }
    assert read_result(Completion.model_validate(completion)) == Reading(
        "davinci", {"input": 8, "output": 0}, None, "length"
    )
    vector = {"embedding": [0.1], "index": 0, "object": "embedding"}
    embedding = {
        "data": [vector],
        "model": "embed",
        "object": "list",
        "usage": {"prompt_tokens": 3, "total_tokens": 3},
    }
    assert read_result(CreateEmbeddingResponse.model_validate(embedding)) == Reading("embed", {"input": 3})


def test_anthropic_message_is_read_with_input_as_it_is() -> None:
    expected = Reading(
        "claude-opus-5",
        {"input": 20, "output": 6, "cache_read": 500, "cache_write": 70, "reasoning": 4},
        None,
        "end_turn",
    )
    assert read_result(Message.model_validate(MESSAGE)) == expected
    assert read_result(MESSAGE) == expected


def test_litellm_response_is_read_with_its_hidden_cost() -> None:
    class ModelResponse(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="allow")
        model: str = "claude"
        choices: list[Any] = []
        _hidden_params: dict[str, Any] = {}

    response = ModelResponse(choices=[{"finish_reason": "stop"}])
    response.usage = {"prompt_tokens": 100, "completion_tokens": 5, "cache_read_input_tokens": 80}  # type: ignore[attr-defined]
    response._hidden_params = {"response_cost": 0.0125}
    cost = {"total": 0.0125, "currency": "USD", "source": "provider"}
    assert read_result(response) == Reading(
        "claude", {"input": 20, "output": 5, "cache_read": 80}, cost, "stop"
    )


def test_cost_reported_within_usage_is_taken() -> None:
    reading = read_result(ChatCompletion.model_validate(CHAT | {"usage": CHAT["usage"] | {"cost": 0.5}}))
    assert reading is not None
    assert reading.cost == {"total": 0.5, "currency": "USD", "source": "provider"}


@pytest.mark.parametrize("cost", [-1, math.nan, math.inf, "0.5", True, None])
def test_cost_that_cannot_be_one_is_dropped(cost: object) -> None:
    reading = read_result(CHAT | {"_hidden_params": {"response_cost": cost}})
    assert reading is not None
    assert reading.cost is None


def test_what_litellm_hides_on_an_answer_in_googles_form_is_no_cost() -> None:
    answer = {"candidates": [], "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 2}}
    reading = read_result({**answer, "_hidden_params": {"response_cost": 0.0}})
    assert reading == Reading(None, {"input": 9, "output": 2}, None, None)


def test_gemini_response_is_read_in_either_spelling() -> None:
    class Finish(enum.Enum):
        STOP = "STOP"

    snake = SimpleNamespace(
        model_version="gemini-3-pro",
        candidates=[SimpleNamespace(finish_reason=Finish.STOP)],
        usage_metadata=SimpleNamespace(
            prompt_token_count=100,
            candidates_token_count=20,
            cached_content_token_count=60,
            thoughts_token_count=7,
            total_token_count=127,
        ),
    )
    expected = Reading(
        "gemini-3-pro", {"input": 40, "output": 20, "cache_read": 60, "reasoning": 7}, None, "STOP"
    )
    assert read_result(snake) == expected
    camel = {
        "modelVersion": "gemini-3-pro",
        "candidates": [{"finishReason": "STOP"}],
        "usageMetadata": {
            "promptTokenCount": 100,
            "candidatesTokenCount": 20,
            "cachedContentTokenCount": 60,
            "thoughtsTokenCount": 7,
        },
    }
    assert read_result(camel) == expected


def test_gemini_tool_prompt_counts_as_input() -> None:
    usage = {"prompt_token_count": 10, "candidates_token_count": 2, "tool_use_prompt_token_count": 5}
    assert usage_of({"usage_metadata": usage}) == {"input": 15, "output": 2}


OTHER_RESULTS: list[tuple[object, Reading]] = [
    (
        {
            "model": "llama3",
            "message": {"content": "x"},
            "done_reason": "stop",
            "prompt_eval_count": 9,
            "eval_count": 4,
        },
        Reading("llama3", {"input": 9, "output": 4}, None, "stop"),
    ),
    (
        {
            "output": {},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 9, "outputTokens": 4, "cacheReadInputTokens": 3, "totalTokens": 16},
        },
        Reading(None, {"input": 9, "output": 4, "cache_read": 3}, None, "end_turn"),
    ),
    (
        {"finish_reason": "COMPLETE", "usage": {"tokens": {"input_tokens": 9, "output_tokens": 4}}},
        Reading(None, {"input": 9, "output": 4}, None, "COMPLETE"),
    ),
    (
        {"text": "x", "meta": {"tokens": {"input_tokens": 9.0, "output_tokens": 4.0}}},
        Reading(None, {"input": 9, "output": 4}),
    ),
    ({"content": "x", "usage": {"total_tokens": 12}}, Reading(None, {"total": 12})),
    ({"content": "x", "usage": {"input": 5, "output": 7}}, Reading(None, {"input": 5, "output": 7})),
    ({"content": "x", "input_tokens": 5, "output_tokens": 7}, Reading(None, {"input": 5, "output": 7})),
]


@pytest.mark.parametrize(
    ("result", "reading"),
    OTHER_RESULTS,
    ids=["ollama", "bedrock", "cohere 2", "cohere 1", "total", "plain", "flat"],
)
def test_results_of_other_clients_are_read(result: object, reading: Reading) -> None:
    assert read_result(result) == reading


def test_langchain_message_is_read_with_input_made_disjoint() -> None:
    class AIMessage(pydantic.BaseModel):
        content: str = "x"
        response_metadata: dict[str, Any] = {"model_name": "gpt-5", "finish_reason": "stop"}
        usage_metadata: dict[str, Any] = {
            "input_tokens": 100,
            "output_tokens": 30,
            "total_tokens": 130,
            "input_token_details": {"cache_read": 60, "cache_creation": 10},
            "output_token_details": {"reasoning": 5},
        }

    usage = {"input": 30, "output": 25, "cache_read": 60, "cache_write": 10, "reasoning": 5}
    assert read_result(AIMessage()) == Reading("gpt-5", usage, None, "stop")


def test_sound_that_openai_transcribes_or_speaks_is_counted_as_such() -> None:
    usage = {"input_tokens": 14, "output_tokens": 3, "total_tokens": 17}
    details = {"input_token_details": {"text_tokens": 4, "audio_tokens": 10}}
    heard = {"text": "HOLD", "usage": {"type": "tokens", **usage, **details}}
    assert usage_of(Transcription.model_validate(heard)) == {"input": 4, "audio_input": 10, "output": 3}
    timed = {"text": "HOLD", "usage": {"type": "duration", "seconds": 7}}
    assert usage_of(Transcription.model_validate(timed)) is None
    spoken = RealtimeResponseUsage.model_validate(
        {
            "input_tokens": 132,
            "output_tokens": 121,
            "total_tokens": 253,
            "input_token_details": {"text_tokens": 119, "audio_tokens": 13, "cached_tokens": 64},
            "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
        }
    )
    read = {"input": 55, "cache_read": 64, "audio_input": 13, "output": 30, "audio_output": 91}
    assert usage_of({"usage": spoken, "model": "gpt-realtime"}) == read


def test_usage_is_found_beside_and_below_a_response() -> None:
    response = ChatCompletion.model_validate(CHAT)
    bare = ChatCompletion.model_validate(CHAT | {"usage": None})
    usage = {"prompt_tokens": 3, "completion_tokens": 4}
    assert usage_of((response, 0.5)) == CHAT_USAGE
    assert usage_of(("text", usage)) == {"input": 3, "output": 4}
    assert usage_of((bare, {"usage": usage})) == {"input": 3, "output": 4}
    assert read_result({"response": bare, "usage": usage}) == Reading(
        "gpt-5-2026-01-01", {"input": 3, "output": 4}, None, "stop"
    )
    assert usage_of({"result": {"response": response}}) == CHAT_USAGE


@dataclasses.dataclass(slots=True)
class SlottedResponse:
    content: str
    model_name: str
    usage: dict[str, int] | None = None
    raw_response: object = None


class HouseResponse:
    def __init__(self, raw: object) -> None:
        self.content = "BUY"
        self.model_name = "house-model"
        self.raw_response = raw
        self.usage = None


def test_house_made_response_objects_are_read() -> None:
    raw = ChatCompletion.model_validate(CHAT)
    assert read_result(HouseResponse(raw)) == Reading("house-model", CHAT_USAGE, None, "stop")
    slotted = SlottedResponse("x", "house", {"prompt_tokens": 1, "completion_tokens": 2})
    assert read_result(slotted) == Reading("house", {"input": 1, "output": 2})
    assert read_result(SlottedResponse("x", "house")) == Reading("house")


@pytest.mark.parametrize(
    "result",
    [
        None,
        "text",
        1,
        1.5,
        b"x",
        [],
        {},
        {"model": "Tesla Y", "price": 5},
        (1, 2),
        object(),
        {"usage": None},
        (),
    ],
    ids=lambda each: type(each).__name__,
)
def test_result_that_says_nothing_gives_nothing(result: object) -> None:
    assert read_result(result) is None


@pytest.mark.parametrize("nonsense", [-1, "12", math.nan, math.inf, True, 1.5, None, 10**30, [], {}])
def test_count_that_cannot_be_one_is_dropped_and_never_zero(nonsense: object) -> None:
    assert usage_of({"usage": {"prompt_tokens": nonsense, "completion_tokens": 5}}) == {"output": 5}
    assert usage_of({"usage": {"prompt_tokens": nonsense, "completion_tokens": nonsense}}) is None


def test_cached_tokens_beyond_the_input_were_counted_apart() -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 50}}
    assert usage_of({"usage": usage}) == {"input": 10, "output": 1, "cache_read": 50}


def test_reasoning_reported_on_top_of_the_completion_is_not_taken_off() -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 60,
        "total_tokens": 115,
        "completion_tokens_details": {"reasoning_tokens": 45},
    }
    assert usage_of({"usage": usage}) == {"input": 10, "output": 60, "reasoning": 45}


def test_reading_runs_no_property() -> None:
    hostile.PropertiesCount.asked = 0
    read_result(hostile.PropertiesCount())
    read_instance(hostile.PropertiesCount())
    assert hostile.PropertiesCount.asked == 0


def test_parameters_are_read_from_arguments_and_from_bags_of_them() -> None:
    arguments = {"messages": [], "model": "gpt-5", "temperature": 0.2, "stop": ["\n", "END"], "stream": False}
    parameters = {"temperature": 0.2, "stop": ["\n", "END"], "stream": False}
    assert read_parameters(arguments) == ("gpt-5", parameters)
    bag = {"model": "gpt-5", "max_tokens": 50, "temperature": 0.9, "unrelated": 1}
    assert read_parameters({"prompt": "x", "temperature": 0.1, "kwargs": bag}) == (
        "gpt-5",
        {"max_tokens": 50, "temperature": 0.1},
    )


def test_parameters_keep_only_what_is_short_and_plain() -> None:
    structured = {"type": "json_schema", "json_schema": {"secret": "x"}}
    found = read_parameters(
        {"response_format": structured, "seed": None, "temperature": math.nan, "top_p": object()}
    )
    assert found == (None, {"response_format": "json_schema"})
    assert read_parameters({"prompt": "x"}) == (None, None)
    assert read_parameters({"stop": "x" * 10_000, "model": object(), "n": 10**40}) == (None, None)


class Base:
    model = "from-class"


class Named(Base):
    pass


class Modelled(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(protected_namespaces=())
    model_name: str = "from-pydantic"


class SlottedModel:
    __slots__ = ("model_name",)

    def __init__(self) -> None:
        self.model_name = "from-slot"


def test_model_is_read_from_the_instance() -> None:
    assert read_instance(SimpleNamespace(model_name="from-instance", model="x")) == "from-instance"
    assert read_instance(Named()) == "from-class"
    assert read_instance(Named) == "from-class"
    assert read_instance(Modelled()) == "from-pydantic"
    assert read_instance(SlottedModel()) == "from-slot"
    assert read_instance(SimpleNamespace(llm=SimpleNamespace(model="inner"))) == "inner"
    assert read_instance(object()) is None
    assert read_instance(None) is None


@pytest.mark.parametrize("number", range(len(hostile.everything())))
def test_hostile_results_and_instances_give_nothing(number: int) -> None:
    value = hostile.everything()[number]
    assert read_result((value, {"prompt_tokens": 1, "completion_tokens": 1})) is not None
    read_result(value)
    read_result(
        {"usage": value, "model": value, "choices": [value], "response": value, "finish_reason": value}
    )
    assert read_instance(value) in (None, "text")
    model, _ = read_parameters({"model": value, "temperature": value, "kwargs": value, "stop": [value]})
    assert model in (None, "text", "BUY")
