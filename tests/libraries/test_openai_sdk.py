"""OpenAI's client, alone and attached to: the program sees no difference, and every call is one observation."""

import asyncio
from typing import Any

import openai
import pytest

from agent_trace import instrument, instrument_providers, observe_llm
from agent_trace.testing import recorded
from tests.support.llm_server import USAGE, Call, LlmServer, Refusal, Text
from tests.support.side_by_side import Scenario, check, check_undo, twice

PROMPT: Any = [{"role": "user", "content": "AAPL?"}]
PRICE: Any = {"name": "price", "parameters": {"type": "object", "properties": {"symbol": {"type": "string"}}}}
TOOLS: Any = [{"type": "function", "function": PRICE}]
STREAM: Any = {"stream": True, "stream_options": {"include_usage": True}}


def client(server: LlmServer, kind: Any = openai.OpenAI, **options: Any) -> Any:
    return kind(base_url=server.openai_url, api_key="none", **options)


def ask(server: LlmServer, **options: Any) -> Any:
    with client(server) as opened:
        return opened.chat.completions.create(model="gpt-4o", messages=PROMPT, temperature=0.2, **options)


def chat(server: LlmServer) -> Any:
    answer = ask(server)
    return answer, answer.choices[0].message.content, answer.usage, answer._request_id


def stream(server: LlmServer) -> Any:
    with client(server) as opened:
        chunks = opened.chat.completions.create(model="gpt-4o", messages=PROMPT, **STREAM)
        return chunks, *list(chunks)


def stream_left_early(server: LlmServer) -> Any:
    with client(server) as opened:
        with opened.chat.completions.create(model="gpt-4o", messages=PROMPT, **STREAM) as chunks:
            return next(iter(chunks))


def tools(server: LlmServer) -> Any:
    asked = ask(server, tools=TOOLS)
    message = asked.choices[0].message
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "187.4"}
    with client(server) as opened:
        messages = [*PROMPT, message, result]
        return asked, opened.chat.completions.create(model="gpt-4o", messages=messages, tools=TOOLS)


def streamed_tool(server: LlmServer) -> Any:
    with client(server) as opened:
        return (*opened.chat.completions.create(model="gpt-4o", messages=PROMPT, tools=TOOLS, **STREAM),)


def raw(server: LlmServer) -> Any:
    with client(server) as opened:
        response = opened.chat.completions.with_raw_response.create(model="gpt-4o", messages=PROMPT)
        return response.http_response.status_code, response.parse()


def embeddings(server: LlmServer) -> Any:
    with client(server) as opened:
        made = opened.embeddings.create(
            model="text-embedding-3-small", input=["a", "b"], encoding_format="float"
        )
        return made, made.data[0].embedding


def too_slow(server: LlmServer) -> Any:
    with client(server, timeout=0.1, max_retries=0) as opened:
        return opened.chat.completions.create(model="gpt-4o", messages=PROMPT)


def async_chat(server: LlmServer) -> Any:
    async def work() -> Any:
        async with client(server, openai.AsyncOpenAI) as opened:
            return await opened.chat.completions.create(model="gpt-4o", messages=PROMPT)

    return asyncio.run(work())


def async_stream(server: LlmServer) -> Any:
    async def work() -> Any:
        async with client(server, openai.AsyncOpenAI) as opened:
            chunks = await opened.chat.completions.create(model="gpt-4o", messages=PROMPT, **STREAM)
            return chunks, *[each async for each in chunks]

    return asyncio.run(work())


def calls(ours: str, theirs: str, *, reported: bool = True) -> dict[str, str]:
    """One call as each way sees it. With both, the client's is below ours and has the tokens."""
    tokens = " 25 tokens"
    return {
        "entry": ours + (tokens if reported else ""),
        "providers": theirs + tokens,
        "both": f"{ours}{' (25 reported)' if reported else ''}\n  {theirs}{tokens}",
    }


def failed(ours: str, theirs: str, error: str) -> dict[str, str]:
    ours, theirs = f"{ours} ERROR openai.{error}", f"{theirs} ERROR openai.{error}"
    return {"entry": ours, "providers": theirs, "both": f"{ours}\n  {theirs}"}


