"""Modules that are imported later, and what other modules have imported from them."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent_trace import instrument, uninstrument
from agent_trace.instrumentation import problems
from agent_trace.instrumentation.problem_counts import forget
from agent_trace.testing import recorded
from tests.support.attaching import names, write_modules

FACTORY = """
class Model:
    def generate(self, prompt):
        return prompt

class ModelFactory:
    def create_model(self):
        return Model()

factory = ModelFactory()
"""

LAZY = """
def __getattr__(name):
    from shop.factory import Model
    return globals().setdefault(name, Model)
"""
EARLY = """
from agent_trace import instrument
instrument("shop.early:ask")
def ask(prompt):
    return prompt
"""


@pytest.fixture(autouse=True)
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = set(sys.modules)
    forget()
    sources = {
        "__init__": "from .factory import factory\n",
        "factory": FACTORY,
        "ask": "def ask(prompt):\n    return prompt\n",
        "user": "from shop.ask import ask\ndef use():\n    return ask('used')\n",
        "lazy": LAZY,
        "broken": "raise RuntimeError('broken')\n",
        "early": EARLY,
    }
    write_modules(tmp_path, monkeypatch, {f"shop/{name}.py": text for name, text in sources.items()})
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_a_module_that_is_imported_later_is_attached_then_and_its_importers_with_it() -> None:
    with instrument("shop.ask:ask", "shop.factory:Model.generate"), recorded() as sink:
        assert "shop" not in sys.modules
        user = importlib.import_module("shop.user")
        user.use()
        importlib.import_module("shop.factory").Model().generate("x")
    assert names(sink) == ["ask", "Model.generate"]
    assert problems() == {}


def test_a_function_is_attached_wherever_it_was_imported_before() -> None:
    user = importlib.import_module("shop.user")
    original = user.ask
    with instrument("shop.ask:ask"), recorded() as sink:
        user.use()
        later = importlib.import_module("shop.ask").ask
        sys.modules[__name__].kept = later  # type: ignore[attr-defined]
    assert names(sink) == ["ask"]
    assert user.ask is original
    assert sys.modules["shop.ask"].ask is original
    assert sys.modules[__name__].kept is original  # type: ignore[attr-defined]
    with recorded() as sink:
        later("x")  # what somebody still holds does nothing any more
    assert len(sink) == 0


def test_an_attribute_that_shadows_its_module_does_not_stand_in_for_it() -> None:
    shop = importlib.import_module("shop")
    assert type(shop.factory).__name__ == "ModelFactory"
    with instrument("shop.factory:ModelFactory.create_model"), recorded() as sink:
        shop.factory.create_model().generate("x")
    assert names(sink) == ["Model.generate"]
    with instrument("shop.factory:factory.create_model"), recorded() as sink:
        shop.factory.create_model().generate("x")
    assert names(sink) == ["Model.generate"]


def test_what_is_undone_before_the_import_is_never_attached() -> None:
    handle = instrument("shop.factory:Model")
    handle.undo()
    model = importlib.import_module("shop.factory").Model
    assert not hasattr(model.generate, "__wrapped__")
    assert "__init_subclass__" not in vars(model)


def test_a_module_that_fails_fails_as_before_and_a_misspelt_name_is_said_after_the_import() -> None:
    with instrument("shop.broken:ask", "shop.ask:aks"):
        with pytest.raises(RuntimeError, match="broken"):
            importlib.import_module("shop.broken")
        assert problems() == {}
        importlib.import_module("shop.ask")
    assert list(problems()) == ["shop.ask:aks: there is no 'aks' in shop.ask. Did you mean ask?"]


def test_a_module_that_makes_its_names_when_asked_is_asked() -> None:
    with instrument("shop.lazy:Anything.generate"), recorded() as sink:
        importlib.import_module("shop.lazy").Anything().generate("x")
    assert names(sink) == ["Model.generate"]


def test_looking_for_a_module_imports_nothing() -> None:
    with instrument("shop.factory:Model", "shop.fctory:Model"):
        assert "shop" not in sys.modules
    assert [message.partition(" It is")[0] for message in problems()] == [
        "shop.fctory:Model: there is no 'fctory' in shop. Did you mean factory?"
    ]


def test_attaching_to_a_module_from_its_own_body_says_that_it_was_too_early() -> None:
    importlib.import_module("shop.early")
    assert [message.rpartition("(")[2] for message in problems()] == ["its module was still being imported)"]
    uninstrument()
