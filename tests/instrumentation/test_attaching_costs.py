"""What attaching costs: little while switched off, little for many classes. Margins are wide."""

import time
import timeit
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from agent_trace import instrument
from agent_trace.recording import process
from agent_trace.testing import recorded
from tests.support.attaching import left_as_it_was


def fastest(function: Callable[[], Any]) -> float:
    return min(timeit.repeat(function, number=2_000, repeat=15))


class Model:
    def ask(self, prompt: str) -> str:
        return prompt

    async def ask_async(self, prompt: str) -> str:
        return prompt

    def ask_stream(self, prompt: str) -> Iterator[str]:
        yield prompt

    @classmethod
    def ask_class(cls, prompt: str) -> str:
        return prompt

    @staticmethod
    def ask_static(prompt: str) -> str:
        return prompt


def closed(coroutine: Coroutine[Any, Any, Any]) -> None:
    coroutine.close()


CALLS: dict[str, Callable[[Model], Any]] = {
    "plain": lambda model: model.ask("x"),
    "async": lambda model: closed(model.ask_async("x")),
    "generator": lambda model: model.ask_stream("x"),
    "class method": lambda model: model.ask_class("x"),
    "static method": lambda model: model.ask_static("x"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_attached_and_switched_off_adds_a_few_plain_calls(call: Callable[[Model], Any]) -> None:
    model = Model()
    nothing, plain = fastest(lambda: model.ask("x")), fastest(lambda: call(model))
    with recorded(), instrument(f"{__name__}:Model.ask*"):
        process.current().disable()
        off = fastest(lambda: call(model))
    assert off - plain < 12 * nothing


def test_five_hundred_classes_are_attached_in_no_time_and_left_as_they_were() -> None:
    root = type("Root", (), {"generate": lambda self: 0})
    kinds = [root, *(type(f"Kind{n}", (root,), {"generate": lambda self: 1}) for n in range(500))]
    with left_as_it_was(*kinds):
        start = time.perf_counter()
        handle = instrument(root)
        took_s = time.perf_counter() - start
        assert all(hasattr(vars(kind)["generate"], "__wrapped__") for kind in kinds)
        handle.undo()
    assert took_s < 1.0
