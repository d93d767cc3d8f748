"""Whole class trees: overrides in subclasses that exist, those of later ones, and what they take from mixins and bases."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from functools import cached_property
from types import FunctionType
from typing import Any, Final, NamedTuple

from agent_trace.decorator import ObservedCallable
from agent_trace.instrumentation.names import Selection
from agent_trace.instrumentation.patches import ClassPatch, is_immutable, namespace
from agent_trace.instrumentation.wrapping import undecorated
from agent_trace.recording.capturing.attributes import class_line, module_root

_ROUTINES: Final = (FunctionType, classmethod, staticmethod)
_NOT_CALLED: Final = (type, property, cached_property)
_MOST_DECORATORS: Final = 20
_STRUCTURAL: Final = frozenset({"typing", "typing_extensions", "abc", "builtins"})


class Method(NamedTuple):
    """A method to attach: where it is defined, and for instances of which class when that is not the same tree."""

    kind: type
    name: str
    only: type | None


def tree_of(root: type) -> Iterator[type]:
    """The class and all its subclasses, each once."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        kind = waiting.pop()
        if id(kind) not in seen:
            seen.add(id(kind))
            yield kind
            waiting.extend(type.__subclasses__(kind))


def methods_of(kind: type, root: type, selection: Selection) -> Iterator[Method]:
    """What of a class of the tree below `root` is to be attached.

    A method is attached where it is defined, so that no class gets an attribute it did not have. One that stands
    outside the tree, on a mixin or a base of the root, is attached there, for instances of the tree alone.
    """
    line = class_line(kind)
    seen: set[str] = set()
    for ancestor in line:
        if ancestor is object:
            continue
        for name in selection.of(namespace(ancestor)):
            if name in seen:
                continue
            seen.add(name)
            if ancestor is kind:
                yield Method(kind, name, None)
            elif not _is_below(ancestor, root) and _counts(ancestor, root, selection):
                yield Method(ancestor, name, root)


def _counts(ancestor: type, root: type, selection: Selection) -> bool:
    """Whether methods of a class outside the tree are meant: not by a pattern, unless it belongs to the same code."""
    if selection.is_spelled:
        return True
    if is_immutable(ancestor) or module_root(ancestor) in _STRUCTURAL:
        return False
    return not selection.is_pattern or module_root(ancestor) == module_root(root)


def _is_below(kind: type, root: type) -> bool:
    return any(each is root for each in class_line(kind))


def is_defined(root: type, selection: Selection) -> bool:
    """Whether any class of the tree has such a method, be it abstract."""
    return any(selection.of(namespace(each)) for kind in tree_of(root) for each in class_line(kind))


def is_attachable(member: Any) -> bool:
    """Whether it is called, and nobody has decorated it. An abstract method is not called, but for `super()`."""
    if _is_decorated(undecorated(member)):
        return False
    if isinstance(member, _ROUTINES):
        return not getattr(member, "__isabstractmethod__", False)
    if isinstance(member, _NOT_CALLED):
        return False
    return callable(member) or isinstance(member, functools.partialmethod | functools.singledispatchmethod)


def _is_decorated(member: Any) -> bool:
    """Whether `observe_llm` stands on it, be it below other decorators."""
    inner = member.__func__ if isinstance(member, classmethod | staticmethod) else member
    for _ in range(_MOST_DECORATORS):
        if isinstance(inner, ObservedCallable):
            return True
        inner = getattr(inner, "__dict__", {}).get("__wrapped__")
        if inner is None:
            break
    return False


def method_names(root: type) -> set[str]:
    """What somebody may have meant who named a method of the class."""
    classes = {each for kind in tree_of(root) for each in class_line(kind) if each is not object}
    return {
        name
        for each in classes
        for name, member in namespace(each).items()
        if isinstance(member, _ROUTINES) and not name.startswith("__")
    }


def watch(kind: type, heard: Callable[[type], None]) -> ClassPatch:
    """Have `heard` called with each new subclass of a class. An `__init_subclass__` that is there is called as before."""
    former = _before_ours(namespace(kind).get("__init_subclass__"))
    patch = ClassPatch(kind, "__init_subclass__", *(() if former is None else (former,)))
    patch.put(_heard_first(kind, heard) if former is None else _heard_after(former, heard))
    return patch


def watch_birth(kind: type, seen: Callable[[Any], None]) -> ClassPatch:
    """Have `seen` called with what the `__new__` of a class returns, which need not be an instance of it."""
    former = _before_ours(namespace(kind)["__new__"])
    function = getattr(former, "__func__", former)

    @functools.wraps(function)
    def __new__(cls: type, /, *args: Any, **kwargs: Any) -> Any:
        made = function(cls, *args, **kwargs)
        seen(made)
        return made

    patch = ClassPatch(kind, "__new__", former)
    patch.put(staticmethod(_ours(__new__, former)))
    return patch


_FORMER: Final = "__agent_trace_former__"


def _ours(function: Any, former: Any) -> Any:
    setattr(function, _FORMER, former)
    return function


def _before_ours(member: Any) -> Any:
    """What stood there before us: `dataclass(slots=True)` makes a class anew of what it finds in the first one."""
    return getattr(getattr(member, "__func__", None), _FORMER, member)


def _heard_after(former: Any, heard: Callable[[type], None]) -> Any:
    """The `__init_subclass__` of a class, and then ours."""

    def __init_subclass__(cls: type, /, *args: Any, **kwargs: Any) -> Any:
        result = former.__get__(None, cls)(*args, **kwargs)
        heard(cls)
        return result

    function = getattr(former, "__func__", None)
    named = __init_subclass__ if function is None else functools.wraps(function)(__init_subclass__)
    return classmethod(_ours(named, former))


def _heard_first(kind: Any, heard: Callable[[type], None]) -> Any:
    """One for a class that has none of its own: what it inherits is found as without us."""

    def __init_subclass__(cls: type, /, *args: Any, **kwargs: Any) -> Any:
        result = super(kind, cls).__init_subclass__(*args, **kwargs)
        heard(cls)
        return result

    return classmethod(__init_subclass__)


def has_own_birth(kind: type) -> bool:
    """Whether the class has a `__new__` written in Python."""
    return isinstance(namespace(kind).get("__new__"), staticmethod | FunctionType)
