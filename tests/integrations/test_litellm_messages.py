"""Real LiteLLM asked in Anthropic's form: plain dicts and streams of bytes are written before the program goes on."""

import asyncio
import json
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from agent_trace import ObservabilityContext, instrument_litellm, uninstrument_litellm
from agent_trace.integrations.litellm_messages import failure_in, whole_answer, whole_message
from agent_trace.testing import Recorded
from tests.support.litellm_calls import ASKED, left_by_killed, wait_for
from tests.support.llm_server import USAGE, Call, LlmServer, Refusal, Text
from tests.support.programs import run_program

litellm: Any = pytest.importorskip("litellm")

COST = 0.0001242
"""Of one answer of the server, by LiteLLM's prices of the model."""


def asked(server: LlmServer, **more: Any) -> dict[str, Any]:
    address = {"api_base": server.url, "api_key": "sk-none"}
    return {"model": "anthropic/claude-sonnet-4-5", "messages": ASKED, "max_tokens": 9, **address, **more}


async def plain(server: LlmServer, **more: Any) -> Any:
    return await litellm.anthropic.messages.acreate(**asked(server, **more))


async def streamed(server: LlmServer, **more: Any) -> Any:
    stream = await litellm.anthropic.messages.acreate(**asked(server, stream=True, **more))
    return b"".join([each async for each in stream])


async def routed(server: LlmServer, **more: Any) -> Any:
    params = {name: value for name, value in asked(server).items() if name not in ("messages", "max_tokens")}
    router = litellm.Router(model_list=[{"model_name": "main", "litellm_params": params}], num_retries=0)
    return await router.aanthropic_messages(model="main", messages=ASKED, max_tokens=9, **more)


WAYS = [plain, streamed, routed]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_when_a_call_returns_its_observation_is_written(
    observations: Recorded, server: LlmServer, way: Any
) -> None:
    async def work() -> list[Any]:
        await way(server)
        at_once = list(observations)
        await asyncio.sleep(0.3)  # LiteLLM tells of it now
        return at_once

    (found,) = asyncio.run(work())
    assert len(observations) == 1
    assert (found.name, found.type, found.level) == ("litellm.anthropic_messages", "generation", "DEFAULT")
    assert (found.model, found.usage) == ("claude-sonnet-4-5", USAGE)
    assert found.cost == {"total": COST, "currency": "USD", "source": "litellm"}
    assert found.input["messages"] == ASKED
    assert found.output["content"] == [{"type": "text", "text": "HOLD"}]
    assert (found.output["stop_reason"], found.finish_reason) == ("end_turn", "end_turn")


@pytest.mark.parametrize("way", [plain, routed], ids=lambda way: way.__name__)
def test_its_answer_is_the_programs_when_a_thread_tells_of_it_first(
    observations: Recorded, server: LlmServer, told_first: list[Any], way: Any
) -> None:
    """Callbacks are told a translation."""

    async def work() -> tuple[int, int]:
        await way(server)
        return len(told_first), len(observations)

    assert asyncio.run(work()) == (1, 1)
    (found,) = observations
    assert found.output["content"] == [{"type": "text", "text": "HOLD"}]
    assert (found.usage, found.cost["total"], found.finish_reason) == (USAGE, COST, "end_turn")


def test_what_the_program_gets_is_what_it_gets_without_us(server: LlmServer) -> None:
    def both() -> list[Any]:
        server.begin()
        return [asyncio.run(plain(server)), asyncio.run(streamed(server))]

    without = both()
    instrument_litellm()
    assert both() == without


KILLED = """
import asyncio, os, signal, sys
import litellm
from agent_trace import instrument_litellm
instrument_litellm()
asked = {"model": "anthropic/claude-sonnet-4-5", "messages": [{"role": "user", "content": "AAPL?"}], "max_tokens": 9,
    "api_base": os.environ["SERVER"], "api_key": "sk-none"}
def die(): os.kill(os.getpid(), signal.SIGKILL)
async def plain():
    await litellm.anthropic.messages.acreate(**asked); die()
async def streamed():
    async for _ in await litellm.anthropic.messages.acreate(**asked, stream=True): pass
    die()
"""


