"""Streams of the clients with their instrumentors on: the clients' own objects, and observations however a program leaves them."""

import asyncio
import gc
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import anthropic
import litellm
import openai
import pytest

from agent_trace import Store, instrument_providers, uninstrument
from agent_trace.instrumentation import problems, proxies
from agent_trace.observation import Observation
from agent_trace.recording import guard
from agent_trace.testing import Recorded, recorded
from tests.support.llm_server import USAGE, LlmServer, Text
from tests.support.side_by_side import in_one_loop

PROMPT: Any = [{"role": "user", "content": "AAPL?"}]
OPENAI: Any = {
    "model": "gpt-4o",
    "messages": PROMPT,
    "stream": True,
    "stream_options": {"include_usage": True},
}
ANTHROPIC: Any = {"model": "claude-sonnet-4-5", "messages": PROMPT, "stream": True, "max_tokens": 64}
WORDS = "Buy it, and hold it."
AT_EXIT = """
import sys, openai
from agent_trace import instrument_providers
instrument_providers("openai")
client = openai.OpenAI(base_url=sys.argv[1], api_key="none")
stream = client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "AAPL?"}], stream=True)
next(stream), next(stream)
"""


def from_openai(server: LlmServer) -> Any:
    return openai.OpenAI(base_url=server.openai_url, api_key="none").chat.completions.create(**OPENAI)


def from_anthropic(server: LlmServer) -> Any:
    return anthropic.Anthropic(base_url=server.url, api_key="none").messages.create(**ANTHROPIC)


def litellm_asked(server: LlmServer) -> dict[str, Any]:
    return {
        **OPENAI,
        "model": "openai/gpt-4o",
        "api_base": server.openai_url,
        "api_key": "none",
        "max_retries": 0,
    }


def from_litellm(server: LlmServer) -> Any:
    return litellm.completion(**litellm_asked(server))


async def async_from_openai(server: LlmServer) -> Any:
    return await openai.AsyncOpenAI(base_url=server.openai_url, api_key="none").chat.completions.create(
        **OPENAI
    )


async def async_from_anthropic(server: LlmServer) -> Any:
    return await anthropic.AsyncAnthropic(base_url=server.url, api_key="none").messages.create(**ANTHROPIC)


async def async_from_litellm(server: LlmServer) -> Any:
    return await litellm.acompletion(**litellm_asked(server))


CLIENTS: Any = {"openai": from_openai, "anthropic": from_anthropic}
MADE: Any = {**CLIENTS, "litellm": from_litellm}
ASYNC_CLIENTS: Any = {"openai": async_from_openai, "anthropic": async_from_anthropic}
ASYNC_MADE: Any = {**ASYNC_CLIENTS, "litellm": async_from_litellm}
KINDS = (openai.Stream, anthropic.Stream)
OWN = {
    "openai": (openai.Stream, openai.AsyncStream),
    "anthropic": (anthropic.Stream, anthropic.AsyncStream),
    "litellm": (litellm.CustomStreamWrapper, litellm.CustomStreamWrapper),
}


NAMES = ("openai", "anthropic", "litellm")


@pytest.fixture(scope="module", autouse=True)
def instrumentors() -> Iterator[None]:
    """Switched on once: that takes a second."""
    with instrument_providers(*NAMES):
        yield
    uninstrument()


@contextmanager
def taken_back() -> Iterator[None]:
    """All of them off for this block."""
    uninstrument()
    yield
    instrument_providers(*NAMES)


@pytest.fixture(autouse=True)
def sink(server: LlmServer) -> Iterator[Recorded]:
    """What is recorded. Nothing of ours may fail at it."""
    server.begin()
    server.plan(*(Text(WORDS),) * 3)
    litellm.error_logs.clear()  # where it keeps its last stream
    gc.collect()
    failures = dict(guard.failures)
    with recorded() as sink:
        yield sink
    assert guard.failures == failures
    assert [each for each in problems() if "in a proxy" in each] == []


def top(sink: Recorded) -> Observation:
    """The observation of the call that the program made."""
    (found,) = [each for each in sink if each.parent_id is None]
    return found


def is_whole(found: Observation) -> bool:
    tokens = found.usage or found.reported_usage
    return (WORDS in str(found.output), tokens, found.level) == (True, USAGE, "DEFAULT") and (
        found.finish_reason in ("stop", "end_turn")
    )


