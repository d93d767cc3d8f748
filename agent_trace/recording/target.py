"""What is traced: one function with its name, type and signature, and what of a call is to be captured."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from agent_trace.errors import SettingError
from agent_trace.observation import OBSERVATION_TYPES, ObservationType

if TYPE_CHECKING:
    from agent_trace.recording.subject import Subject

_MAX_OWNERS: Final = 1_000
_POSITIONAL: Final = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Target:
    """One traced function. Its signature is looked at once, by the first call that captures its input."""

    __slots__ = (
        "_function",
        "_owned_by",
        "about",
        "bound_arguments",
        "captures_input",
        "captures_output",
        "entry_point",
        "model_by_default",
        "name",
        "owner",
        "parameters_by_default",
        "signature",
        "type",
    )

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        as_type: ObservationType = "generation",
        capture_input: bool = True,
        capture_output: bool = True,
    ) -> None:
        if as_type not in OBSERVATION_TYPES:
            known = ", ".join(OBSERVATION_TYPES)
            raise SettingError(f"as_type={as_type!r} is no type of observation; say one of {known}")
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name={name!r}: the name of an observation is a text")
        innermost = _innermost(function)
        self._function = function
        self.bound_arguments = _partial_arguments(function)
        self.owner = _class_of_definition(innermost)
        self._owned_by: dict[type, bool] = {}
        self.signature: _Signature | None = None
        self.about: Callable[[Any], Subject | None] | None = None
        self.model_by_default: str | None = None
        self.parameters_by_default: dict[str, Any] | None = None
        self.name = name or _readable_name(innermost)
        self.type = as_type
        self.captures_input = capture_input
        self.captures_output = capture_output
        self.entry_point = f"{getattr(innermost, '__module__', None)}:{_qualified_name(innermost)}"

    def instance_of(self, instance: Any, args: tuple[Any, ...]) -> tuple[Any, tuple[Any, ...]]:
        """The instance (or class) a call is bound to, and the arguments without it.

        wrapt reports the binding, except where something between the class and us calls the function itself, with the
        instance as first argument: a property, or another decorator. Then it is what the function was defined for that
        decides: the class in whose body it stands.
        """
        if instance is None and self.owner is None:
            return None, args
        if instance is not None:
            # wrapt takes a builtin's module for what it is bound to.
            return (None if type(instance) is ModuleType else instance), args
        if not args or not self._is_owned(args[0]):
            return None, args
        return args[0], args[1:]

    def _is_owned(self, value: Any) -> bool:
        kind = value if isinstance(value, type) else type(value)
        known = self._owned_by.get(kind)
        if known is None:
            if len(self._owned_by) >= _MAX_OWNERS:
                self._owned_by.clear()
            known = self._owned_by[kind] = any(map(self._is_defined_in, kind.__mro__))
        return known

    def _is_defined_in(self, kind: type) -> bool:
        assert self.owner is not None
        module, qualname, name = self.owner
        same = kind.__qualname__ == qualname and kind.__module__ == module
        return same and not isinstance(vars(kind).get(name), staticmethod)

    def arguments(
        self, args: tuple[Any, ...], kwargs: Mapping[str, Any], *, is_bound: bool
    ) -> dict[str, Any]:
        """The arguments of a call by parameter name, without the bound instance or class."""
        if self.bound_arguments is not None:
            args = (*self.bound_arguments.args, *args)
            kwargs = {**self.bound_arguments.keywords, **kwargs}
        signature = self.signature
        if signature is None:
            signature = self._look_at_signature()
        return signature.by_name(args, kwargs, is_bound)

    def _look_at_signature(self) -> _Signature:
        from agent_trace.recording.reading.arguments import read_parameters

        function = self._function if self.bound_arguments is None else self.bound_arguments.func
        signature = self.signature = _Signature(function)
        self.model_by_default, self.parameters_by_default = read_parameters(signature.defaults)
        return signature


class _Signature:
    """Parameter names, ready for calls."""

    __slots__ = ("_keywords", "_star", "_star_star", "bound_names", "defaults", "names")

    def __init__(self, function: Callable[..., Any]) -> None:
        parameters = _parameters(function)
        names = tuple(each.name for each in parameters if each.kind in _POSITIONAL)
        self.names = names
        # A bound method handed to us has lost its first parameter already.
        self.bound_names = names if inspect.ismethod(function) else names[1:]
        self._keywords = {
            each.name for each in parameters if each.kind in (_POSITIONAL[1], inspect.Parameter.KEYWORD_ONLY)
        }
        self._star = _name_of_kind(parameters, inspect.Parameter.VAR_POSITIONAL) or "args"
        self._star_star = _name_of_kind(parameters, inspect.Parameter.VAR_KEYWORD) or "kwargs"
        self.defaults = {each.name: each.default for each in parameters if each.default is not each.empty}

    def by_name(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], is_bound: bool) -> dict[str, Any]:
        names = self.bound_names if is_bound else self.names
        found = dict(zip(names, args))  # noqa: B905 - `strict=False` said aloud costs a tenth of a microsecond
        if len(args) > len(names):
            found[self._star] = args[len(names) :]
        if kwargs:
            others: dict[str, Any] = {}
            for key, value in kwargs.items():
                (found if key in self._keywords else others)[key] = value
            if others:
                found[self._star_star] = others
        return found


def _partial_arguments(function: Any) -> partial[Any] | None:
    """What a partial has fixed already; a partial of a partial is one partial to functools."""
    return function if type(function) is partial else None


def _class_of_definition(function: Any) -> tuple[str, str, str] | None:
    """(module, class, name) of a function that stands in the body of a class, else None."""
    qualname, _, name = _qualified_name(function).rpartition(".")
    is_in_class = inspect.isfunction(function) and qualname and not qualname.endswith("<locals>")
    return (function.__module__, qualname, name) if is_in_class else None


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    if isinstance(function, classmethod | staticmethod):
        function = function.__func__
    try:
        return list(inspect.signature(function).parameters.values())
    except (ValueError, TypeError):  # builtins without a text signature, callables that deny theirs
        return []


def _name_of_kind(parameters: list[inspect.Parameter], kind: object) -> str | None:
    return next((each.name for each in parameters if each.kind is kind), None)


def _innermost(function: Any) -> Any:
    """The function that has a name: below descriptors and partials."""
    while True:
        if isinstance(function, classmethod | staticmethod):
            function = function.__func__
        elif isinstance(function, partial):
            function = function.func
        else:
            return function


def _qualified_name(function: Any) -> str:
    return str(getattr(function, "__qualname__", None) or type(function).__qualname__)


def _readable_name(function: Any) -> str:
    """`Desk.decide`, also for one that was defined inside a function."""
    return _qualified_name(function).rpartition("<locals>.")[2]
