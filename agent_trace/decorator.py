"""`@observe_llm`: from a function, method, property, class or callable to one whose calls are observed."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from functools import cached_property, partial, partialmethod, singledispatchmethod
from importlib import import_module
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, TypedDict, TypeVar, overload

import wrapt

import agent_trace.background  # noqa: F401 - what is recorded is delivered, where there is somewhere to deliver it to
from agent_trace.observation import ObservationType
from agent_trace.recording.calls import call_observed, wrapper_for
from agent_trace.recording.process import is_on
from agent_trace.recording.target import Target

T = TypeVar("T")

if TYPE_CHECKING:
    _FunctionWrapper = wrapt.FunctionWrapper[..., Any]
    _BoundFunctionWrapper = wrapt.BoundFunctionWrapper[..., Any]
else:
    _FunctionWrapper = wrapt.FunctionWrapper
    _BoundFunctionWrapper = wrapt.BoundFunctionWrapper


class Options(TypedDict, total=False):
    """What `observe_llm` was called with."""

    name: str | None
    capture_input: bool
    capture_output: bool
    as_type: ObservationType


@overload
def observe_llm(target: T, /) -> T: ...


@overload
def observe_llm(
    target: None = None,
    /,
    *,
    name: str | None = None,
    capture_input: bool = True,
    capture_output: bool = True,
    as_type: ObservationType = "generation",
) -> Callable[[T], T]: ...


def observe_llm(
    target: Any = None,
    /,
    *,
    name: str | None = None,
    capture_input: bool = True,
    capture_output: bool = True,
    as_type: ObservationType = "generation",
) -> Any:
    """Record every call of the decorated code as one observation, and leave its behaviour as it is.

    Takes functions, coroutine functions, generator functions (sync and async), methods, class and static methods and
    properties (in either order of decorators), classes (their public methods are observed; the class stays the
    class), partials and other callables. Use it bare or called:

        @observe_llm
        def ask(prompt: str) -> str: ...

        @observe_llm(name="risk", as_type="agent")
        async def assess(position: Position) -> Verdict: ...

    name: of the observation; the qualified name of the function when None. Of a class, what stands before the dot in the
        names of its methods.
    capture_input, capture_output: whether arguments and result are recorded, after redaction.
    as_type: generation, span, agent, tool, chain, retriever, embedding, evaluator, guardrail or event.

    Raises SettingError for an unknown `as_type`, TypeError for something that cannot be called.
    """
    options = Options(name=name, capture_input=capture_input, capture_output=capture_output, as_type=as_type)
    if target is None:
        return partial(observed, options=options)
    return observed(target, options)


def observed(target: Any, options: Options) -> Any:
    """`target` with its calls observed, by what it is."""
    if isinstance(target, ObservedCallable):
        return target  # decorated twice is observed once
    if isinstance(target, type):
        return _observed_class(target, options)
    if isinstance(target, property):
        return _observed_property(target, options)
    if isinstance(target, cached_property | singledispatchmethod):
        return type(target)(observed(target.func, options))
    if isinstance(target, partialmethod):
        return type(target)(observed(target.func, options), *target.args, **target.keywords)
    if isinstance(target, FunctionType) and target.__name__ in _IMPLICIT_CLASS_METHODS:
        target = classmethod(target)
    if not callable(target) and not isinstance(target, classmethod | staticmethod):
        raise TypeError(f"observe_llm wants something that can be called, not {target!r}")
    return ObservedCallable(target, options)


def _attribute_of(module: str, qualname: str) -> Any:
    """What a class of a module has under a dotted name: how an unbound method is found again after pickling."""
    found: Any = import_module(module)
    for part in qualname.split("."):
        found = getattr(found, part)
    return found


_bind: Final[Any] = _BoundFunctionWrapper.__init__


class BoundObserved(_BoundFunctionWrapper):
    """An observed method, bound or looked up on its class: pickles and copies as what it stands for."""

    def __init__(
        self,
        wrapped: Any,
        instance: Any,
        wrapper: Any = None,
        enabled: Any = None,
        binding: str = "function",
        parent: Any = None,
        owner: Any = None,
    ) -> None:
        """`type(method)(function, instance)` binds, as it does for methods: `weakref.WeakMethod` counts on it."""
        if parent is None:
            parent, wrapped = wrapped, wrapped.__wrapped__.__get__(instance)
            wrapper, enabled, binding = parent._self_wrapper, parent._self_enabled, parent._self_binding
        # Not by `super()`: this runs for every call of a decorated method, also while recording is off.
        _bind(self, wrapped, instance, wrapper, enabled, binding, parent, owner)

    @property
    def __func__(self) -> Any:
        return self._self_parent

    def __repr__(self) -> str:
        return repr(self.__wrapped__)

    def __reduce_ex__(self, protocol: Any) -> Any:
        bound: Any = self.__wrapped__
        instance = getattr(bound, "__self__", None)
        if instance is not None:
            return getattr, (instance, bound.__name__)
        return _attribute_of, (bound.__module__, bound.__qualname__)

    def __reduce__(self) -> Any:
        return self.__reduce_ex__(2)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        instance = getattr(self.__wrapped__, "__self__", None)
        if instance is None or isinstance(instance, type):
            return self
        return self._self_parent.__get__(copy.deepcopy(instance, memo))


class ObservedCallable(_FunctionWrapper):
    """The wrapped callable: looks like what it wraps to `inspect`, `pickle`, `copy` and descriptors."""

    __bound_function_wrapper__ = BoundObserved
    if call_observed is not None:
        __call__ = call_observed

    def __init__(self, wrapped: Any, options: Options) -> None:
        target = Target(wrapped, **options)
        super().__init__(wrapped, wrapper_for(wrapped, target), is_on)
        self._self_options = options

    def __repr__(self) -> str:
        return repr(self.__wrapped__)

    def __reduce_ex__(self, protocol: Any) -> Any:
        if self._is_importable():
            return self.__wrapped__.__qualname__
        return observed, (self.__wrapped__, self._self_options)

    def __reduce__(self) -> Any:
        return self.__reduce_ex__(2)

    def _is_importable(self) -> bool:
        """Whether its module has it under its own name, as pickle requires of functions."""
        found: Any = sys.modules.get(getattr(self.__wrapped__, "__module__", None) or "")
        for part in getattr(self.__wrapped__, "__qualname__", "").split("."):
            found = getattr(found, part, None)
        return found is self

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self


def _observed_property(target: property, options: Options) -> property:
    """A property whose getter is observed; setter and deleter stay as they are."""
    getter = None if target.fget is None else observed(target.fget, options)
    return type(target)(getter, target.fset, target.fdel, target.__doc__)


_METHODS: Final = (FunctionType, classmethod, staticmethod)
_IMPLICIT_CLASS_METHODS: Final = frozenset({"__init_subclass__", "__class_getitem__"})
"""Python makes class methods of these by itself, if they are plain functions."""


def _observed_class(target: type, options: Options) -> type:
    """The same class with its own public methods, and `__call__`, observed in place."""
    for attribute, member in list(vars(target).items()):
        is_public = not attribute.startswith("_") or attribute == "__call__"
        if is_public and isinstance(member, _METHODS):
            name = f"{options['name']}.{attribute}" if options.get("name") else None
            setattr(target, attribute, observed(member, Options(**{**options, "name": name})))
    return target
