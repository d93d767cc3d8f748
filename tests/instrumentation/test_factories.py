"""Factories: the very same object comes back, and its class is attached from then on."""

import asyncio
import functools
import sys
from types import ModuleType
from typing import Any, ClassVar

import pytest

from agent_trace import instrument
from agent_trace.instrumentation import problems
from agent_trace.instrumentation.names import asks_a_model, is_factory, type_of
from agent_trace.instrumentation.problem_counts import forget
from agent_trace.testing import recorded
from tests.support.attaching import left_as_it_was, names, observed


class Fast:
    def generate(self, prompt: str) -> str:
        return "fast"


class Slow:
    def invoke(self, prompt: str) -> str:
        return "slow"


class Trader:
    name = "trend"

    def run(self) -> str:
        return "done"


class ModelFactory:
    cache: ClassVar[dict[str, Any]] = {}

    @staticmethod
    def create_model(kind: str) -> Any:
        return {"fast": Fast, "slow": Slow}.get(kind, lambda: None)()

    @classmethod
    def cached(cls, kind: str) -> Any:
        return cls.cache.setdefault(kind, cls.create_model(kind))

    def get(self, kind: str) -> Any:
        return self.cached(kind)

    async def build(self, kind: str) -> Any:
        await asyncio.sleep(0)
        return self.cached(kind)


REGISTRY: dict[str, Any] = {"fast": Fast, "slow": Slow()}


def get_model(kind: str) -> Any:
    return ModelFactory.create_model(kind)


@functools.lru_cache
def get_llm(kind: str) -> Any:
    return ModelFactory.create_model(kind)


def create_agent() -> Trader:
    return Trader()


def test_what_a_static_factory_makes_is_attached_by_its_class() -> None:
    def program() -> Any:
        return [
            ModelFactory.create_model("fast").generate("x"),
            ModelFactory.create_model("slow").invoke("y"),
            ModelFactory.create_model("none"),
        ]

    with left_as_it_was(ModelFactory, Fast, Slow):
        sink = observed(program, f"{__name__}:ModelFactory.create_model")
    assert names(sink) == ["Fast.generate", "Slow.invoke"]


def test_a_cached_instance_is_the_same_object_and_class_level_factories_work() -> None:
    ModelFactory.cache.clear()
    with instrument(f"{__name__}:ModelFactory.*=factory"), recorded() as sink:
        first = ModelFactory.cached("fast")
        assert ModelFactory().get("fast") is first
        assert vars(first) == {}
        first.generate("x")
    assert names(sink) == ["Fast.generate"]


def test_a_factory_class_without_a_method_and_an_async_factory() -> None:
    ModelFactory.cache.clear()
    with instrument(ModelFactory), recorded() as sink:
        made = asyncio.run(ModelFactory().build("slow"))
        made.invoke("x")
    assert names(sink) == ["Slow.invoke"]


def test_a_module_function_and_a_registry() -> None:
    with left_as_it_was(Fast, Slow):
        with instrument(get_model), recorded() as sink:
            get_model("fast").generate("x")
        assert names(sink) == ["Fast.generate"]
        with instrument(f"{__name__}:get_llm"), recorded() as sink:
            assert get_llm("fast") is get_llm("fast")
            get_llm("fast").generate("x")
            get_llm.cache_clear()
        assert names(sink) == ["Fast.generate"]
        with instrument(f"{__name__}:REGISTRY"), recorded() as sink:
            REGISTRY["fast"]().generate("x")
            REGISTRY["slow"].invoke("x")
        assert names(sink) == ["Fast.generate", "Slow.invoke"]


def test_what_a_factory_of_agents_makes_is_an_agent() -> None:
    with instrument(create_agent), recorded() as sink:
        create_agent().run()
    one = sink.one()
    assert (one.type, one.agent_name, one.agent_type) == ("agent", "trend", "Trader")


def test_factories_attach_also_while_recording_is_off() -> None:
    from agent_trace.recording import process

    with instrument(get_model), recorded() as sink:
        process.current().disable()
        model = get_model("fast")
        process.current().enable()
        model.generate("x")
    assert names(sink) == ["Fast.generate"]


def test_what_cannot_be_attached_is_a_problem_and_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    class Closed:
        def close(self) -> None: ...

    made = [Closed(), print, lambda: "a function", object(), None, 3]
    module = ModuleType("made_up_clients")
    module.get_client = lambda index: made[index]  # type: ignore[attr-defined]
    sys.modules[module.__name__] = module
    forget()
    try:
        with instrument("made_up_clients:get_client"):
            for _ in range(2):
                assert all(module.get_client(index) is each for index, each in enumerate(made))
    finally:
        del sys.modules[module.__name__]
    assert capsys.readouterr().err == ""
    said = list(problems())
    assert len(said) == 2
    assert "Closed, which has no method to attach" in said[0]
    assert "gives a function" in said[1]


@pytest.mark.parametrize(
    ("name", "owner", "expected"),
    [
        ("create_model", "ModelFactory", True),
        ("get_model", None, True),
        ("getLLM", None, True),
        ("make_chat_client", None, True),
        ("load_model_by_name", None, True),
        ("create", "ProviderFactory", True),
        ("get", "ModelRegistry", True),
        ("create", "Completions", False),
        ("get_llm_response", None, False),
        ("create_chat_completion", "Llama", False),
        ("generate", "ModelFactory", False),
        ("get_price", None, False),
    ],
)
def test_a_factory_is_told_by_its_name(name: str, owner: str | None, expected: bool) -> None:
    assert is_factory(name, owner) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *(
            (each, True)
            for each in ("generate", "agenerate", "generate_text", "invoke", "chat_stream", "__call__")
        ),
        *(
            (each, True)
            for each in ("async_generate", "get_response", "create_completion", "embed_documents")
        ),
        *(
            (each, False)
            for each in ("_generate", "generate_id", "run_tests", "chat_history", "call_count", "close")
        ),
    ],
)
def test_methods_that_ask_a_model_are_told_by_their_names(name: str, expected: bool) -> None:
    assert asks_a_model(name) is expected


def test_the_type_is_told_by_the_name_where_none_is_given() -> None:
    assert type_of("run", "BaseAgent") == "agent"
    assert type_of("embed", "Model") == "embedding"
    assert type_of("run_agents") == "agent"
    assert type_of("generate", "Agentless") == "generation"