@pytest.mark.parametrize("way", ["plain", "streamed"])
def test_a_call_that_has_returned_survives_a_kill(tmp_path: Path, server: LlmServer, way: str) -> None:
    found = left_by_killed(KILLED, f"asyncio.run({way}())", tmp_path, server)
    assert (found.usage, float((found.cost or {})["total"])) == (USAGE, COST)
    assert "HOLD" in str(found.output)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_failed_call_is_an_error(observations: Recorded, server: LlmServer, way: Any) -> None:
    server.plan(Refusal(400))

    async def work() -> int:
        with pytest.raises(Exception, match="400"):
            await way(server)
        return len(observations)

    assert asyncio.run(work()) == 1
    (found,) = observations
    assert (found.level, found.usage) == ("ERROR", None)


def test_a_stream_that_its_reader_leaves_is_not_taken_for_a_whole_one(
    observations: Recorded, server: LlmServer
) -> None:
    async def work() -> None:
        stream = await litellm.anthropic.messages.acreate(**asked(server, stream=True))
        async for _ in stream:
            break
        await stream.aclose()
        await asyncio.sleep(0.1)

    server.plan(Text("HOLD " * 40_000))  # more than comes in one piece
    asyncio.run(work())
    asyncio.run(plain(server))  # LiteLLM itself holds on to the last call
    left, whole = wait_for(observations, 2)
    assert (left.level, left.usage) == ("WARNING", None)
    assert (whole.level, whole.usage) == ("DEFAULT", USAGE)


def test_an_error_in_the_middle_of_a_stream_is_the_calls(observations: Recorded, server: LlmServer) -> None:
    server.plan(Text(fails=True))

    async def work() -> tuple[bytes, int]:
        return await streamed(server), len(observations)

    got, written = asyncio.run(work())
    assert (b"overloaded_error" in got, written) == (True, 1)
    (found,) = observations
    assert (found.level, found.usage) == ("ERROR", None)
    assert found.error is not None and found.error["message"] == "overloaded_error: Overloaded"


def test_the_tools_that_a_stream_asks_for_are_in_its_answer(
    observations: Recorded, server: LlmServer
) -> None:
    server.plan(Call("price", {"symbol": "AAPL", "days": [1, 2]}))
    asyncio.run(
        streamed(server, tools=[{"name": "price", "input_schema": {"type": "object"}}], system="Be brief.")
    )
    (found,) = observations
    (use,) = found.output["content"]
    assert (use["type"], use["name"], use["input"]) == (
        "tool_use",
        "price",
        {"symbol": "AAPL", "days": [1, 2]},
    )
    assert (found.input["system"], found.input["tools"][0]["name"]) == ("Be brief.", "price")


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_call_belongs_to_whom_litellms_metadata_names(
    observations: Recorded, server: LlmServer, way: Any
) -> None:
    """`metadata` is a parameter of Anthropic's own here, so that LiteLLM has another name for it."""
    given = {"tenant_id": "of-the-call", "agent_id": "analyst", "run": 7, "tags": ["night"]}
    with ObservabilityContext.scope(tenant_id="of-the-context", session_id="s1"):
        asyncio.run(way(server, metadata={"user_id": "u1"}, litellm_metadata=given))
    (found,) = observations
    assert (found.tenant_id, found.agent_id, found.session_id) == ("of-the-call", "analyst", "s1")
    assert (found.user_id, found.metadata["run"], found.tags) == ("u1", 7, ["night"])


def test_where_anthropics_form_is_translated_there_is_one_observation(
    observations: Recorded, server: LlmServer
) -> None:
    for more in ({}, {"stream": True}):
        given = asked(server, model="together_ai/desk/model", api_base=server.openai_url, **more)

        async def work(given: dict[str, Any] = given) -> None:
            answer = await litellm.anthropic.messages.acreate(**given)
            if hasattr(answer, "__anext__"):
                assert [each async for each in answer]

        asyncio.run(work())
    time.sleep(0.2)
    assert [each.usage for each in observations] == [USAGE, USAGE]


# ---- streams by themselves


def as_stream(*events: dict[str, Any]) -> bytes:
    return b"".join(f"event: {each['type']}\ndata: {json.dumps(each)}\n\n".encode() for each in events)


BEGUN = {
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [],
    "usage": {"input_tokens": 9},
}
STREAM = as_stream(
    {"type": "message_start", "message": BEGUN},
    {"type": "ping"},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Hm – ☃"}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "abc"}},
    {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "HO"}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "LD"}},
    {"type": "content_block_delta", "index": 9, "delta": {"type": "text_delta", "text": "of no block"}},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn"},
        "usage": {"output_tokens": 5, "input_tokens": None},
    },
    {"type": "message_stop"},
)


