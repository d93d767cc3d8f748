"""The wrapper in the place of a function, and the place itself: which attachments have a claim on its calls."""

from __future__ import annotations

import functools
import inspect
import pkgutil
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Final, Protocol
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


def wrapper_of(function: Any, place: Place) -> Any:
    """What is put in the place of a function.

    For a plain function, a plain function: what binds, pickles and compares as one, and costs a third of a wrapt wrapper
    while recording is off. wrapt for the rest, whose nature or binding a function of ours would not have.
    """
    if type(function) is not FunctionType or inspect.iscoroutinefunction(function) or _is_generator(function):
        return AttachedCallable(function, place)
    wrapper = _function_in_place_of(function, place)
    _wrapped_by_ours[wrapper] = function
    return wrapper


_wrapped_by_ours: Final[WeakKeyDictionary[Any, Any]] = WeakKeyDictionary()


def _function_in_place_of(function: Any, place: Place) -> Any:
    makes, is_method = place.makes, place.is_method

    @functools.wraps(function)
    def attached(*args: Any, **kwargs: Any) -> Any:
        if not makes and not is_on():
            return function(*args, **kwargs)
        if is_method and args and args[0] is not None:
            return place.call(MethodType(function, args[0]), args[0], args[1:], kwargs)
        return place.call(function, None, args, kwargs)

    return attached


def _is_generator(function: Any) -> bool:
    return inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)


def is_ours(member: Any) -> bool:
    """Whether it is a wrapper of this module."""
    return issubclass(type(member), AttachedCallable) or (
        type(member) is FunctionType and member in _wrapped_by_ours
    )


def undecorated(member: Any) -> Any:
    """What stood there before we wrapped it; the member itself if we have not."""
    while is_ours(member):
        member = member.__wrapped__
    return member