READINGS: dict[str, Callable[[Any], Any]] = {
    "list": list,
    "next": lambda stream: [*iter(lambda: next(stream, None), None)],
    "first, then the rest": lambda stream: [next(iter(stream)), *stream],
    "for twice": lambda stream: [*islice(stream, 3), *stream, *stream],
}


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("name", MADE)
def test_a_stream_is_the_clients_own_and_recorded_however_it_is_read(
    server: LlmServer, sink: Recorded, name: str, reading: str
) -> None:
    stream = MADE[name](server)
    assert type(stream) is OWN[name][0] is stream.__class__
    items = READINGS[reading](stream)
    assert len(items) > 5 and is_whole(top(sink))
    assert name != "openai" or top(sink).first_token_ns


@pytest.mark.parametrize("name", ASYNC_MADE)
def test_an_async_stream_is_the_clients_own_and_recorded(
    server: LlmServer, sink: Recorded, name: str
) -> None:
    async def work() -> Any:
        stream = await ASYNC_MADE[name](server)
        assert type(stream) is OWN[name][1] is stream.__class__
        return [await stream.__anext__(), *[item async for item in stream]]

    assert len(in_one_loop(work())) > 5 and is_whole(top(sink))


def closed(stream: Any) -> None:
    next(stream)
    stream.close()


def left_by_its_block(stream: Any) -> None:
    with stream as entered:
        assert entered is stream
        next(stream)


def broken_off(stream: Any) -> None:
    for _ in stream:
        break


def dropped(stream: Any) -> None:
    next(stream)


@pytest.mark.parametrize("leave", [closed, left_by_its_block, broken_off, dropped])
@pytest.mark.parametrize("name", CLIENTS)
def test_a_stream_that_is_left_early_is_recorded_at_once(
    server: LlmServer, sink: Recorded, name: str, leave: Any
) -> None:
    gc.disable()
    try:
        leave(CLIENTS[name](server))
        found = top(sink)
    finally:
        gc.enable()
    assert (found.level, found.error, found.finish_reason) == ("DEFAULT", None, None)
    assert found.output and WORDS not in str(found.output)


@pytest.mark.parametrize("name", CLIENTS)
def test_an_error_in_its_block_is_that_of_the_stream(server: LlmServer, sink: Recorded, name: str) -> None:
    error = ValueError("not this")
    with pytest.raises(ValueError) as raised, CLIENTS[name](server) as stream:
        next(stream)
        raise error
    assert raised.value is error and top(sink).error["message"] == "not this"  # type: ignore[index]


@pytest.mark.parametrize("name", CLIENTS)
def test_an_error_out_of_the_loop_leaves_the_stream(server: LlmServer, sink: Recorded, name: str) -> None:
    with pytest.raises(ZeroDivisionError):
        for _ in CLIENTS[name](server):
            1 / 0
    gc.collect()
    assert top(sink).level == "DEFAULT"


@pytest.mark.parametrize("leave", ["close", "aclose", "block", "dropped"])
@pytest.mark.parametrize("name", ASYNC_MADE)
def test_an_async_stream_that_is_left_early_is_recorded(
    server: LlmServer, sink: Recorded, name: str, leave: str
) -> None:
    async def work() -> None:
        stream = await ASYNC_MADE[name](server)
        if leave == "block" and hasattr(stream, "__aenter__"):
            async with stream:
                await stream.__anext__()
            return
        async for _ in stream:
            break
        if hasattr(stream, leave):
            await getattr(stream, leave)()

    in_one_loop(work())
    litellm.error_logs.clear()  # where it keeps its last stream
    gc.collect()
    in_one_loop(asyncio.sleep(0))
    assert top(sink).level == "DEFAULT" and WORDS not in str(top(sink).output)


def test_a_stream_of_litellm_is_recorded_when_litellm_has_dropped_it_too(
    server: LlmServer, sink: Recorded
) -> None:
    broken_off(from_litellm(server))
    list(from_litellm(server))
    gc.collect()
    assert [each.output for each in sink if each.parent_id is None and WORDS not in str(each.output)] == [
        "Buy "
    ]


class Breaks:
    """A body that fails in the middle, or waits there."""

    def __init__(self, head: list[dict[str, Any]], error: Exception | None) -> None:
        self.head = b"".join(
            f"event: {each.get('type', 'message')}\ndata: {json.dumps(each)}\n\n".encode() for each in head
        )
        self.error = error

    def client(self, kind: Any) -> Any:
        httpx = sys.modules[kind.__mro__[1].__init__.__globals__["httpx2"].__name__]
        outer = self

        class Body(httpx.AsyncByteStream, httpx.SyncByteStream):  # type: ignore[misc, name-defined]
            def __iter__(self) -> Iterator[bytes]:
                yield outer.head
                if outer.error:
                    raise outer.error

            async def __aiter__(self) -> AsyncIterator[bytes]:
                yield outer.head
                await asyncio.sleep(9)

        def answer(_: Any) -> Any:
            return httpx.Response(200, stream=Body(), headers={"content-type": "text/event-stream"})

        carrier = httpx.AsyncClient if "Async" in kind.__name__ else httpx.Client
        return kind(api_key="none", http_client=carrier(transport=httpx.MockTransport(answer)))


