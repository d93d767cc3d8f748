"""Attributes and names read without running anybody's code: no property, no `__getattr__`, no metaclass.

What cannot be read that way is missing. Values of any type may be passed in.
"""

from collections.abc import Iterable
from types import MemberDescriptorType
from typing import Final, Generic, TypeVar
from weakref import ref

Made = TypeVar("Made")

MISSING: Final = object()
"""Stands for an attribute that is not there, or that only foreign code could compute."""

_NO_ATTRIBUTES: Final[dict[str, object]] = {}
_NAME_CHARS: Final = 200

# Asking `type` itself: a metaclass may define `__mro__`, `__dict__` or `__qualname__` as a property that raises.
_class_line = type.__dict__["__mro__"].__get__
_class_namespace = type.__dict__["__dict__"].__get__
_class_qualname = type.__dict__["__qualname__"].__get__
_class_module = type.__dict__["__module__"].__get__


class PerClass(Generic[Made]):
    """Remembers one thing for each class, as long as the class lives, without asking it for a hash."""

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: dict[int, tuple[ref[type], Made]] = {}

    def get(self, kind: type) -> Made | None:
        """What was put for that class; `None` before."""
        found = self._made.get(id(kind))
        return found[1] if found is not None and found[0]() is kind else None

    def put(self, kind: type, made: Made) -> Made:
        """Remember it, and give it back."""
        key, remembered = id(kind), self._made
        remembered[key] = (ref(kind, lambda _: remembered.pop(key, None)), made)
        return made


def instance_attributes(value: object) -> dict[str, object]:
    """The instance's own `__dict__`, not a copy; empty for objects that have none."""
    try:
        own = object.__getattribute__(value, "__dict__")
    except AttributeError:
        return _NO_ATTRIBUTES
    return own if type(own) is dict else _NO_ATTRIBUTES


def static_attribute(value: object, name: str) -> object:
    """An attribute from the instance, a slot, or a plain value on its class; `MISSING` otherwise."""
    own = instance_attributes(value)
    if name in own:
        return own[name]
    found = class_attribute(type(value), name)
    if type(found) is MemberDescriptorType:
        try:
            return found.__get__(value)
        except AttributeError:  # a slot that was never filled
            return MISSING
    return MISSING if is_descriptor(found) else found


def class_attribute(kind: type, name: str) -> object:
    """What the class or a base has under that name, descriptors unbound; `MISSING` when none has it."""
    for ancestor in _class_line(kind):
        namespace = _class_namespace(ancestor)
        if name in namespace:
            found: object = namespace[name]
            return found
    return MISSING


def is_descriptor(found: object) -> bool:
    """Whether reading it through an instance would run code: functions, properties and their like."""
    return class_attribute(type(found), "__get__") is not MISSING


def slot_names(kind: type) -> list[str]:
    """Names of all slots of a class and its bases, in order of definition."""
    names: list[str] = []
    for ancestor in reversed(_class_line(kind)):
        namespace = _class_namespace(ancestor)
        names.extend(name for name in namespace if type(namespace[name]) is MemberDescriptorType)
    return names


def shown_fields(value: object, names: Iterable[str]) -> dict[str, object]:
    """Those of the named attributes that are there, in the given order."""
    found = ((name, static_attribute(value, name)) for name in names)
    return {name: part for name, part in found if part is not MISSING}


def type_name(kind: type) -> str:
    """`package.module.Class`, without the module for builtins; at most 200 characters."""
    qualname = str(_class_qualname(kind))
    module = _module(kind)
    if module in ("", "builtins"):
        return qualname[:_NAME_CHARS]
    return f"{module}.{qualname}"[:_NAME_CHARS]


def class_line(kind: type) -> tuple[type, ...]:
    """The class and its bases in the order in which attributes are looked up."""
    line: tuple[type, ...] = _class_line(kind)
    return line


def module_root(kind: type) -> str:
    """The distribution-level part of the module that defines a class: `openai` for `openai.types.X`."""
    return _module(kind).partition(".")[0]


def _module(kind: type) -> str:
    try:
        module = _class_module(kind)
    except AttributeError:
        return ""
    return module if type(module) is str else ""
