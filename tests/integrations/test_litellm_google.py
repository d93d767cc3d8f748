"""Real LiteLLM asked in Google's form: recorded as the program gets it and at LiteLLM's price, whoever tells of it first."""

import asyncio
import inspect
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent_trace import instrument_litellm
from agent_trace.integrations.litellm_google import whole_generated
from agent_trace.testing import Recorded
from tests.support.litellm_calls import left_by_killed, wait_for
from tests.support.llm_server import USAGE, LlmServer, Refusal

litellm: Any = pytest.importorskip("litellm")

COST = 0.00001742
"""Of one answer of the server, by LiteLLM's prices of the model."""
MODEL = "gemini/gemini-2.5-flash"
CONTENTS = [{"role": "user", "parts": [{"text": "AAPL?"}]}]


def asked(server: LlmServer, **more: Any) -> dict[str, Any]:
    address = {"api_base": server.url, "api_key": "sk-none"}
    return {"model": MODEL, "contents": CONTENTS, **address, **more}


def router_of(server: LlmServer) -> Any:
    params = {name: value for name, value in asked(server).items() if name != "contents"}
    return litellm.Router(model_list=[{"model_name": "main", "litellm_params": params}], num_retries=0)


def plain(server: LlmServer) -> Any:
    return litellm.google_genai.generate_content(**asked(server))


def streamed(server: LlmServer) -> Any:
    return b"".join(litellm.google_genai.generate_content_stream(**asked(server)))


def routed(server: LlmServer) -> Any:
    return router_of(server).generate_content(model="main", contents=CONTENTS)


async def async_plain(server: LlmServer) -> Any:
    return await litellm.google_genai.agenerate_content(**asked(server))


async def async_streamed(server: LlmServer) -> Any:
    stream = await litellm.google_genai.agenerate_content_stream(**asked(server))
    return b"".join([each async for each in stream])


async def async_routed(server: LlmServer) -> Any:
    return await router_of(server).agenerate_content(model="main", contents=CONTENTS)


WHOLE = [plain, routed, async_plain, async_routed]
STREAMED = [streamed, async_streamed]


def run(way: Callable[[LlmServer], Any], server: LlmServer, then: Callable[[], Any] = lambda: None) -> Any:
    """Make a call, and do something as soon as it has returned, before its loop goes on."""

    async def whole() -> tuple[Any, Any]:
        got = await way(server)
        at_once = then()
        await asyncio.sleep(0.2)  # LiteLLM tells of it now
        return got, at_once

    if inspect.iscoroutinefunction(way):
        return asyncio.run(whole())
    got, at_once = way(server), then()
    time.sleep(0.2)
    return got, at_once


def is_as_answered(found: Any) -> None:
    assert (found.type, found.level, found.model) == ("generation", "DEFAULT", "gemini-2.5-flash")
    assert found.input == {"messages": CONTENTS}
    (candidate,) = found.output["candidates"]
    assert candidate["content"] == {"role": "model", "parts": [{"text": "HOLD"}]}
    assert "choices" not in found.output and found.output["usageMetadata"]["totalTokenCount"] == 25
    assert (found.usage, found.finish_reason) == (USAGE, "STOP")
    assert found.cost == {"total": COST, "currency": "USD", "source": "litellm"}


@pytest.mark.parametrize("way", [*WHOLE, *STREAMED], ids=lambda way: way.__name__)
def test_when_a_call_returns_its_observation_is_written(
    observations: Recorded, server: LlmServer, way: Any
) -> None:
    _, (found,) = run(way, server, lambda: list(observations))
    is_as_answered(found)
    operation = "generate_content_stream" if way in STREAMED else "generate_content"
    assert (len(observations), found.name) == (1, f"litellm.{operation}")


@pytest.mark.parametrize("way", [*WHOLE, async_streamed], ids=lambda way: way.__name__)
def test_its_answer_is_the_programs_when_a_thread_tells_of_it_first(
    observations: Recorded, server: LlmServer, told_first: list[Any], way: Any
) -> None:
    _, written = run(way, server, lambda: len(observations))
    (found,) = observations
    is_as_answered(found)
    assert (written, len(told_first)) == (1, 1)


def test_what_the_program_gets_is_what_it_gets_without_us(server: LlmServer) -> None:
    def all_of_them() -> list[Any]:
        server.begin()
        got = [run(way, server)[0] for way in (*WHOLE, *STREAMED)]
        return [each if isinstance(each, bytes) else each.model_dump() for each in got]

    without = all_of_them()
    instrument_litellm()
    assert all_of_them() == without


@pytest.mark.parametrize("way", [*WHOLE, *STREAMED], ids=lambda way: way.__name__)
def test_a_model_without_a_price_costs_an_unknown_amount_and_not_nothing(
    observations: Recorded, server: LlmServer, monkeypatch: pytest.MonkeyPatch, way: Any
) -> None:
    monkeypatch.setattr(f"{__name__}.MODEL", "gemini/nobodys-model")
    run(way, server)
    (found,) = observations
    assert (found.usage, found.cost) == (USAGE, None)


