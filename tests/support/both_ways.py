"""Calls of many kinds, with a clock and ids that are known beforehand; prints which way they went, and what they left."""

import asyncio
import sys
from contextlib import suppress

from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from agent_trace import ObservabilityContext, observe_llm
from agent_trace.recording import guard, hot
from agent_trace.testing import FakeClock, FixedIds, recorded

SECRET = "sk-ant-api03-" + "aB3dE5fG7h" * 9
HISTORY = [{"role": "system", "content": "You trade. " * 60}, {"role": "user", "content": "AAPL? " * 80}]


class Broken:
    def __repr__(self):
        raise ValueError("no repr")


@observe_llm
def ask(messages, model="gpt-4o", *rest, temperature=0.2, **more):
    return f"{model}: HOLD"


@observe_llm(as_type="agent", name="desk")
def desk(question, depth=0):
    ObservabilityContext.add_agent_metadata("desk", {"depth": depth})
    answer = ask([*HISTORY, {"role": "user", "content": question}])
    ObservabilityContext.add_trading_signal("BUY", 0.7, "cheap")
    return desk(question, depth - 1) if depth else answer


@observe_llm(as_type="tool", capture_input=False, capture_output=False)
def silent(value):
    return value


@observe_llm
def fails(value):
    raise KeyError(value)


@observe_llm
def numbers(count):
    yield from range(count)
    return "done"


@observe_llm
async def later(value, model="claude"):
    await asyncio.sleep(0)
    return {"model": "claude-4", "usage": {"input_tokens": 3, "output_tokens": 4}, "value": value}


class Client:
    model = "local"

    @observe_llm
    def complete(self, prompt):
        return {
            "choices": [{"message": {"content": prompt}, "finish_reason": "stop"}],
            "model": "m",
            "usage": None,
        }

    @observe_llm
    @classmethod
    def shared(cls, prompt="default"):
        return prompt

    @property
    @observe_llm
    def state(self):
        return {"open": True}


VALUES = [
    None, True, 0, -1, 2**63, 2**70, 0.1, float("nan"), float("inf"), "", "é\U0001f600", "half \ud800", b"bytes", (1, (2,)), {1: 2},
    {"a": {"b": {"c": [1] * 60}}}, Broken(), "x" * 300_000, [{"role": "user", "content": "x" * 20_000}] * 20, SECRET, {"password": "hunter2"},
]  # fmt: skip


def all_calls():
    for _ in range(3):
        ask(HISTORY)
        ask(
            [*HISTORY, {"role": "user", "content": f"use {SECRET}"}],
            "o3",
            1,
            2,
            temperature=None,
            top_p=1,
            seed=3,
        )
        desk("buy?", 2)
    for value in VALUES:
        ask(value)
        silent(value)
        ask(messages=[{"role": "user", "content": value}], extra=value)
        with suppress(KeyError):
            fails(value)
    assert list(numbers(3)) == [0, 1, 2]
    next(numbers(2))
    asyncio.run(both())
    client = Client()
    (
        client.complete("prompt"),
        client.shared(),
        Client.shared("given"),
        Client.complete(client, "unbound"),
        client.state,
    )
    with suppress(TypeError):
        ask()
    foreign = NonRecordingSpan(SpanContext(0xABC, 0xDEF, is_remote=True, trace_flags=TraceFlags(1)))
    with trace.use_span(foreign), ObservabilityContext.scope(tenant_id="t", agent_id="a"):
        ask("below a foreign span")
        desk("in a scope")
    ask("afterwards")


async def both():
    async with asyncio.TaskGroup() as group:
        for number in range(2):
            group.create_task(later(number))


with recorded(clock=FakeClock(), ids=FixedIds()) as observations:
    all_calls()
assert not observations.lost
print("compiled" if hot.IS_COMPILED else "in Python")
sys.stdout.flush()
for line in observations.lines:
    sys.stdout.buffer.write(line)
sys.stdout.buffer.write(repr(sorted(guard.failures.items())).encode() + b"\n")