def test_a_message_is_the_same_wherever_its_stream_is_cut() -> None:
    whole = whole_message([STREAM])
    assert whole is not None
    assert whole["content"] == [
        {"type": "thinking", "thinking": "Hm – ☃", "signature": "abc"},
        {"type": "text", "text": "HOLD"},
    ]
    assert (whole["usage"], whole["stop_reason"]) == ({"input_tokens": 9, "output_tokens": 5}, "end_turn")
    for size in (1, 2, 3, 7, 64):
        assert whole_message([STREAM[at : at + size] for at in range(0, len(STREAM), size)]) == whole


@pytest.mark.parametrize("content", [b"", b"data:", b"data: {", b"\xff\xfe", STREAM[:-40], STREAM[200:]])
def test_what_is_no_whole_message_is_none(content: bytes) -> None:
    assert whole_message([content]) is None


def test_a_stream_in_openais_form_is_an_answer_with_the_tokens_that_it_reports_and_no_others() -> None:
    made = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o"}
    deltas = [{"role": "assistant", "content": "HO"}, {"content": "LD"}]
    chunks = [{**made, "choices": [{"index": 0, "delta": each, "finish_reason": None}]} for each in deltas]
    usage = {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25}
    told = [json.dumps(each).encode() for each in [*chunks, {**made, "choices": [], "usage": usage}]]
    whole = whole_answer([b"data: " + each + b"\n\n" for each in told])
    assert whole is not None
    assert (whole["choices"][0]["message"]["content"], whole["usage"]["prompt_tokens"]) == ("HOLD", 20)
    silent = whole_answer([b"data: " + each + b"\n\n" for each in told[:-1]])
    assert silent is not None and "usage" not in silent
    ended = {"type": "response.completed", "response": {"object": "response", "usage": usage}}
    assert whole_answer([b"data: ", json.dumps(ended).encode()]) == ended["response"]
    assert whole_answer([b"data: [DONE]\n\n", b'data: {"candidates": []}']) is None


def test_an_error_is_only_what_the_server_says_is_one() -> None:
    error = {"type": "error", "error": {"type": "api_error", "message": "out of order"}}
    failure = failure_in([STREAM[:300], b"\n\n", as_stream(error)])
    assert str(failure) == "api_error: out of order"
    said = {"type": "text_delta", "text": '{"type": "error"}'}
    stream = as_stream({"type": "content_block_delta", "index": 0, "delta": said})
    assert failure_in([STREAM]) is failure_in([stream]) is failure_in([b"data: error"]) is None


def test_arguments_that_were_cut_off_stay_text() -> None:
    block = {"type": "tool_use", "id": "t1", "name": "price", "input": {}}
    half = {"type": "input_json_delta", "partial_json": '{"symbol": "AA'}
    stream = as_stream(
        {"type": "message_start", "message": BEGUN},
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": half},
        {"type": "message_stop"},
    )
    whole = whole_message([stream])
    assert whole is not None and whole["content"] == [{**block, "input": '{"symbol": "AA'}]


def test_streams_are_watched_though_litellm_imports_their_module_later_and_not_after_undoing(
    tmp_path: Path,
) -> None:
    program = """
    import sys
    from agent_trace import uninstrument_litellm
    name = "litellm.proxy.pass_through_endpoints.streaming_handler"
    assert name not in sys.modules, "LiteLLM imports it at once"
    def found():
        return type(vars(sys.modules[name].PassThroughStreamingHandler)["_route_streaming_logging_to_handler"]).__name__
    uninstrument_litellm()
    instrument_litellm()
    __import__(name)
    print(found())
    uninstrument_litellm()
    print(found())
    instrument_litellm()
    print(found())
    """
    variables = {"SERVER": "", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "AGENT_TRACE_QUIET": "1"}
    done = run_program(KILLED, program, tmp_path, **variables)
    assert done.stdout.split() == ["FunctionWrapper", "staticmethod", "FunctionWrapper"], done.stderr


def test_undone_streams_are_litellms_own() -> None:
    handler = import_module(
        "litellm.proxy.pass_through_endpoints.streaming_handler"
    ).PassThroughStreamingHandler
    before = dict(vars(handler))

    def changed() -> list[str]:
        return [name for name, found in vars(handler).items() if found is not before[name]]

    instrument_litellm()
    assert [name.lstrip("_") for name in changed()][:1] == ["route_streaming_logging_to_handler"]
    uninstrument_litellm()
    assert changed() == []
