"""The taps on streams, and the methods that tell them: each does what it did, and says so if there is a tap on its stream."""

from __future__ import annotations

import inspect
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, closing
from functools import wraps
from types import FunctionType
from typing import Any, Final, cast
from weakref import finalize

from agent_trace.instrumentation.feeds import Feed, Tap

# By the identity of the stream: it need not be hashable, and equal ones are not the same.
_taps: Final[dict[int, Tap]] = {}
_inherited: Final[list[Tap]] = []


def is_tapped(stream: object) -> bool:
    """Whether there is a tap on it."""
    return id(stream) in _taps


def tap(stream: object, feed: Feed, proxy: object, owner: object) -> None:
    """Have the proxy over the feed hear of the stream until that is over, left or dropped, or the program exits."""
    key = id(stream)
    dropped = finalize(stream, _drop, key)

    def forget() -> None:
        dropped.detach()
        _taps.pop(key, None)

    _taps[key] = Tap(feed, proxy, owner, forget)


def take_off(owner: object) -> None:
    """Take away the taps of an owner; for their proxies the streams were left."""
    for key, found in list(_taps.items()):
        if found.owner is owner:
            _drop(key)


def _leave_to_the_parent() -> None:
    # Kept, because proxies tell that they were left when nobody has them any more.
    _inherited.extend(_taps.values())
    _taps.clear()


os.register_at_fork(after_in_child=_leave_to_the_parent)


def telling(methods: Methods, name: str, function: object) -> FunctionType | None:
    """The method to put in the place of one of that name. None where that is of another nature than it should be."""
    if type(function) is not FunctionType:
        return None
    make = methods[name].get(function.__code__.co_flags & _NATURES)
    return None if make is None else cast(FunctionType, make(function))


def _drop(key: int) -> None:
    found = _taps.get(key)
    if found is not None:
        found.leave("close")


def _tap_on(stream: object) -> Tap | None:
    found = _taps.get(id(stream))
    return None if found is None or found.is_busy else found


def _told(stream: object, work: Callable[..., Any], *args: Any) -> Any:
    found = _tap_on(stream)
    if found is None:
        return work(*args)
    with found:
        item = work(*args)
    found.give(item)
    return item


async def _told_async(stream: object, work: Callable[..., Awaitable[Any]], *args: Any) -> Any:
    found = _tap_on(stream)
    if found is None:
        return await work(*args)
    with found:
        item = await work(*args)
    found.give(item)
    return item


def _next(function: Any) -> Any:
    @wraps(function)
    def method(self: Any) -> Any:
        return _told(self, function, self)

    return method


def _async_next(function: Any) -> Any:
    @wraps(function)
    async def method(self: Any) -> Any:
        return await _told_async(self, function, self)

    return method


def _iterate(function: Any) -> Any:
    @wraps(function)
    def method(self: Any) -> Iterator[Any]:
        with closing(function(self)) as found:
            while True:
                try:
                    item = _told(self, found.__next__)
                except StopIteration:
                    return
                yield item

    return method


def _async_iterate(function: Any) -> Any:
    @wraps(function)
    async def method(self: Any) -> AsyncIterator[Any]:
        async with aclosing(function(self)) as found:
            while True:
                try:
                    item = await _told_async(self, found.__anext__)
                except StopAsyncIteration:
                    return
                yield item

    return method


def _leave(function: Any) -> Any:
    @wraps(function)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = _tap_on(self)
        if found is None:
            return function(self, *args, **kwargs)
        with found:
            result = function(self, *args, **kwargs)
        found.leave(function.__name__, *args)
        return result

    return method


def _async_leave(function: Any) -> Any:
    @wraps(function)
    async def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = _tap_on(self)
        if found is None:
            return await function(self, *args, **kwargs)
        with found:
            result = await function(self, *args, **kwargs)
        found.leave(function.__name__, *args)
        return result

    return method


def _hand_over(function: Any) -> Any:
    @wraps(function)
    def method(self: Any, *args: Any) -> Any:
        found = _tap_on(self)
        return function(self, *args) if found is None else found.hand_over(function.__name__, *args)

    return method


def _async_hand_over(function: Any) -> Any:
    @wraps(function)
    async def method(self: Any, *args: Any) -> Any:
        found = _tap_on(self)
        if found is None:
            return await function(self, *args)
        return await found.hand_over_async(function.__name__, *args)

    return method


def _as_it_is(function: Any) -> Any:
    """`__iter__` that returns the stream itself, which then tells by `__next__`."""
    return function


Methods = Mapping[str, Mapping[int, Callable[[Any], Any]]]
"""Names of methods, and by their nature, as flags of their code, what makes the methods in their places."""

_COROUTINE: Final = inspect.CO_COROUTINE
_NATURES: Final = (
    _COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR | inspect.CO_ITERABLE_COROUTINE
)
STREAM: Final[Methods] = {
    "__next__": {0: _next},
    "__anext__": {_COROUTINE: _async_next},
    "__iter__": {0: _as_it_is, inspect.CO_GENERATOR: _iterate},
    "__aiter__": {0: _as_it_is, inspect.CO_ASYNC_GENERATOR: _async_iterate},
    **{name: {0: _leave, _COROUTINE: _async_leave} for name in ("close", "aclose", "__exit__", "__aexit__")},
}
"""By which a stream is read and left: its proxy hears of them afterwards."""

MANAGER: Final[Methods] = {
    **{name: {0: _hand_over} for name in ("__enter__", "__exit__")},
    **{name: {_COROUTINE: _async_hand_over} for name in ("__aenter__", "__aexit__")},
}
"""By which a block around a stream begins and ends: its proxy does them, for it looks into what the block gives."""
