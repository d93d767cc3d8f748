"""LiteLLM, alone and attached to, with OpenAI's client below it: one tree, tokens counted once."""

from typing import Any

import litellm
import pytest

from agent_trace import instrument, instrument_providers
from tests.support.llm_server import Call, LlmServer, Refusal, Text
from tests.support.side_by_side import Scenario, check, check_undo, in_one_loop, nested, twice

PROMPT: Any = [{"role": "user", "content": "AAPL?"}]
PRICE: Any = {"name": "price", "parameters": {"type": "object", "properties": {"symbol": {"type": "string"}}}}
TOOLS: Any = [{"type": "function", "function": PRICE}]
STREAM: Any = {"stream": True, "stream_options": {"include_usage": True}}


def asked(server: LlmServer, **options: Any) -> dict[str, Any]:
    given = {"model": "openai/gpt-4o", "messages": PROMPT, "api_base": server.openai_url, "api_key": "none"}
    return {**given, "max_retries": 0, **options}


def chat(server: LlmServer) -> Any:
    answer = litellm.completion(**asked(server))
    return answer.model, answer.choices, answer.usage


def stream(server: LlmServer) -> Any:
    chunks = litellm.completion(**asked(server, **STREAM))
    return chunks, *[each.choices for each in chunks]


def tools(server: LlmServer) -> Any:
    first = litellm.completion(**asked(server, tools=TOOLS)).choices[0].message
    result = {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": "187.4"}
    return first, litellm.completion(**asked(server, messages=[*PROMPT, first, result], tools=TOOLS)).choices


def async_chat(server: LlmServer) -> Any:
    return in_one_loop(litellm.acompletion(**asked(server))).choices


def anthropic(server: LlmServer) -> Any:
    given = asked(server, model="anthropic/claude-sonnet-4-5", api_base=server.url, max_tokens=64)
    return litellm.completion(**given).choices


TOLD, CLIENT = (
    "generation completion openai/gpt-4o (25 reported)",
    "generation ChatCompletion gpt-4o 25 tokens",
)
ONE = {
    "entry": "generation completion gpt-4o 25 tokens",
    "providers": nested(TOLD, CLIENT),
    "both": nested(TOLD, "generation completion gpt-4o (25 reported)", CLIENT),
}
# The function's own stream is handed on as it is: only LiteLLM and the client know what is in it.
STREAMED = {
    "entry": "generation completion gpt-4o",
    "providers": nested(TOLD, CLIENT),
    "both": nested(TOLD, "generation completion gpt-4o", CLIENT),
}
# `acompletion` asks `completion`, and both are attached.
ASYNC = {
    "entry": nested("generation acompletion gpt-4o (25 reported)", "generation completion gpt-4o 25 tokens"),
    "providers": nested("generation acompletion openai/gpt-4o (25 reported)", CLIENT),
    "both": nested(
        "generation acompletion openai/gpt-4o (25 reported)",
        "generation acompletion gpt-4o (25 reported)",
        "generation completion gpt-4o (25 reported)",
        CLIENT,
    ),
}
CLAUDE = {
    "entry": "generation completion claude-sonnet-4-5 25 tokens",
    "providers": "generation completion anthropic/claude-sonnet-4-5 25 tokens",
    "both": nested(
        "generation completion anthropic/claude-sonnet-4-5 (25 reported)",
        "generation completion claude-sonnet-4-5 25 tokens",
    ),
}


def failed(theirs: str, client: str) -> dict[str, str]:
    line = f"generation completion openai/gpt-4o ERROR litellm.exceptions.{theirs}"
    below = f"generation ChatCompletion gpt-4o ERROR openai.{client}"
    return {"entry": line, "providers": nested(line, below), "both": nested(line, line, below)}


SCENARIOS = [
    Scenario("chat", chat, wanted=ONE),
    Scenario("stream", stream, (Text("Buy it, and hold it."),), STREAMED),
    Scenario("tools", tools, (Call("price", {"symbol": "AAPL"}), Text("BUY")), twice(ONE)),
    Scenario("async", async_chat, wanted=ASYNC),
    Scenario("anthropic", anthropic, wanted=CLAUDE),
    Scenario("429", chat, (Refusal(429),), failed("RateLimitError", "RateLimitError")),
    Scenario("503", chat, (Refusal(503),), failed("ServiceUnavailableError", "InternalServerError")),
    Scenario("empty answer", chat, (Text(""),), ONE),
]
ENTRIES = ("litellm:completion", "litellm:acompletion")
WAYS = {
    "entry": lambda: [instrument(*ENTRIES)],
    "providers": lambda: [instrument_providers("litellm", "openai")],
    "both": lambda: [instrument(*ENTRIES), instrument_providers("litellm", "openai")],
}


def test_undone_every_class_and_function_is_as_it_was(server: LlmServer) -> None:
    check_undo(SCENARIOS, server, WAYS, "litellm", "openai")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_the_program_sees_no_difference_and_every_call_is_observed(
    server: LlmServer, scenario: Scenario, way: str
) -> None:
    check(scenario, server, way, WAYS[way])
