"""What attaching costs: little while switched off, little for many classes. Margins are wide."""

import time
import timeit
from collections.abc import Callable
from typing import Any

from agent_trace import instrument
from agent_trace.recording import process
from agent_trace.testing import recorded
from tests.support.attaching import left_as_it_was


def fastest(function: Callable[[], Any]) -> float:
    return min(timeit.repeat(function, number=2_000, repeat=15))


def test_attached_and_switched_off_costs_a_few_plain_calls() -> None:
    class Model:
        def ask(self, prompt: str) -> str:
            return prompt

    model = Model()
    plain = fastest(lambda: model.ask("x"))
    with recorded(), instrument(Model):
        process.current().disable()
        off = fastest(lambda: model.ask("x"))
    assert off < 12 * plain


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
