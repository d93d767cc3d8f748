"""An attached function is of the same kind as before: to `inspect`, to `weakref`, to `pickle`, and bound as it was."""

import asyncio
import copy
import inspect
import pickle
import types
import warnings
import weakref
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from agent_trace import instrument
from agent_trace.instrumentation import wrapping
from agent_trace.testing import recorded
from tests.support.attaching import left_as_it_was, names, observed


class Model:
    def ask(self, prompt: str) -> str:
        """Ask."""
        return prompt

    async def ask_async(self, prompt: str) -> str:
        return prompt

    def ask_stream(self, prompt: str) -> Iterator[str]:
        yield prompt

    async def stream_async(self, prompt: str) -> AsyncIterator[str]:
        yield prompt

    @types.coroutine
    def ask_old(self, prompt: str) -> Iterator[str]:
        return prompt
        yield

    @classmethod
    def ask_class(cls, prompt: str) -> str:
        return cls.__name__ + prompt

    @classmethod
    async def ask_class_async(cls, prompt: str) -> str:
        return cls.__name__ + prompt

    @staticmethod
    def ask_static(prompt: str) -> str:
        return prompt


class Other(Model):
    pass


METHODS = [name for name in vars(Model) if not name.startswith("__")]
ASKED = [name for name in METHODS if name != "ask_old"]
TOLD = (
    inspect.iscoroutinefunction,
    asyncio.iscoroutinefunction,
    inspect.isgeneratorfunction,
    inspect.isasyncgenfunction,
    inspect.ismethod,
    inspect.isfunction,
    inspect.isroutine,
    inspect.signature,
    type,
)


def told(name: str) -> list[Any]:
    """What Python tells of a method: in its class, looked up there, and bound."""
    return [tell(each) for tell in TOLD for each in (getattr(Model, name), getattr(Model(), name))] + [
        type(vars(Model)[name])
    ]


def finished(name: str, owner: Any) -> Any:
    """What a call comes to."""
    made = getattr(owner, name)("x")
    if inspect.isasyncgen(made):

        async def collect() -> list[str]:
            return [each async for each in made]

        return asyncio.run(collect())
    if inspect.isawaitable(made):

        async def wait() -> Any:
            return await made

        return asyncio.run(wait())
    return list(made) if inspect.isgenerator(made) else made


@pytest.mark.parametrize("name", METHODS)
def test_inspect_and_asyncio_tell_the_same_of_it(name: str) -> None:
    alone = told(name)
    with instrument(f"{__name__}:Model.{name}") as handle:
        assert handle.attached[0].places
        assert told(name) == alone


@pytest.mark.parametrize(
    "owner", [Model, Model(), Other, Other()], ids=["class", "object", "subclass", "its object"]
)
def test_every_kind_is_bound_and_observed(owner: Any) -> None:
    wanted = [name for name in METHODS if not isinstance(owner, type) or "class" in name or "static" in name]
    sink = observed(lambda: [finished(name, owner) for name in wanted], Model, f"{__name__}:Model.ask_*")
    assert [name.rpartition(".")[2] for name in names(sink)] == wanted


@pytest.mark.parametrize("name", METHODS)
def test_a_weak_method_a_pickle_and_a_copy_of_it_still_work(name: str) -> None:
    model = Model()
    with instrument(f"{__name__}:Model.{name}"):
        bound = getattr(model, name)
        assert inspect.isfunction(bound) or weakref.WeakMethod(bound)() == bound
        assert pickle.loads(pickle.dumps(bound)).__name__ == name
        assert copy.deepcopy(bound).__name__ == name


def test_the_same_objects_come_back(recwarn: pytest.WarningsRecorder) -> None:
    with left_as_it_was(Model), instrument(f"{__name__}:Model.ask*"):
        assert type(vars(Model)["ask_class"]) is classmethod
        assert type(vars(Model)["ask_static"]) is staticmethod
    assert not recwarn.list


def test_what_somebody_has_put_on_a_class_method_is_there_still() -> None:
    class Marked(Model):
        @classmethod
        def ask_class(cls, prompt: str) -> str:
            return prompt

        vars()["ask_class"].is_tool = True

    with instrument(f"{__name__}:Model.ask_class", Marked):
        assert vars(Marked)["ask_class"].is_tool


def test_arguments_that_do_not_fit_are_an_error_at_once_and_not_when_it_is_awaited() -> None:
    with instrument(Model), recorded():
        with pytest.raises(TypeError):
            Model().ask_async("x", "y")  # type: ignore[call-arg]


def test_where_flags_would_decide_what_a_call_does_wrapt_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wrapping, "_FLAGS_ONLY_TELL", False)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ASKED:
            sink = observed(lambda name=name: finished(name, Model()), f"{__name__}:Model.{name}")  # type: ignore[misc]
            assert [each.rpartition(".")[2] for each in names(sink)] == [name]
