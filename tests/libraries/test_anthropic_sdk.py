"""Anthropic's client, alone and attached to: the program sees no difference, and every call is one observation."""

import asyncio
from typing import Any

import anthropic
import pytest

from agent_trace import instrument, instrument_providers
from agent_trace.testing import recorded
from tests.support.llm_server import USAGE, Call, LlmServer, Refusal, Text
from tests.support.side_by_side import Scenario, check, check_undo, twice

MODEL = "claude-sonnet-4-5"
ASKED: Any = {"model": MODEL, "max_tokens": 64, "messages": [{"role": "user", "content": "AAPL?"}]}
SCHEMA: Any = {"type": "object", "properties": {"symbol": {"type": "string"}}}
TOOLS: Any = [{"name": "price", "input_schema": SCHEMA}]


def client(server: LlmServer, kind: Any = anthropic.Anthropic, **options: Any) -> Any:
    return kind(base_url=server.url, api_key="none", **options)


def chat(server: LlmServer) -> Any:
    with client(server) as opened:
        answer = opened.messages.create(**ASKED)
        return answer, answer.content, answer.usage, answer._request_id


def tools(server: LlmServer) -> Any:
    with client(server) as opened:
        asked = opened.messages.create(**ASKED, tools=TOOLS)
        result = {"type": "tool_result", "tool_use_id": asked.content[0].id, "content": "187.4"}
        messages = [
            *ASKED["messages"],
            {"role": "assistant", "content": asked.content},
            {"role": "user", "content": [result]},
        ]
        return asked, opened.messages.create(**{**ASKED, "messages": messages}, tools=TOOLS)


def stream(server: LlmServer) -> Any:
    with client(server) as opened:
        events = opened.messages.create(**ASKED, stream=True)
        return events, *list(events)


def stream_block(server: LlmServer) -> Any:
    with client(server) as opened:
        block = opened.messages.stream(**ASKED)
        with block as events:
            return block, events, "".join(events.text_stream), events.get_final_message()


def async_stream_block(server: LlmServer) -> Any:
    async def work() -> Any:
        async with client(server, anthropic.AsyncAnthropic) as opened:
            block = opened.messages.stream(**ASKED)
            async with block as events:
                return block, events, await events.get_final_message()

    return asyncio.run(work())


def raw(server: LlmServer) -> Any:
    with client(server) as opened:
        response = opened.messages.with_raw_response.create(**ASKED)
        return response.http_response.status_code, response.parse()


def too_slow(server: LlmServer) -> Any:
    with client(server, timeout=0.1, max_retries=0) as opened:
        return opened.messages.create(**ASKED)


def async_chat(server: LlmServer) -> Any:
    async def work() -> Any:
        async with client(server, anthropic.AsyncAnthropic) as opened:
            return await opened.messages.create(**ASKED)

    return asyncio.run(work())


def async_stream(server: LlmServer) -> Any:
    async def work() -> Any:
        async with client(server, anthropic.AsyncAnthropic) as opened:
            return (*[each async for each in await opened.messages.create(**ASKED, stream=True)],)

    return asyncio.run(work())


def calls(ours: str, theirs: str, *, reported: bool = True) -> dict[str, str]:
    """One call as each way sees it. With both, on the same method, what was attached last is above."""
    above, below = (" (25 reported)", " 25 tokens") if reported else (" 25 tokens", "")
    return {
        "entry": ours + below,
        "providers": f"{theirs} 25 tokens",
        "both": f"{theirs}{above}\n  {ours}{below}",
    }


def failed(ours: str, theirs: str, error: str) -> dict[str, str]:
    ours, theirs = f"{ours} ERROR anthropic.{error}", f"{theirs} ERROR anthropic.{error}"
    return {"entry": ours, "providers": theirs, "both": f"{theirs}\n  {ours}"}


OURS, THEIRS = f"generation Messages.create {MODEL}", f"generation messages.create {MODEL}"
ASYNC = f"generation AsyncMessages.create {MODEL}"
ONE = calls(OURS, THEIRS)
UNREAD = calls(OURS, THEIRS, reported=False)
BLOCK = {"entry": "", "providers": f"generation messages.stream {MODEL} 25 tokens"}
SCENARIOS = [
    Scenario("chat", chat, wanted=ONE),
    Scenario("tools", tools, (Call("price", {"symbol": "AAPL"}), Text("BUY")), twice(ONE)),
    Scenario("stream", stream, (Text("Buy it, and hold it."),), UNREAD),
    Scenario(
        "streamed tool",
        async_stream,
        (Call("price", {"symbol": "AAPL"}),),
        calls(ASYNC, THEIRS, reported=False),
    ),
    Scenario(
        "stream block", stream_block, (Text("Buy it, and hold it."),), {**BLOCK, "both": BLOCK["providers"]}
    ),
    Scenario("async stream block", async_stream_block, wanted={**BLOCK, "both": BLOCK["providers"]}),
    Scenario("raw response", raw, wanted=UNREAD),
    Scenario("429 once", chat, (Refusal(429),), ONE),
    Scenario("503 once", chat, (Refusal(503),), ONE),
    Scenario("529 for good", chat, (Refusal(529),) * 3, failed(OURS, THEIRS, "OverloadedError")),
    Scenario("400", chat, (Refusal(400),), failed(OURS, THEIRS, "BadRequestError")),
    Scenario("empty answer", chat, (Text(""),), ONE),
    Scenario("too slow", too_slow, (Text(after_s=0.4),), failed(OURS, THEIRS, "APITimeoutError")),
    Scenario("async", async_chat, wanted=calls(ASYNC, THEIRS)),
    Scenario("async 400", async_chat, (Refusal(400),), failed(ASYNC, THEIRS, "BadRequestError")),
]
ENTRIES = (
    "anthropic.resources.messages:Messages.create",
    "anthropic.resources.messages:AsyncMessages.create",
)
WAYS = {
    "entry": lambda: [instrument(*ENTRIES)],
    "providers": lambda: [instrument_providers("anthropic")],
    "both": lambda: [instrument(*ENTRIES), instrument_providers("anthropic")],
}


def test_undone_every_class_of_the_client_is_as_it_was(server: LlmServer) -> None:
    check_undo(SCENARIOS, server, WAYS, "anthropic")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_the_program_sees_no_difference_and_every_call_is_observed(
    server: LlmServer, scenario: Scenario, way: str
) -> None:
    check(scenario, server, way, WAYS[way])


def test_usage_is_disjoint_and_parameters_and_answer_are_there(server: LlmServer) -> None:
    server.begin()
    with recorded() as sink, instrument_providers("anthropic"):
        chat(server)
    found = sink.one()
    assert (found.usage, found.model_parameters, found.finish_reason) == (
        USAGE,
        {"max_tokens": 64},
        "end_turn",
    )
    assert found.input["messages"] == ASKED["messages"]
    assert "HOLD" in str(found.output)
