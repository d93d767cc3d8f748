"""Instrumentors that hand out a proxy in the place of a client's stream: the program gets the stream, the proxy hears of it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from wrapt import ObjectProxy

from agent_trace.instrumentation.feeds import Feed
from agent_trace.instrumentation.generators import made_anew
from agent_trace.instrumentation.patches import ClassPatch, module_namespace
from agent_trace.instrumentation.problem_counts import note
from agent_trace.instrumentation.streams import UnknownStreamError, Watch
from agent_trace.instrumentation.taps import MANAGER, STREAM, Methods
from agent_trace.recording.guard import attempt

_PACKAGE: Final = "openinference.instrumentation"
_PROXIES: Final[Mapping[str, Mapping[str, Methods]]] = {
    "openai": {"openai._stream:_Stream": STREAM},
    "anthropic": {
        "anthropic._stream:_MessagesStream": STREAM,
        "anthropic._wrappers:_MessageStreamManager": MANAGER,
        "anthropic._wrappers:_AsyncMessageStreamManager": MANAGER,
        "anthropic._wrappers:_BetaMessageStreamManager": MANAGER,
        "anthropic._wrappers:_BetaAsyncMessageStreamManager": MANAGER,
    },
    "litellm": {"litellm:_TracedSyncStream": STREAM, "litellm:_TracedAsyncStream": STREAM},
}
"""The proxies of each instrumentor, and how their clients' own objects are used. One that is not there is left as it is."""


class Proxies:
    """The proxies of one instrumentor, which hear of streams instead of standing in their place."""

    def __init__(self, name: str) -> None:
        self._watch = Watch()
        self._patches: list[ClassPatch] = []
        for place, methods in _PROXIES.get(name, {}).items():
            kind = _found(place)
            if kind is None:
                note(f"streams of {name} come in a proxy: the instrumentor has no {place}")
            else:
                self._replace_birth(kind, methods)

    def undo(self) -> None:
        """Have them stand in the place of streams again."""
        for patch in self._patches:
            patch.undo()
        self._watch.undo()

    def _replace_birth(self, kind: type, methods: Methods) -> None:
        born: Callable[..., object] = kind.__new__

        def birth(made: type, *args: Any, **kwargs: Any) -> object:
            stream = next(iter((*args, *kwargs.values())), None)

            def proxy_over(feed: Feed) -> object:
                given = [_about(feed, stream, each) for each in args]
                named = {name: _about(feed, stream, each) for name, each in kwargs.items()}
                proxy = born(made, *given, **named)
                made.__init__(proxy, *given, **named)  # type: ignore[misc]
                return proxy

            if attempt("handing out a stream as it is", self._follow, stream, proxy_over, methods):
                return stream  # of another class, so that Python leaves it at that
            return born(made, *args, **kwargs)

        patch = ClassPatch(kind, "__new__")
        patch.put(staticmethod(birth))
        self._patches.append(patch)

    def _follow(self, stream: object, proxy_over: Callable[[Feed], object], methods: Methods) -> bool:
        try:
            self._watch.follow(stream, proxy_over, methods)
        except UnknownStreamError as error:
            note(f"a stream comes in a proxy: {error}")
            return False
        return True


def _about(feed: Feed, stream: object, value: object) -> object:
    """An argument of a proxy, about the feed where it is about the stream."""
    return feed if value is stream else made_anew(value, stream, feed)


def _found(place: str) -> type | None:
    """The class, if it is a proxy as we know them, that has nothing of its own in the place of `__new__`."""
    module_name, _, name = place.partition(":")
    module = sys.modules.get(f"{_PACKAGE}.{module_name}")
    found = None if module is None else module_namespace(module).get(name)
    if not isinstance(found, type) or not issubclass(found, ObjectProxy):
        return None
    return found if found.__new__ is ObjectProxy.__new__ else None