OURS, THEIRS = "generation Completions.create gpt-4o", "generation ChatCompletion gpt-4o"
ASYNC = "generation AsyncCompletions.create gpt-4o"
ONE = calls(OURS, THEIRS)
# The client's own stream is handed on as it is, and so is a raw response: only the client knows what is in it.
UNREAD = calls(OURS, THEIRS, reported=False)
LEFT = {way: each.replace(" 25 tokens", "") for way, each in UNREAD.items()}
EMBEDDED = {
    way: each.replace("25", "20").replace("gpt-4o", "text-embedding-3-small")
    for way, each in calls("embedding Embeddings.create gpt-4o", "embedding CreateEmbeddings gpt-4o").items()
}
SCENARIOS = [
    Scenario("chat", chat, wanted=ONE),
    Scenario("stream", stream, (Text("Buy it, and hold it."),), UNREAD),
    Scenario("stream left early", stream_left_early, (Text("Buy it."),), LEFT),
    Scenario("tools", tools, (Call("price", {"symbol": "AAPL"}), Text("BUY")), twice(ONE)),
    Scenario("streamed tool", streamed_tool, (Call("price", {"symbol": "AAPL"}),), UNREAD),
    Scenario("raw response", raw, wanted=UNREAD),
    Scenario("embeddings", embeddings, wanted=EMBEDDED),
    Scenario("429 once", chat, (Refusal(429),), ONE),
    Scenario("503 once", chat, (Refusal(503),), ONE),
    Scenario("503 for good", chat, (Refusal(503),) * 3, failed(OURS, THEIRS, "InternalServerError")),
    Scenario("400", chat, (Refusal(400),), failed(OURS, THEIRS, "BadRequestError")),
    Scenario("empty answer", chat, (Text(""),), ONE),
    Scenario("too slow", too_slow, (Text(after_s=0.4),), failed(OURS, THEIRS, "APITimeoutError")),
    Scenario("async", async_chat, wanted=calls(ASYNC, THEIRS)),
    Scenario("async stream", async_stream, wanted=calls(ASYNC, THEIRS, reported=False)),
    Scenario("async 400", async_chat, (Refusal(400),), failed(ASYNC, THEIRS, "BadRequestError")),
]
ENTRIES = (
    "openai.resources.chat.completions:Completions.create",
    "openai.resources.chat.completions:AsyncCompletions.create",
    "openai.resources.embeddings:Embeddings.create=embedding",
)
WAYS = {
    "entry": lambda: [instrument(*ENTRIES)],
    "providers": lambda: [instrument_providers("openai")],
    "both": lambda: [instrument(*ENTRIES), instrument_providers("openai")],
}


def test_undone_every_class_of_the_client_is_as_it_was(server: LlmServer) -> None:
    check_undo(SCENARIOS, server, WAYS, "openai")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_the_program_sees_no_difference_and_every_call_is_observed(
    server: LlmServer, scenario: Scenario, way: str
) -> None:
    check(scenario, server, way, WAYS[way])


def test_calls_at_once_keep_to_their_own_parents_and_have_model_usage_and_answer(server: LlmServer) -> None:
    @observe_llm(as_type="agent")
    async def member(number: int, opened: openai.AsyncOpenAI) -> None:
        messages: Any = [{"role": "user", "content": f"member {number}"}]
        await opened.chat.completions.create(model="gpt-4o", messages=messages, max_tokens=9)

    async def vote() -> None:
        async with client(server, openai.AsyncOpenAI) as opened:
            await asyncio.gather(*(member(number, opened) for number in range(4)))

    server.begin()
    with recorded() as sink, instrument(*ENTRIES), instrument_providers("openai"):
        asyncio.run(vote())
    known = {each.id: each for each in sink}
    below = [each for each in sink if each.name == "ChatCompletion"]
    assert len(below) == 4 and len(known) == 12
    for each in below:
        above = known[str(each.parent_id)]
        top = known[str(above.parent_id)]
        assert each.input["messages"][0]["content"] == f"member {top.input['number']}"
        assert above.input["messages"] == each.input["messages"]
        assert (each.usage, above.reported_usage, above.usage) == (USAGE, USAGE, None)
        assert each.model_parameters == above.model_parameters == {"max_tokens": 9}
        assert each.output["choices"][0]["message"]["content"] == "HOLD"
