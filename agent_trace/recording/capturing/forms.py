"""What values of known types look like in a record: a JSON type, the ends of a container, or a short text.

Types are recognised by what they are, never by what they claim (`__class__`), and third-party ones without
importing them. A class is classified once. Nothing is iterated that would be used up, nothing awaited.
"""

import collections
import enum
import functools
import re
import types
from itertools import islice
from pathlib import PurePath
from typing import Any, Final

from agent_trace.recording.capturing import foreign_forms
from agent_trace.recording.capturing.attributes import (
    MISSING,
    PerClass,
    class_attribute,
    instance_attributes,
    shown_fields,
    slot_names,
    static_attribute,
    type_name,
)
from agent_trace.recording.capturing.cutting import Excerpt
from agent_trace.recording.capturing.digest import digest
from agent_trace.recording.capturing.ends import Ends, ends_of_fields, ends_of_items
from agent_trace.recording.capturing.foreign_forms import Form
from agent_trace.recording.guard import guarded


class Unknown:
    """Stands for the form of an object that nothing is known about."""


_UNKNOWN: Final = Unknown()
_ADDRESS: Final = re.compile(r" at 0x[0-9a-fA-F]{6,16}(?=[>\s,)])")
_REPR_LOOKED_AT_CHARS: Final = 65_536
_forms: PerClass[Form] = PerClass()


def form(value: object, nodes: int) -> object:
    """What to write for a value that is no exact JSON scalar. `Unknown` when only its `repr` can tell."""
    kind = type(value)
    make = _forms.get(kind)
    if make is None:
        make = _forms.put(kind, _classify(kind))
    return make(value, nodes)


def _classify(kind: type) -> Form:
    for ancestor, make in _BY_ANCESTOR:
        if issubclass(kind, ancestor):
            return make
    model = foreign_forms.model_form(kind)
    if model is not None:
        return model
    names = _dataclass_fields(kind)
    if names is not None:
        return lambda value, _: shown_fields(value, names)
    if issubclass(kind, tuple) and isinstance(class_attribute(kind, "_fields"), tuple):
        return _named_tuple
    for ancestor, make in _BY_BUILTIN:
        if issubclass(kind, ancestor):
            return make
    return foreign_forms.form_of(kind) or _one_shot_form(kind)


def _one_shot_form(kind: type) -> Form:
    # The repr of an iterator may contain all it was made from: `itertools.repeat(big)`. Open files tell their name.
    name = type_name(kind)
    if class_attribute(kind, "__next__") is not MISSING and not name.startswith("_io."):
        return lambda value, _: f"<{name}>"
    return lambda value, _: _UNKNOWN


def _dataclass_fields(kind: type) -> tuple[str, ...] | None:
    if class_attribute(kind, "__dataclass_fields__") is MISSING:
        return None
    from dataclasses import (
        fields,
    )  # the class had it imported; to import it first would cost every program 5 ms

    return tuple(field.name for field in fields(kind) if field.repr)


def _named_tuple(value: object, _: int) -> object:
    names = class_attribute(type(value), "_fields")
    assert isinstance(names, tuple) and isinstance(value, tuple)
    return dict(zip(map(str, names), tuple.__iter__(value), strict=False))


def _exception(value: object, _: int) -> object:
    text: object = None
    with guarded("the message of a captured exception"):
        text = str(value)
    if text is None:
        text = marker_for(value, "str failed")
    return {"type": type_name(type(value)), "message": text}


def _enum(value: object, _: int) -> object:
    """The value of a member when that is a text, its dotted name otherwise: `Side.BUY` says more than 1."""
    own = instance_attributes(value)
    given, name = own.get("_value_"), own.get("_name_")
    if isinstance(given, str):
        return str.__str__(given)
    return f"{type(value).__qualname__}.{name}" if type(name) is str else _UNKNOWN


def _view(value: Any, nodes: int) -> Ends:
    head: list[object] = list(islice(value, nodes))
    total = max(len(value), len(head))
    return Ends(head, head if len(head) == total else [], total, "items")


def _proxy(value: Any, nodes: int) -> Ends:
    return _view(value.items(), nodes)._replace(unit="entries")


def _function(value: object, _: int) -> object:
    return f"<function {getattr(value, '__module__', None)}.{getattr(value, '__qualname__', '?')}>"


