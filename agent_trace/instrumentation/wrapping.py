"""The wrapper in the place of a function, and the place itself: which attachments have a claim on its calls."""

from __future__ import annotations

import functools
import inspect
import pkgutil
import sys
from types import CodeType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Final, Protocol, cast
from weakref import WeakKeyDictionary

from agent_trace.decorator import BoundObserved, ObservedCallable
from agent_trace.instrumentation.claims import Claim
from agent_trace.recording.process import is_on

if TYPE_CHECKING:
    from collections.abc import Callable


class Patch(Protocol):
    """Where a wrapper is put, and how what was there comes back."""

    def put(self, value: Any) -> None:
        """Hold `value`."""

    def undo(self) -> bool:
        """Hold what was there. False when somebody else has changed it meanwhile."""


class Place:
    """One function in the place it was found. It is wrapped while there is a claim on its calls."""

    __slots__ = ("_claims", "_patch", "function", "is_method", "makes", "name")

    def __init__(self, patch: Patch, function: Any, name: str, *, makes: bool, is_method: bool) -> None:
        self._patch = patch
        self._claims: tuple[Claim, ...] = ()
        self.function = function
        self.name = name
        self.makes = makes
        self.is_method = is_method

    def claimed_by(self, owner: object, only: type | None) -> bool:
        """Whether that attachment has a claim on it already."""
        return any(each.owner is owner and each.only is only for each in self._claims)

    def add(self, claim: Claim) -> None:
        """Wrap the function for the first claim. Raises TypeError where Python does not allow it."""
        if not self._claims:
            self._patch.put(wrapper_of(self.function, self))
        self._claims = (*self._claims, claim)

    def drop(self, owner: object) -> bool:
        """Forget the claims of one attachment; with the last one, what was there comes back. Whether it did, or had not to.

        A wrapper that somebody else has wrapped stays where it is, and does nothing any more.
        """
        had = self._claims
        self._claims = tuple(each for each in had if each.owner is not owner)
        return self._patch.undo() if had and not self._claims else True

    @property
    def is_free(self) -> bool:
        """Whether nobody has a claim on it."""
        return not self._claims

    def call(self, wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What wrapt calls: the first claim that covers the instance decides."""
        for claim in self._claims:
            if claim.covers(instance):
                return claim.call(wrapped, instance, args, kwargs)
        return wrapped(*args, **kwargs)


class _BoundAttached(BoundObserved):
    """An attached method, bound or looked up on its class. What it pickles to can be read without this package."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        bound: Any = self.__wrapped__
        instance = getattr(bound, "__self__", None)
        if instance is not None:
            return getattr, (instance, bound.__name__)
        return pkgutil.resolve_name, (f"{bound.__module__}:{bound.__qualname__}",)


class AttachedCallable(ObservedCallable):
    """A wrapper as the decorator's, whose calls go to whoever has attached."""

    __bound_function_wrapper__ = _BoundAttached

    def __init__(self, wrapped: Any, place: Place) -> None:
        # What makes something has to be attached also while recording is off: it may be on when that is called.
        enabled: Callable[[], bool] | None = None if place.makes else is_on
        super(ObservedCallable, self).__init__(wrapped, place.call, enabled)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """By name, as functions are, whether or not pickle finds it there."""
        return self.__wrapped__.__qualname__


def wrapper_of(member: Any, place: Place) -> Any:
    """What is put in the place of a function, a class method or a static method.

    Where Python wrote it, another one of its kind: what binds, pickles and compares as it does, and costs a sixth of a
    wrapt wrapper while recording is off. wrapt for the rest, whose binding a function of ours would not have.
    """
    kind = type(member)
    function = member.__func__ if kind in _BINDING else member
    if type(function) is not FunctionType or (_nature(function) and not _FLAGS_ONLY_TELL):
        return AttachedCallable(member, place)
    wrapper = _function_in_place_of(function, place, is_bound=place.is_method and kind is not staticmethod)
    _members_behind_ours[wrapper] = member
    return wrapper if kind is FunctionType else _bound_as(kind, wrapper, member)


_BINDING: Final = (classmethod, staticmethod)
_members_behind_ours: Final[WeakKeyDictionary[Any, Any]] = WeakKeyDictionary()


def _function_in_place_of(function: FunctionType, place: Place, *, is_bound: bool) -> FunctionType:
    makes = place.makes

    def attached(*args: Any, **kwargs: Any) -> Any:
        if not makes and not is_on():
            return function(*args, **kwargs)
        if is_bound and args and args[0] is not None:
            return place.call(MethodType(function, args[0]), args[0], args[1:], kwargs)
        return place.call(function, None, args, kwargs)

    nature = _nature(function)
    if nature:
        # Put together anew: Python warns of a function that is given the code of another nature.
        code = _code_of_nature(attached.__code__, nature)
        attached = FunctionType(code, attached.__globals__, closure=attached.__closure__)
    return cast(FunctionType, functools.wraps(function)(attached))


def _bound_as(kind: type, wrapper: FunctionType, former: Any) -> Any:
    member = kind(wrapper)
    vars(member).update(vars(former))
    return member


_NATURES: Final = (
    inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR | inspect.CO_ITERABLE_COROUTINE
)


def _nature(function: Any) -> int:
    """Whether a call gives a coroutine or a generator, as `inspect` and `asyncio` tell it: by flags of the code."""
    return cast(int, function.__code__.co_flags & _NATURES)


@functools.cache
def _code_of_nature(code: CodeType, nature: int) -> CodeType:
    """The same code under these flags. What a call does is in the code itself, since Python 3.11."""
    return code.replace(co_flags=code.co_flags | nature)


def _returns_at_once() -> bool:
    return FunctionType(_code_of_nature(_nothing.__code__, inspect.CO_COROUTINE), {})() is None


def _nothing() -> None:
    return None


_FLAGS_ONLY_TELL: Final = sys.implementation.name == "cpython" and _returns_at_once()


def is_ours(member: Any) -> bool:
    """Whether it is a wrapper of this module, and not somebody else's around one of ours."""
    return issubclass(type(member), AttachedCallable) or _function_of(member) in _members_behind_ours


def undecorated(member: Any) -> Any:
    """What stood there before we wrapped it; the member itself if we have not."""
    while is_ours(member):
        function = _function_of(member)
        member = member.__wrapped__ if function is None else _members_behind_ours[function]
    return member


def _function_of(member: Any) -> FunctionType | None:
    # Asked of the type: a proxy says that it is what it stands for.
    function = member.__func__ if type(member) in _BINDING else member
    return function if type(function) is FunctionType else None
