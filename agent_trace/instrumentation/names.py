"""What names say: which methods ask a model, which functions make one, and what type of observation a call is."""

import re
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Final

FACTORY: Final = "factory"
"""Given as type, it says that calls are not observed, and that the class of what they return is attached."""

_VERBS: Final = (
    "generate complete completion completions invoke chat run ask predict call stream embed respond infer"
)
_TAILS: Final = (
    "text texts chat content response responses completion completions message messages prompt stream streaming json "
    "object structured batch query documents llm model api async sync"
)
_ASKS: Final = re.compile(
    rf"(?:a|async_)?(?:(?:{'|'.join(_VERBS.split())})(?:_(?:{'|'.join(_TAILS.split())}|with_\w+))*"
    r"|(?:create|get)_(?:(?:chat|text)_)?(?:completion|completions|response))(?:_async|_sync|_stream)?"
)
_MAKES: Final = re.compile(
    r"_*a?(?:create|get|make|build|load|new|resolve|init|from)_?(?:\w*_)?"
    r"(?:model|llm|client|provider|agent|engine|backend|chatbot|assistant)s?(?:_(?:by|for|from|with)_\w+|_async|_sync)?"
)
_MAKES_IN_FACTORY: Final = re.compile(
    r"a?(?:create|get|make|build|load|new|resolve|produce|from|of)(?:_\w+)?|__call__"
)
_FACTORY_CLASS: Final = re.compile(r"\w*(?:Factory|Registry)")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def asks_a_model(method: str) -> bool:
    """Whether a public method of that name is attached when a class is named without a method."""
    return method == "__call__" or _ASKS.fullmatch(_snake(method)) is not None


def is_factory_class(name: str) -> bool:
    """Whether a class of that name is there to make models, clients or agents."""
    return _FACTORY_CLASS.fullmatch(name) is not None


def makes_something(method: str) -> bool:
    """Whether a public method of that name makes something, in a class that is a factory."""
    return _MAKES_IN_FACTORY.fullmatch(_snake(method)) is not None


def is_factory(name: str, owner: str | None = None) -> bool:
    """Whether a function or method of that name is taken to make models, clients or agents."""
    in_factory = owner is not None and is_factory_class(owner)
    return _MAKES.fullmatch(_snake(name)) is not None or (in_factory and makes_something(name))


def type_of(name: str, owner: str | None = None) -> str:
    """The type of observation where none was given: `embedding`, `agent` or `generation`."""
    if "embed" in name.lower():
        return "embedding"
    return "agent" if "agent" in _words(owner or name) else "generation"


class Selection:
    """Which methods of a class tree are meant: one that is spelled out, those of a pattern, or those of a kind."""

    __slots__ = ("_is_meant", "text")

    def __init__(self, text: str = "", is_meant: Callable[[str], bool] = asks_a_model) -> None:
        self.text = text
        self._is_meant = is_meant

    @property
    def is_spelled(self) -> bool:
        """Whether one method is meant, by its name."""
        return bool(self.text) and "*" not in self.text

    @property
    def is_pattern(self) -> bool:
        """Whether methods are meant by a pattern with `*`."""
        return "*" in self.text

    def of(self, namespace: Mapping[str, object]) -> list[str]:
        """The names of a namespace that are meant."""
        if self.is_spelled:
            return [self.text] if self.text in namespace else []
        return [name for name in namespace if self._takes(name)]

    def _takes(self, name: str) -> bool:
        if not self.text:
            return self._is_meant(name)
        is_public = not name.startswith("_") or self.text.startswith("_")
        return is_public and fnmatchcase(name, self.text)


def _snake(name: str) -> str:
    return _CAMEL.sub("_", name).lower()


def _words(name: str) -> list[str]:
    return [word.rstrip("s") for word in _snake(name).split("_")]