CHUNK: Any = {
    "id": "1",
    "object": "chat.completion.chunk",
    "created": 1,
    "model": "gpt-4o",
    "choices": [{"index": 0, "delta": {"role": "assistant", "content": "Buy"}, "finish_reason": None}],
}


def test_an_error_in_the_middle_is_the_programs_and_the_observations(sink: Recorded) -> None:
    error = RuntimeError("the line is dead")
    opened = Breaks([CHUNK], error).client(openai.OpenAI)
    with pytest.raises(RuntimeError) as raised:
        list(opened.chat.completions.create(**OPENAI))
    assert raised.value is error
    found = top(sink)
    assert (found.level, found.error["message"]) == ("ERROR", "the line is dead")  # type: ignore[index]
    assert "Buy" in str(found.output)


@pytest.mark.parametrize("by", ["next", "for"])
def test_a_stream_that_is_cancelled_while_it_waits_is_recorded(sink: Recorded, by: str) -> None:
    async def work() -> None:
        opened = Breaks([CHUNK], None).client(openai.AsyncOpenAI)
        stream = await opened.chat.completions.create(**OPENAI)

        async def read() -> None:
            if by == "next":
                await stream.__anext__()
                await stream.__anext__()
            async for _ in stream:
                pass

        task = asyncio.ensure_future(read())
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(work())
    found = top(sink)
    assert found.level == "ERROR" and "CancelledError" in found.error["type"] and "Buy" in str(found.output)  # type: ignore[index]


def test_two_streams_at_once_keep_to_their_own_observations(server: LlmServer, sink: Recorded) -> None:
    server.begin()
    server.plan(Text("Buy AAPL now"), Text("Sell TSLA soon"))
    streams = [from_openai(server), from_openai(server)]
    assert len(list(zip(*streams, strict=False))) > 3
    for stream in streams:
        list(stream)
    said = [each.output["choices"][0]["message"]["content"] for each in sink]
    assert said == ["Buy AAPL now", "Sell TSLA soon"]


def test_what_a_raw_response_parses_to_is_the_clients_own(server: LlmServer, sink: Recorded) -> None:
    opened = openai.OpenAI(base_url=server.openai_url, api_key="none")
    stream = opened.chat.completions.with_raw_response.create(**OPENAI).parse()
    assert type(stream) is openai.Stream and list(stream)
    assert is_whole(top(sink))


def test_taken_back_in_the_middle_a_stream_goes_on_by_itself(server: LlmServer, sink: Recorded) -> None:
    with taken_back():
        held = [dict(vars(kind)) for kind in KINDS]
        with instrument_providers("openai", "anthropic"):
            streams = [from_openai(server), from_anthropic(server)]
            first = [next(each) for each in streams]
            assert [dict(vars(kind)) == each for kind, each in zip(KINDS, held, strict=True)] == [
                False,
                False,
            ]
        assert [dict(vars(kind)) for kind in KINDS] == held
        assert len(sink) == 2 and all(first)
        assert [len(list(each)) > 5 for each in streams] == [True, True]
    assert len(sink) == 2


def test_a_stream_that_nobody_has_left_is_recorded_at_the_end_of_the_program(
    server: LlmServer, tmp_path: Path
) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", AT_EXIT, server.openai_url], capture_output=True, text=True, cwd=tmp_path
    )
    assert ran.returncode == 0, ran.stderr
    (found,) = Store(tmp_path / ".agent_trace").observations()
    assert "Buy" in str(found.output)


def test_where_the_instrumentor_has_other_proxies_a_program_gets_those(
    server: LlmServer, sink: Recorded, monkeypatch: pytest.MonkeyPatch
) -> None:
    with taken_back(), monkeypatch.context() as patched:
        patched.setattr(proxies, "_PROXIES", {})
        handle = instrument_providers("openai")
        stream = from_openai(server)
        assert type(stream).__name__ == "_Stream" and isinstance(stream, openai.Stream)
        assert len(list(stream)) > 5
        handle.undo()
    assert is_whole(top(sink))
