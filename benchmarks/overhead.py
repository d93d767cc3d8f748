"""What a traced call costs: ours, durable and redacted, beside `langfuse.observe` and the OpenTelemetry SDK."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from agent_trace import LangFuseTracker, observe_llm
from benchmarks import backend
from benchmarks.rounds import Contender, after_pause_us, alternate, warm_memory
from benchmarks.workload import answer, answer_async, conversations, large_conversations

Call = Callable[..., Any]


def sync_calls(function: Call) -> Callable[[Sequence[Any]], None]:
    """A runner that calls a function with one argument after the other."""

    def run(arguments: Sequence[Any]) -> None:
        for argument in arguments:
            function(argument)

    return run


def async_calls(function: Callable[..., Awaitable[Any]]) -> Callable[[Sequence[Any]], None]:
    """A runner that awaits a coroutine function for one argument after the other."""

    async def go(arguments: Sequence[Any]) -> None:
        for argument in arguments:
            await function(argument)

    return lambda arguments: asyncio.run(go(arguments))


def async_items(function: Callable[[int], AsyncIterator[str]]) -> Callable[[Sequence[Any]], None]:
    """A runner that takes as many items from one async generator as there are arguments."""

    async def go(items: int) -> None:
        async for _ in function(items):
            pass

    return lambda arguments: asyncio.run(go(len(arguments)))


async def stream(items: int) -> AsyncIterator[str]:
    """An async generator of short texts."""
    for _ in range(items):
        yield "word, "


def measure(rounds: int) -> dict[str, float]:
    """Medians in microseconds a call (or item), by what was called."""
    directory = Path(tempfile.mkdtemp())
    warm_memory(directory)
    # With a cap, so that it runs as a long program does: rotating and removing, its pages used again.
    tracker = LangFuseTracker(directory=directory / "store", quiet=True, max_store_bytes=64 << 20)
    contenders = {
        "plain": Contender(sync_calls(answer), 2000, conversations),
        "traced": Contender(sync_calls(observe_llm(answer)), 1000, conversations),
        "traced, async": Contender(async_calls(observe_llm(answer_async)), 1000, conversations),
        "plain, async": Contender(async_calls(answer_async), 1000, conversations),
        "traced, 200 KB argument": Contender(sync_calls(observe_llm(answer)), 20, large_conversations),
        "plain, item": Contender(async_items(stream), 1000),
        "traced, item of an async generator": Contender(async_items(observe_llm(stream)), 1000),
        **peers(),
    }
    alternate(contenders, rounds)
    cold = {
        f"{name}, after a pause": after_pause_us(contenders[name], rounds)
        for name in ("traced", "langfuse.observe")
    }
    off = {"traced, switched off": Contender(sync_calls(observe_llm(answer)), 5000, conversations)}
    tracker.disable()
    alternate(off, rounds)
    tracker.shutdown()
    shutil.rmtree(directory, ignore_errors=True)
    return {name: each.median_us for name, each in (contenders | off).items()} | cold


def peers() -> dict[str, Contender]:
    """The same call under Langfuse's own decorator and in a span of the OpenTelemetry SDK, both to a live backend."""
    from langfuse import Langfuse, observe
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    url = backend.start()
    langfuse = Langfuse(
        public_key="pk-lf-bench", secret_key="sk-lf-bench", base_url=url, tracer_provider=TracerProvider()
    )
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{url}/v1/traces")))
    tracer = provider.get_tracer("bench")

    def in_span(messages: Any) -> str:
        with tracer.start_as_current_span("answer") as span:
            span.set_attribute("input", str(messages))
            found = answer(messages)
            span.set_attribute("output", found)
            return found

    def flush() -> None:
        provider.force_flush()

    return {
        "langfuse.observe": Contender(sync_calls(observe(answer)), 200, conversations, langfuse.flush),
        "langfuse.observe, async": Contender(
            async_calls(observe(answer_async)), 200, conversations, langfuse.flush
        ),
        "OpenTelemetry SDK span": Contender(sync_calls(in_span), 400, conversations, flush),
    }
