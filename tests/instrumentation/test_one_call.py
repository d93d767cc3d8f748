"""One call is one observation: per object, per kind of call, in every task, thread and generator."""

import asyncio
import contextvars
import threading
from collections.abc import Iterator
from typing import Any

from agent_trace import instrument, observe_llm
from agent_trace.testing import recorded
from tests.support.attaching import names, observed


class Model:
    def __init__(self, fallback: "Model | None" = None) -> None:
        self.fallback = fallback

    def generate(self, prompt: str) -> str:
        return self.fallback.generate(prompt) if self.fallback else prompt

    def chat(self, prompt: str) -> str:
        return self.generate(prompt)

    def ask(self, depth: int) -> int:
        return depth if depth == 0 else self.ask(depth - 1)

    def stream(self, prompt: str) -> Iterator[str]:
        yield self.generate(prompt)
        yield "."


class Sub(Model):
    def stream(self, prompt: str) -> Iterator[str]:
        yield from super().stream(prompt)


def test_methods_of_one_model_that_call_one_another_are_one_call() -> None:
    assert names(observed(lambda: Model().chat("x"), Model)) == ["Model.chat"]
    assert names(observed(lambda: Model().ask(3), Model)) == ["Model.ask"]


def test_two_models_of_one_class_are_two_calls() -> None:
    sink = observed(lambda: Model(Model()).chat("x"), Model)
    assert names(sink) == ["Model.generate", "Model.chat"]


def test_a_model_is_asked_again_through_another_one() -> None:
    first, second = Model(), Model()
    second.fallback = Model()
    first.fallback = second
    assert len(observed(lambda: first.generate("x"), Model)) == 3


def test_a_generator_through_super_is_one_call_with_what_it_asks() -> None:
    one = observed(lambda: list(Sub().stream("x")), Model).one()
    assert (one.name, one.output) == ("Sub.stream", "x.")


def test_two_generators_of_one_object_side_by_side_are_two_calls() -> None:
    def program() -> list[tuple[str, str]]:
        model = Sub()
        return list(zip(model.stream("a"), model.stream("b"), strict=True))

    assert [each.output for each in observed(program, Model)] == ["a.", "b."]


def test_a_call_between_two_steps_of_a_generator_is_its_own() -> None:
    def program() -> str:
        model = Sub()
        stream = model.stream("a")
        return next(stream) + model.chat("b") + "".join(stream)

    assert names(observed(program, Model)) == ["Sub.chat", "Sub.stream"]


def test_a_thread_that_carries_the_context_is_a_part_of_the_call_and_another_is_not() -> None:
    class Threaded(Model):
        def chat(self, prompt: str) -> str:
            for run in (contextvars.copy_context().run, contextvars.Context().run):
                thread = threading.Thread(target=run, args=(self.generate, prompt))
                thread.start()
                thread.join()
            return prompt

    with instrument(Model), recorded(threads=False) as sink:
        Threaded().chat("x")
    assert names(sink) == ["Threaded.generate", "Threaded.chat"]


def test_a_task_that_outlives_the_call_is_its_own() -> None:
    class Background(Model):
        async def achat(self) -> asyncio.Task[str]:
            return asyncio.create_task(self.agenerate())

        async def agenerate(self) -> str:
            await asyncio.sleep(0)
            return "late"

    async def program() -> str:
        return await (await Background().achat())

    with instrument(Background), recorded() as sink:
        assert asyncio.run(program()) == "late"
    assert [name.rpartition(">.")[2] for name in names(sink)] == ["Background.achat", "Background.agenerate"]


def test_an_agent_and_the_model_that_it_is_are_two() -> None:
    class Agent:
        def run(self) -> str:
            return self.ask()

        def ask(self) -> str:
            return "x"

    sink = observed(lambda: Agent().run(), Agent.run, Agent.ask)
    assert [(each.name, each.type) for each in sink] == [("Agent.run", "agent")]
    with (
        instrument(Agent.run, as_type="agent"),
        instrument(Agent.ask, as_type="generation"),
        recorded() as sink,
    ):
        Agent().run()
    assert [(each.name, each.type) for each in sink] == [("Agent.ask", "generation"), ("Agent.run", "agent")]


def test_tools_of_one_object_that_call_one_another_are_each_a_call() -> None:
    class Tools:
        def fetch(self) -> str:
            return self.parse("x")

        def parse(self, text: str) -> str:
            return text

    sink = observed(lambda: Tools().fetch(), Tools.fetch, Tools.parse, as_type="tool")
    assert names(sink) == ["Tools.parse", "Tools.fetch"]


def test_class_methods_are_guarded_by_their_class_and_static_ones_not_at_all() -> None:
    class Base:
        @classmethod
        def ask(cls) -> str:
            return cls.__name__

        @staticmethod
        def predict() -> str:
            return "s"

    class Derived(Base):
        @classmethod
        def ask(cls) -> str:
            return super().ask() + Base.ask()

    sink = observed(lambda: Derived.ask() + Derived.predict(), Base)
    assert [name.rpartition(">.")[2] for name in names(sink)] == ["Base.ask", "Derived.ask", "Base.predict"]


def test_a_decorated_function_in_between_does_not_hide_another_model() -> None:
    inner = Model()

    @observe_llm(as_type="tool")
    def tool() -> Any:
        return inner.chat("x")

    class Outer(Model):
        def generate(self, prompt: str) -> str:
            return str(tool())

    sink = observed(lambda: Outer().generate("x"), Model)
    assert [each.type for each in sink] == ["generation", "tool", "generation"]
