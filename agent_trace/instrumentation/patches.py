"""The one place that puts something into the `__dict__` of somebody else's class or module, and takes it out again."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Final
from weakref import ref

_ABSENT: Final = object()
_IMMUTABLE: Final = 1 << 8
_namespace_of_class: Final = type.__dict__["__dict__"].__get__
_namespace_of_module: Final[Any] = vars(ModuleType)["__dict__"].__get__


def namespace(kind: type) -> Any:
    """What a class itself defines, by name. Asks `type`, not the class: its metaclass may have another answer."""
    return _namespace_of_class(kind)


def module_namespace(module: ModuleType) -> dict[str, Any]:
    """The globals of a module. A lazy module stays unloaded."""
    found: dict[str, Any] = _namespace_of_module(module)
    return found


def is_immutable(kind: type) -> bool:
    """Whether Python lets nobody change the class: those written in C."""
    return bool(kind.__flags__ & _IMMUTABLE)


class ClassPatch:
    """One attribute of one class. Does not keep the class alive."""

    __slots__ = ("_kind", "_name", "_original", "_put")

    def __init__(self, kind: type, name: str, original: Any = _ABSENT) -> None:
        self._kind = ref(kind)
        self._name = name
        self._original = namespace(kind).get(name, _ABSENT) if original is _ABSENT else original
        self._put: Any = _ABSENT

    def put(self, value: Any) -> None:
        """Have the class hold `value`. Raises TypeError where Python does not allow it."""
        kind = self._kind()
        if kind is not None:
            # Not `setattr`: a metaclass may refuse, or do more than that.
            type.__setattr__(kind, self._name, value)
            self._put = value

    def undo(self) -> bool:
        """Put back the same object. False when somebody else has put theirs over ours, which stays."""
        kind, put = self._kind(), self._put
        self._put = _ABSENT
        if kind is None or put is _ABSENT:
            return True
        if namespace(kind).get(self._name, _ABSENT) is not put:
            return False
        if self._original is _ABSENT:
            type.__delattr__(kind, self._name)
        else:
            type.__setattr__(kind, self._name, self._original)
        return True


class ModulePatch:
    """One function wherever a loaded module has it among its globals: where it was defined, and where it was imported."""

    __slots__ = ("_original", "_put")

    def __init__(self, original: Any) -> None:
        self._original = original
        self._put: Any = _ABSENT

    def put(self, value: Any) -> None:
        """Have every module hold `value` in place of the function."""
        self._put = value
        _replace(self._original, value)

    def undo(self) -> bool:
        """Put back the same function, also where ours was imported meanwhile."""
        put, self._put = self._put, _ABSENT
        if put is not _ABSENT:
            _replace(put, self._original)
        return True


def _replace(former: Any, value: Any) -> None:
    for globals_ in _all_globals():
        for name, held in list(globals_.items()):
            if held is former:
                globals_[name] = value


def _all_globals() -> Iterator[dict[str, Any]]:
    for module in list(sys.modules.values()):
        if issubclass(type(module), ModuleType):
            yield module_namespace(module)
