"""From an entry point to what is to be attached: the methods of a class tree, a function, or the objects of a registry.

Looked up in `sys.modules` and in namespaces: an attribute of a package may shadow its module, and no property is run.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import partial
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any, Final, NamedTuple

from agent_trace.instrumentation.classes import is_defined, method_names, tree_of
from agent_trace.instrumentation.entry_points import EntryPoint, EntryPointError, missing
from agent_trace.instrumentation.names import Selection, is_factory_class, makes_something
from agent_trace.instrumentation.patches import is_immutable, module_namespace, namespace
from agent_trace.recording.capturing.attributes import (
    MISSING,
    class_attribute,
    instance_attributes,
    is_descriptor,
    static_attribute,
    type_name,
)
from agent_trace.recording.guard import attempt

_FUNCTIONS: Final = (FunctionType, BuiltinFunctionType, MethodType, partial)
_COLLECTIONS: Final = (dict, list, tuple, set, frozenset)


class Methods(NamedTuple):
    """Methods of a class and its subclasses."""

    root: type
    selection: Selection


class Function(NamedTuple):
    """One function, in every module that has it."""

    function: Any
    name: str


class Products(NamedTuple):
    """Models, clients or agents that a registry holds: to be attached by their classes."""

    made: Any


Found = Methods | Function | Products


def resolve(entry: EntryPoint, module: Any) -> list[Found]:
    """What an entry point of a loaded module means. Raises EntryPointError when it is not there."""
    holder = module
    for part in entry.path[:-1]:
        holder = _member(holder, part, entry.text)
    last = entry.path[-1]
    if isinstance(holder, ModuleType):
        if "*" in last:
            return _functions(holder, last, entry.text)
        return [_of_object(_member(holder, last, entry.text), last, entry.text)]
    if isinstance(holder, type):
        inner = class_attribute(holder, last)
        if isinstance(inner, type):
            return [_of_object(inner, last, entry.text)]
    return [_methods(holder, last, entry.text)]


def describe(target: Any) -> tuple[str, list[Found]]:
    """The same for an object that was handed in itself, with the entry point that it would be."""
    if isinstance(target, MethodType) or _is_bound(target):
        bound: Any = target.__self__
        kind = bound if isinstance(bound, type) else type(bound)
        return f"{_spelled(kind)}.{target.__name__}", [_methods(kind, target.__name__, type_name(kind))]
    if isinstance(target, FunctionType):
        return _describe_function(target)
    if isinstance(target, ModuleType):
        raise EntryPointError(f"{target.__name__} is a module; name a class or a function of it")
    if is_function(target):
        return f"{target.__module__}:{target.__qualname__}", [Function(target, target.__name__)]
    kind = target if isinstance(target, type) else type(target)
    return _spelled(kind), [_of_object(target, kind.__name__, type_name(kind))]


def _describe_function(function: Any) -> tuple[str, list[Found]]:
    module, path = function.__module__, tuple(function.__qualname__.split("."))
    text = f"{module}:{function.__qualname__}"
    if "<locals>" in path[-2:-1] or len(path) == 1:
        return text, [Function(function, path[-1])]
    if "<locals>" in path:
        return text, [_methods(_class_with(function, text), path[-1], text)]
    return text, resolve(EntryPoint(text, module, path), sys.modules.get(module))


def _class_with(function: Any, text: str) -> type:
    """The class that a function stands in, where no name leads to it: it was defined inside a function."""
    for kind in tree_of(object):
        if namespace(kind).get(function.__name__) is function:
            return kind
    raise EntryPointError(f"{text} cannot be found by its name; hand in its class")


def _is_bound(target: Any) -> bool:
    """Whether it is a method of something, also one that is decorated."""
    return isinstance(target, FunctionType) and not isinstance(
        getattr(target, "__self__", None), ModuleType | type(None)
    )


def _of_object(found: Any, name: str, text: str) -> Found:
    if isinstance(found, type):
        return _of_class(found, text)
    if is_function(found):
        return Function(found, name)
    if type(found) in _COLLECTIONS or isinstance(found, Mapping):
        return Products(found)
    return _of_class(type(found), text)


def is_function(found: Any) -> bool:
    """Whether it is called as a function, also one that a cache or another decorator in C has made something else of."""
    if isinstance(found, _FUNCTIONS) or hasattr(type(found), "__wrapped__"):
        return True
    return callable(found) and not isinstance(found, type) and is_immutable(type(found))


def _of_class(kind: type, text: str) -> Methods:
    selection = Selection()
    if not is_defined(kind, selection) and is_factory_class(kind.__name__):
        selection = Selection(is_meant=makes_something)
    if not is_defined(kind, selection):
        raise EntryPointError(f"{text}: {type_name(kind)} has no method that asks a model; name one")
    return Methods(kind, selection)


def _methods(holder: Any, name: str, text: str) -> Methods:
    kind = holder if isinstance(holder, type) else type(holder)
    selection = Selection(name)
    if not isinstance(holder, type) and name in instance_attributes(holder):
        raise EntryPointError(f"{text}: {name!r} is set on the object itself, which is left as it is")
    if not is_defined(kind, selection):
        raise missing(text, name, type_name(kind), method_names(kind))
    return Methods(kind, selection)


def _functions(module: ModuleType, pattern: str, text: str) -> list[Found]:
    own = {
        name: value
        for name, value in module_namespace(module).items()
        if isinstance(value, FunctionType) and value.__module__ == module.__name__
    }
    found: list[Found] = [
        Function(value, name)
        for name, value in own.items()
        if fnmatchcase(name, pattern) and (not name.startswith("_") or pattern.startswith("_"))
    ]
    if not found:
        raise missing(text, pattern, module.__name__, own)
    return found


def _member(holder: Any, name: str, text: str) -> Any:
    """One step further, without running a property."""
    if isinstance(holder, ModuleType):
        return _of_module(holder, name, text)
    found = class_attribute(holder, name) if isinstance(holder, type) else static_attribute(holder, name)
    if found is MISSING or (is_descriptor(found) and not isinstance(found, type)):
        kind = holder if isinstance(holder, type) else type(holder)
        raise missing(text, name, type_name(kind), {*namespace(kind), *instance_attributes(holder)})
    return found


def _of_module(module: ModuleType, name: str, text: str) -> Any:
    own = module_namespace(module)
    if name in own:
        return own[name]
    lazily = own.get("__getattr__")
    found = None if lazily is None else attempt("asking a module for a name", lazily, name)
    if found is None:
        raise missing(text, name, module.__name__, [each for each in own if not each.startswith("__")])
    return found


def _spelled(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"
