"""Classes of streams that tell of what is done with their instances, for as long as somebody watches them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from types import FunctionType
from typing import Final, NamedTuple

from agent_trace.instrumentation import places
from agent_trace.instrumentation.feeds import Feed
from agent_trace.instrumentation.generators import is_about, made_anew
from agent_trace.instrumentation.patches import ClassPatch, namespace
from agent_trace.instrumentation.taps import STREAM, Methods, is_tapped, take_off, tap, telling
from agent_trace.recording.capturing.attributes import class_line, instance_attributes
from agent_trace.recording.guard import attempt


class UnknownStreamError(TypeError):
    """A stream that is not made, read or left as those that we know."""


class Watch:
    """The streams that one instrumentor has proxies over."""

    def __init__(self) -> None:
        self._kinds: set[type] = set()
        self._is_over = False

    def follow(self, stream: object, proxy_over: Callable[[Feed], object], methods: Methods = STREAM) -> None:
        """Have a proxy over a feed hear of the stream, or of the block around one, as these methods are called.

        Raises UnknownStreamError, before the proxy is made.
        """
        if type(stream) not in self._kinds:
            self._watch(type(stream), methods)
        if is_tapped(stream):
            raise UnknownStreamError("somebody else's proxy hears of it already")
        feed = Feed(stream)
        proxy = proxy_over(feed)
        attempt("having a stream hold itself no longer", _hold_itself_no_longer, stream)
        tap(stream, feed, proxy, self)

    def undo(self) -> None:
        """Leave the classes as they were. A stream that is being read goes on by itself; for its proxy it was left."""
        with places.changing():
            self._is_over = True
            self._kinds.clear()
            for key, method in list(_watched.items()):
                method.watches.discard(self)
                if not method.watches:
                    _watched.pop(key).patch.undo()
        take_off(self)

    def _watch(self, kind: type, methods: Methods) -> None:
        members = list(_members(kind, methods))
        with places.changing():
            if self._is_over:
                raise UnknownStreamError("it is watched no longer")
            for holder, name, function in members:
                _watched_method(holder, name, function).watches.add(self)
            self._kinds.add(kind)


class _Watched(NamedTuple):
    """One method of one class, as long as there is a watch on it."""

    patch: ClassPatch
    watches: set[Watch]


_NEEDED: Final = ("__next__", "__anext__", "__enter__", "__aenter__")
_watched: Final[dict[tuple[type, str], _Watched]] = {}


def _watched_method(holder: type, name: str, function: FunctionType) -> _Watched:
    found = _watched.get((holder, name))
    if found is None:
        patch = ClassPatch(holder, name)
        patch.put(function)
        found = _watched[holder, name] = _Watched(patch, set())
    return found


def _members(kind: type, methods: Methods) -> Iterator[tuple[type, str, FunctionType]]:
    """The methods that a class has of these, with the classes that define them and what to put in their place."""
    known = 0
    for name in methods:
        holder = next((each for each in class_line(kind) if name in namespace(each)), None)
        if holder is None:
            continue
        former = namespace(holder)[name]
        function = telling(methods, name, former)
        if function is None:
            raise UnknownStreamError(f"{kind.__qualname__}.{name} is not what streams have")
        known += name in _NEEDED
        if function is not former:
            yield holder, name, function
    if not known:
        raise UnknownStreamError(f"{kind.__qualname__} is no stream")


def _hold_itself_no_longer(stream: object) -> None:
    """Have a generator that a stream holds over itself be about a copy of the stream.

    Or it would be the garbage collector, at some time, that tells of a stream that was dropped in the middle. (Anthropic's
    client does the same for the sake of the connection.)
    """
    held = instance_attributes(stream)
    for name, value in list(held.items()):
        if is_about(value, stream):
            twin = copy(stream)
            instance_attributes(twin).pop(name)
            held[name] = made_anew(value, stream, twin)
