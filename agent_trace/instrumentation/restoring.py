"""What an instrumentor changed in the classes and modules of a package, so that all of it can be put back.

Instrumentors put back what calls went to. That is not always what stood there: a method that a class inherited stays
behind as its own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from types import FunctionType, MethodType, ModuleType
from typing import Any, Final, NamedTuple

from wrapt import FunctionWrapper

from agent_trace.instrumentation.patches import module_namespace, namespace
from agent_trace.instrumentation.wrapping import is_ours
from agent_trace.recording.capturing.attributes import class_line

_ABSENT: Final = object()
_FUNCTIONS: Final = (FunctionType, MethodType)


class Change(NamedTuple):
    """One name of a class or module. `former` is `_ABSENT` where it was not there."""

    holder: Any
    name: str
    former: Any

    def undo(self) -> None:
        """Put back what was there, unless it is there again, or an attachment of ours is."""
        now = _names(self.holder).get(self.name, _ABSENT)
        if now is self.former or now is _ABSENT:
            return
        if self.former is not _ABSENT:
            if not is_ours(now):
                _set(self.holder, self.name, self.former)
        elif not is_ours(now) or _is_inherited(self.holder, self.name, now):
            _delete(self.holder, self.name)


class Before:
    """The packages as they were before an instrumentor was switched on."""

    def __init__(self, packages: Sequence[str]) -> None:
        self._packages = packages
        self._held = {id(holder): (holder, dict(_names(holder))) for holder in _holders(packages)}

    def changes(self) -> list[Change]:
        """What is another function now than it was; wrapped ones only, where a module or name was not there before."""
        return [change for holder in _holders(self._packages) for change in self._changed(holder)]

    def _changed(self, holder: Any) -> Iterator[Change]:
        _, before = self._held.get(id(holder), (None, None))
        for name, value in list(_names(holder).items()):
            former = _ABSENT if before is None else before.get(name, _ABSENT)
            if former is value or is_ours(value):
                continue
            if former is not _ABSENT:
                if _is_function(former) or _is_function(value):
                    yield Change(holder, name, former)
            elif _is_wrapper(value):
                yield Change(holder, name, _ABSENT if before is not None else _original(holder, name, value))


def _original(holder: Any, name: str, wrapper: Any) -> Any:
    """What a wrapper stands for in a module that the instrumentor itself has imported."""
    original = wrapper.__wrapped__
    return _ABSENT if _is_inherited(holder, name, original) else original


def _is_inherited(holder: Any, name: str, value: Any) -> bool:
    """Whether it is what the class would find in an ancestor, wrapped there or not."""
    if not issubclass(type(holder), type):
        return False
    for ancestor in class_line(holder)[1:]:
        held = namespace(ancestor).get(name, _ABSENT)
        if held is value or (_is_wrapper(held) and held.__wrapped__ is value):
            return True
    return False


def _holders(packages: Sequence[str]) -> Iterator[Any]:
    """The loaded modules of the packages, and the classes that are defined there."""
    seen: set[int] = set()
    for name, module in list(sys.modules.items()):
        if not issubclass(type(module), ModuleType) or not _is_within(name, packages):
            continue
        yield module
        for value in list(module_namespace(module).values()):
            if not issubclass(type(value), type) or id(value) in seen:
                continue
            seen.add(id(value))
            if _is_within(namespace(value).get("__module__"), packages):
                yield value


def _is_within(module: object, packages: Sequence[str]) -> bool:
    return type(module) is str and any(module == each or module.startswith(f"{each}.") for each in packages)


def _names(holder: Any) -> Any:
    return namespace(holder) if issubclass(type(holder), type) else module_namespace(holder)


def _is_wrapper(value: Any) -> bool:
    return issubclass(type(value), FunctionWrapper)


def _is_function(value: Any) -> bool:
    return type(value) in _FUNCTIONS or issubclass(type(value), FunctionWrapper | type)


def _set(holder: Any, name: str, value: Any) -> None:
    if issubclass(type(holder), type):
        type.__setattr__(holder, name, value)  # a metaclass may refuse, or do more than that
    else:
        module_namespace(holder)[name] = value


def _delete(holder: Any, name: str) -> None:
    if issubclass(type(holder), type):
        type.__delattr__(holder, name)
    else:
        del module_namespace(holder)[name]