def _method(value: object, _: int) -> object:
    assert isinstance(value, types.MethodType)
    return f"<method {type_name(type(value.__self__))}.{getattr(value.__func__, '__name__', '?')}>"


def _partial(value: object, _: int) -> object:
    assert isinstance(value, functools.partial)
    called = value.func
    return f"<partial of {getattr(called, '__module__', None)}.{getattr(called, '__qualname__', '?')}>"


def _as_is(value: Any, nodes: int) -> Ends:
    return ends_of_fields(value, nodes) if issubclass(type(value), dict) else ends_of_items(value, nodes)


def _text(value: Any, _: int) -> str:
    return str.__str__(value)


def _under(name: str) -> Form:
    def make(value: object, _: int) -> object:
        under = static_attribute(value, name)
        return _UNKNOWN if under is MISSING or under is value else under

    return make


_NO_ENTRIES: Final[dict[str, object]] = {}
_VIEWS: Final = (type(_NO_ENTRIES.keys()), type(_NO_ENTRIES.values()), type(_NO_ENTRIES.items()))

_BY_ANCESTOR: Final[tuple[tuple[type, Form], ...]] = (
    (BaseException, _exception),
    (enum.Enum, _enum),
    (Excerpt, lambda value, _: value),
)

_BY_BUILTIN: Final[tuple[tuple[type, Form], ...]] = (
    (str, _text),
    (int, lambda value, _: int.__int__(value)),
    (float, lambda value, _: float.__float__(value)),
    *((kind, _as_is) for kind in (dict, list, tuple, set, frozenset, collections.deque)),
    *((kind, lambda value, _: digest(value)) for kind in (bytes, bytearray, memoryview)),
    (PurePath, lambda value, _: str(value)),
    (collections.UserDict, _under("data")),
    (collections.UserList, _under("data")),
    (collections.UserString, _under("data")),
    (collections.ChainMap, _under("maps")),
    (types.SimpleNamespace, lambda value, _: dict(instance_attributes(value))),
    (types.MappingProxyType, _proxy),
    *((kind, _view) for kind in _VIEWS),
    (type, lambda value, _: f"<class {type_name(value)}>"),
    (types.ModuleType, lambda value, _: f"<module {instance_attributes(value).get('__name__')}>"),
    (types.FunctionType, _function),
    (types.BuiltinFunctionType, _function),
    (types.MethodType, _method),
    (functools.partial, _partial),
    (types.GeneratorType, lambda value, _: f"<generator {value.__qualname__}>"),
    (types.CoroutineType, lambda value, _: f"<coroutine {value.__qualname__}>"),
    (types.AsyncGeneratorType, lambda value, _: f"<async generator {value.__qualname__}>"),
)


class _attempt(guarded):
    """A guard that remembers what kind of exception it contained."""

    __slots__ = ("failure",)

    def __init__(self, work: str) -> None:
        super().__init__(work)
        self.failure: type[BaseException] | None = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None
    ) -> bool:
        self.failure = kind
        return super().__exit__(kind, error, trace)


def bounded_repr(value: object) -> str | None:
    """The object's own `repr` without memory addresses, a marker if that fails; `None` if it has none of its own."""
    if class_attribute(type(value), "__repr__") is object.__repr__:
        return None
    attempt = _attempt("the repr of a captured value")
    text = ""
    with attempt:
        text = str.__str__(repr(value))
    if attempt.failure is not None:
        return marker_for(value, f"repr failed with {type_name(attempt.failure)}")
    return _ADDRESS.sub("", text) if len(text) <= _REPR_LOOKED_AT_CHARS else text


def attributes_shown(value: object) -> dict[str, object]:
    """Public attributes of an object without a `repr`, from its `__dict__` and slots, its class first."""
    names = [*instance_attributes(value), *slot_names(type(value))]
    public = (name for name in names if type(name) is str and not name.startswith("_"))
    shown = shown_fields(value, tuple(dict.fromkeys(public)))
    return {"__class__": type_name(type(value)), **shown} if shown else {}


def marker_for(value: object, what: str) -> str:
    """`<app.Desk: repr failed with ValueError>`, or `<app.Desk object>` for what is simply an object."""
    name = type_name(type(value))
    return f"<{name} object>" if what == "object" else f"<{name}: {what}>"
