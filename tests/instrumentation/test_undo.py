"""Undo: the same object in the same `__dict__`, whatever was attached in whatever order."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from agent_trace import instrument, uninstrument
from agent_trace.instrumentation import problems
from agent_trace.testing import recorded
from tests.support.attaching import left_as_it_was, names


class Meta(type):
    def __setattr__(cls, name: str, value: Any) -> None:
        raise TypeError("nobody changes this class")


class Mixin:
    def generate(self, prompt: str) -> str:
        return "mixin"

    @staticmethod
    def predict() -> str:
        return "static"


class Base(metaclass=Meta):
    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)

    def __new__(cls) -> Any:
        return super().__new__(cls)

    @classmethod
    def ask(cls) -> str:
        return "class"

    async def agenerate(self) -> str:
        return "async"

    def __call__(self) -> str:
        return "called"


class Derived(Mixin, Base):
    chat: Callable[..., str] = lambda self: "lambda"


class Stranger(Mixin):
    pass


KINDS = (Mixin, Base, Derived, Stranger)
ENTRIES = (
    lambda: instrument(Base),
    lambda: instrument(f"{__name__}:Derived.generate"),
    lambda: instrument(Derived, as_type="tool"),
    lambda: instrument(f"{__name__}:Base.*", f"{__name__}:Mixin.generate"),
)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))), ids=str)
def test_any_order_of_undoing_leaves_every_class_as_it_was(order: tuple[int, ...]) -> None:
    with left_as_it_was(*KINDS):
        handles = [attach() for attach in ENTRIES]
        assert hasattr(vars(Mixin)["generate"], "__wrapped__")
        for index in order:
            handles[index].undo()
            handles[index].undo()
    with left_as_it_was(*KINDS):
        for attach in ENTRIES:
            attach()
        uninstrument()


def test_an_inherited_method_is_observed_for_the_named_class_alone() -> None:
    with left_as_it_was(*KINDS):
        with instrument(f"{__name__}:Derived.generate"), recorded() as sink:
            assert (Derived().generate("x"), Stranger().generate("x")) == ("mixin", "mixin")
            assert "generate" not in vars(Derived)
        assert names(sink) == ["Derived.generate"]


def test_the_first_to_attach_decides_and_the_next_takes_over() -> None:
    first = instrument(f"{__name__}:Derived.generate", name="first")
    second = instrument(f"{__name__}:Derived.generate", name="second")
    with recorded() as sink:
        Derived().generate("x")
        first.undo()
        Derived().generate("x")
        second.undo()
        Derived().generate("x")
    assert names(sink) == ["first", "second"]


def test_what_somebody_else_wrapped_meanwhile_stays_and_ours_below_it_is_silent() -> None:
    class Model:
        def ask(self) -> str:
            return "x"

    handle = instrument(Model)
    ours = Model.ask
    Model.ask = lambda self: ours(self) + "y"  # type: ignore[method-assign]
    theirs = vars(Model)["ask"]
    handle.undo()
    with recorded() as sink:
        assert Model().ask() == "xy"
    assert vars(Model)["ask"] is theirs
    assert len(sink) == 0
    assert any("wrapped by somebody else" in message for message in problems())


def test_a_bound_method_that_is_still_held_does_nothing_after_undo() -> None:
    handle = instrument(Base)
    held = Base().agenerate
    handle.undo()
    with recorded() as sink:
        held().close()
    assert len(sink) == 0


def test_subclasses_made_meanwhile_are_put_back_too() -> None:
    with instrument(Base):

        class Late(Base):
            def ask(self) -> str:  # type: ignore[override]
                return "late"

        assert hasattr(vars(Late)["ask"], "__wrapped__")
    assert not hasattr(vars(Late)["ask"], "__wrapped__")
    assert [name for name in vars(Late) if "init_subclass" in name] == []


def test_classes_are_not_kept_alive() -> None:
    import gc
    import weakref

    handle = instrument(Base)

    def late() -> Any:
        class Late(Base):
            def agenerate(self) -> str:  # type: ignore[override]
                return "late"

        return weakref.ref(Late)

    reference = late()
    gc.collect()
    assert reference() is None
    handle.undo()