@pytest.mark.parametrize("way", [*WHOLE, *STREAMED], ids=lambda way: way.__name__)
def test_a_failed_call_is_an_error(observations: Recorded, server: LlmServer, way: Any) -> None:
    server.plan(Refusal(400))
    with pytest.raises(Exception, match="400"):
        run(way, server)
    (found,) = wait_for(observations, 1)
    assert (found.level, found.usage) == ("ERROR", None)


@pytest.mark.parametrize("is_async", [False, True])
def test_where_googles_form_is_translated_there_is_one_observation(
    observations: Recorded, server: LlmServer, told_first: list[Any], is_async: bool
) -> None:
    given = asked(server, model="openai/gpt-4o", api_base=server.openai_url)
    if is_async:
        asyncio.run(litellm.google_genai.agenerate_content(**given))
    else:
        litellm.google_genai.generate_content(**given)
    time.sleep(0.2)
    assert [(each.model, each.usage) for each in observations] == [("gpt-4o", USAGE)]


KILLED = f"""
import asyncio, os, signal
import litellm
from agent_trace import instrument_litellm
instrument_litellm()
asked = {{"model": "gemini/gemini-2.5-flash", "contents": {CONTENTS!r}, "api_base": os.environ["SERVER"], "api_key": "k"}}
def die(): os.kill(os.getpid(), signal.SIGKILL)
async def whole():
    await litellm.google_genai.agenerate_content(**asked); die()
async def streamed():
    async for _ in await litellm.google_genai.agenerate_content_stream(**asked): pass
    die()
"""


@pytest.mark.parametrize("way", ["whole", "streamed"])
def test_a_call_that_has_returned_survives_a_kill(tmp_path: Path, server: LlmServer, way: str) -> None:
    found = left_by_killed(KILLED, f"asyncio.run({way}())", tmp_path, server)
    assert (found.usage, float((found.cost or {})["total"])) == (USAGE, COST)
    assert "HOLD" in str(found.output)


def test_the_first_stream_is_watched_though_litellm_imports_its_module_with_it(
    tmp_path: Path, server: LlmServer
) -> None:
    program = """
    import sys
    assert "litellm.google_genai.streaming_iterator" not in sys.modules, "LiteLLM imports it at once"
    for _ in litellm.google_genai.generate_content_stream(**asked): pass
    die()
    """
    found = left_by_killed(KILLED, program, tmp_path, server)
    assert (found.usage, found.level) == (USAGE, "DEFAULT")


# ---- streams by themselves


def piece(*parts: dict[str, Any], index: int = 0, **more: Any) -> bytes:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "index": index, **more}
    return (
        b"data: " + json.dumps({"candidates": [candidate], "modelVersion": "gemini"}).encode() + b"\r\n\r\n"
    )


def test_an_answer_is_the_same_wherever_its_stream_is_cut() -> None:
    called = {"functionCall": {"name": "price", "args": {"symbol": "AAPL"}}, "thoughtSignature": "abc"}
    stream = b"".join(
        [
            piece({"text": "H", "thought": True}),
            piece({"text": "m – ☃", "thought": True}, {"text": "HO"}),
            piece({"text": "LD"}),
            piece({"text": "SELL"}, index=1, finishReason="MAX_TOKENS"),
            piece(called, {"text": "!"}, finishReason="STOP"),
            b'data: {"usageMetadata": {"promptTokenCount": 9}}\n\n',
        ]
    )
    whole = whole_generated([stream])
    assert whole is not None
    first, second = whole["candidates"]
    assert first["content"]["parts"] == [
        {"text": "Hm – ☃", "thought": True},
        {"text": "HOLD"},
        called,
        {"text": "!"},
    ]
    assert (first["finishReason"], second["finishReason"]) == ("STOP", "MAX_TOKENS")
    assert second["content"]["parts"] == [{"text": "SELL"}]
    assert (whole["usageMetadata"], whole["modelVersion"]) == ({"promptTokenCount": 9}, "gemini")
    for size in (1, 7, 64):
        assert whole_generated([stream[at : at + size] for at in range(0, len(stream), size)]) == whole


@pytest.mark.parametrize(
    "content", [b"", b"data: {", piece({"text": "HO"}), b'data: {"error": {"code": 503}}']
)
def test_what_is_no_whole_answer_is_none(content: bytes) -> None:
    assert whole_generated([content]) is None


def test_a_prompt_that_is_blocked_is_answered_without_a_candidate() -> None:
    blocked = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 9}}
    assert whole_generated([b"data: " + json.dumps(blocked).encode()]) == blocked
