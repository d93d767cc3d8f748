"""What the proxy of an instrumentor reads in the place of a stream, and the tap that fills it.

The program reads the stream itself. What it gets is passed on to the proxy afterwards, item by item, so that nothing that
the proxy does or fails at can reach the program.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from inspect import isawaitable
from types import TracebackType
from typing import Any, Final
from weakref import ref

from wrapt import ObjectProxy

from agent_trace.recording.guard import attempt

_ENDS: Final = (StopIteration, StopAsyncIteration)
_NOTHING: Final = object()


class Feed:
    """Stands in for a stream: of its class as `isinstance` sees it, with its attributes, and with one item at a time.

    Holds the stream weakly: it must not keep alive what the program has dropped. Names begin as those of no stream do.
    """

    def __init__(self, stream: object) -> None:
        self._fed_class = type(stream)
        self._fed_from = ref(stream)
        self._fed_item: object = _NOTHING
        self._fed_error: BaseException | None = None

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return self._fed_class

    def __getattr__(self, name: str) -> Any:
        return getattr(self._fed_from(), name)

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        error, self._fed_error = self._fed_error, None
        item, self._fed_item = self._fed_item, _NOTHING
        if error is not None:
            raise error
        if item is _NOTHING:
            raise StopIteration
        return item

    def __aiter__(self) -> Any:
        return self

    async def __anext__(self) -> Any:
        try:
            return self.__next__()
        except StopIteration:
            raise StopAsyncIteration from None

    def close(self) -> None:
        """Nothing: the program has closed the stream itself."""

    async def aclose(self) -> None:
        """Nothing."""

    # A block, though, is entered for the proxy.

    def __enter__(self) -> Any:
        return self._fed_from().__enter__()  # type: ignore[attr-defined]

    async def __aenter__(self) -> Any:
        return await self._fed_from().__aenter__()  # type: ignore[attr-defined]

    def __exit__(self, *_: object) -> None:
        pass

    async def __aexit__(self, *_: object) -> None:
        pass


class Tap:
    """Tells the proxy over a feed of what the program does with the stream.

    As a context manager it is around each thing that the stream does, and tells of what that raises. `is_busy` meanwhile:
    what a stream asks of itself is told once.
    """

    def __init__(self, feed: Feed, proxy: Any, owner: object, forget: Callable[[], object]) -> None:
        self.owner = owner
        self.is_busy = False
        self._feed = feed
        self._proxy = proxy
        self._forget = forget
        self._reading: Any = None

    def __enter__(self) -> None:
        self.is_busy = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        self.is_busy = False
        if error is not None:
            attempt("telling of the end of a stream", self._end, error)
            self._forget()

    def give(self, item: object) -> None:
        """Have the proxy see an item."""
        attempt("telling of an item of a stream", self._give, item)

    def leave(self, way: str, *args: object) -> None:
        """Tell the proxy that the program has left the stream, by the method of that name."""
        attempt("telling that a stream was left", self._leave, way, args)
        self._forget()

    def hand_over(self, way: str, *args: object) -> Any:
        """Have the proxy do it, which asks the feed in turn."""
        self.is_busy = True
        try:
            return getattr(self._proxy, way)(*args)
        finally:
            self.is_busy = False

    async def hand_over_async(self, way: str, *args: object) -> Any:
        """The same for what is awaited."""
        self.is_busy = True
        try:
            return await getattr(self._proxy, way)(*args)
        finally:
            self.is_busy = False

    def _give(self, item: object) -> None:
        self._feed._fed_item = item
        self._step()

    def _end(self, error: BaseException) -> None:
        if isinstance(error, _ENDS):
            with suppress(*_ENDS):
                self._step()
            return
        # Raised again for the proxy, which must leave no trace in what the program gets.
        stack, context = error.__traceback__, error.__context__
        self._feed._fed_error = error
        try:
            with suppress(type(error)):
                self._step()
        finally:
            error.__traceback__, error.__context__ = stack, context

    def _step(self) -> None:
        # Where a proxy can be read in both ways, they do the same.
        is_plain = has_own(self._proxy, "__iter__")
        if self._reading is None:
            self._reading = iter(self._proxy) if is_plain else aiter(self._proxy)
        if is_plain:
            next(self._reading)
        else:
            _result_of(self._reading.__anext__())

    def _leave(self, way: str, args: tuple[object, ...]) -> None:
        known = [each for each in (way, "close", "aclose") if has_own(self._proxy, each)]
        if known:
            result = getattr(self._proxy, known[0])(*(args if known[0] == way else ()))
            if isawaitable(result):
                _result_of(result)


def has_own(proxy: object, name: str) -> bool:
    """Whether a proxy has its own method of that name, and not that of what it stands for."""
    return getattr(type(proxy), name, None) is not getattr(ObjectProxy, name, None)


def _result_of(awaitable: Any) -> Any:
    """What it comes to. A proxy over a feed waits for nothing, and so needs no loop."""
    steps = awaitable.__await__()
    try:
        next(steps)
    except StopIteration as done:
        return done.value
    raise RuntimeError("a proxy waits for something")
