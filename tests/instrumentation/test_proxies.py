"""Proxies that instrumentors put in the place of streams: the program gets its stream, and the proxy hears of everything."""

import asyncio
import contextlib
import gc
import inspect
import os
import sys
import traceback
from collections.abc import AsyncIterator, Iterator
from itertools import tee
from types import ModuleType
from typing import Any

import pytest
from wrapt import ObjectProxy

from agent_trace.instrumentation import problems, proxies
from agent_trace.instrumentation.generators import made_anew
from agent_trace.instrumentation.proxies import Proxies
from agent_trace.instrumentation.taps import STREAM
from agent_trace.recording import guard

HEARD: list[Any] = []


class Refused(Exception):
    """What a stream fails with."""


class Stream:
    """As clients have them: a generator over itself, from which both ways of reading take."""

    def __init__(self, *items: Any) -> None:
        self.items = items
        self.is_closed = False
        self._source = self._made()

    def __next__(self) -> Any:
        return next(self._source)

    def __iter__(self) -> Iterator[Any]:
        for item in self._source:  # noqa: UP028 - as the clients do
            yield item

    def _made(self) -> Iterator[Any]:
        for item in self.items:
            if isinstance(item, BaseException):
                raise item
            yield item

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> str:
        self.is_closed = True
        return "closed"


class AsyncStream:
    def __init__(self, *items: Any) -> None:
        self.items = items
        self._source = self._made()

    async def __anext__(self) -> Any:
        return await self._source.__anext__()

    async def __aiter__(self) -> AsyncIterator[Any]:
        async for item in self._source:
            yield item

    async def _made(self) -> AsyncIterator[Any]:
        for item in self.items:
            await asyncio.sleep(item if isinstance(item, float) else 0)
            if isinstance(item, BaseException):
                raise item
            yield item

    async def __aenter__(self) -> "AsyncStream":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await asyncio.sleep(0)


class Upper(Stream):
    """Reads what it inherits."""

    def __next__(self) -> Any:
        return super().__next__().upper()


class Proxy(ObjectProxy):  # type: ignore[type-arg]
    """As those of instrumentors: stands before a stream and keeps what it reads."""

    fails = False

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        try:
            item = next(self.__wrapped__)
        except BaseException as error:
            HEARD.append(type(error).__name__)
            raise
        if self.fails:
            raise ValueError("the proxy does not know this")
        HEARD.append(item)
        return item

    def __exit__(self, kind: Any, error: Any, stack: Any) -> None:
        HEARD.append(f"exit {error!r}")

    def close(self) -> None:
        HEARD.append("close")


class AsyncProxy(ObjectProxy):  # type: ignore[type-arg]
    """Can only be read in a loop."""

    def __init__(self, wrapped: Any, reading: Any) -> None:
        super().__init__(wrapped)
        self._self_reading = reading

    def __aiter__(self) -> Any:
        return self

    async def __anext__(self) -> Any:
        return await self._self_reading.__anext__()

    async def aclose(self) -> None:
        HEARD.append("aclose")


async def heard_of(stream: Any) -> AsyncIterator[Any]:
    """How some proxies read: a generator that was given the stream."""
    try:
        async for item in stream:
            HEARD.append(item)
            yield item
        HEARD.append("end")
    except GeneratorExit:
        raise
    except BaseException as error:
        HEARD.append(type(error).__name__)
        raise


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxies]:
    """An instrumentor with two proxies, switched on."""
    module = ModuleType("openinference.instrumentation.desk")
    vars(module).update(Proxy=Proxy, AsyncProxy=AsyncProxy)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    known = {"desk": {"desk:Proxy": STREAM, "desk:AsyncProxy": STREAM}}
    monkeypatch.setattr(proxies, "_PROXIES", known)
    monkeypatch.setattr(Proxy, "fails", False)
    HEARD.clear()
    failures = dict(guard.failures)
    made = Proxies("desk")
    yield made
    made.undo()
    if not Proxy.fails:
        assert guard.failures == failures


def own(stream: Any) -> Any:
    """What the program gets of a call that made this stream."""
    return Proxy(stream)


def async_own(stream: Any) -> Any:
    return AsyncProxy(stream, heard_of(stream))


def run(work: Any) -> Any:
    return asyncio.run(work)


def test_the_program_gets_its_own_stream(desk: Proxies) -> None:
    stream = Stream("BUY")
    got = own(stream)
    assert got is stream and type(got) is Stream and repr(got).startswith(f"<{__name__}.Stream object")
    assert vars(got).keys() == {"items", "is_closed", "_source"} and got.items == ("BUY",)
    assert type(iter(got)) is type(iter(Stream("BUY"))) and repr(iter(got)).startswith(
        "<generator object Stream.__iter__"
    )


READINGS: dict[str, Any] = {
    "list": list,
    "for": lambda stream: [str(item) for item in stream],
    "next": lambda stream: [next(stream), next(stream), *([] if next(stream, None) is None else ["more"])],
    "first, then the rest": lambda stream: [next(iter(stream)), *stream],
    "for twice": lambda stream: [*stream, *stream],
    "tee": lambda stream: list(tee(stream)[0]),
    "both": lambda stream: [next(stream), *iter(stream)],
}


@pytest.mark.parametrize("way", READINGS)
def test_read_in_any_way_every_item_is_heard_of_once_and_then_the_end(desk: Proxies, way: str) -> None:
    assert READINGS[way](own(Stream("BUY", "SELL"))) == ["BUY", "SELL"]
    assert HEARD == ["BUY", "SELL", "StopIteration"]


def test_streams_read_in_turn_are_heard_of_each_by_its_own_proxy(desk: Proxies) -> None:
    one, other = own(Stream("a", "b")), own(Stream("A", "B"))
    assert list(zip(one, other, strict=False)) == [("a", "A"), ("b", "B")]
    assert HEARD == ["a", "A", "b", "B", "StopIteration"]
    one.close()
    other.close()
    assert HEARD[5:] == ["close"]  # the other had not been asked for its end


def test_a_stream_that_was_closed_is_left(desk: Proxies) -> None:
    stream = own(Stream("BUY", "SELL"))
    next(stream)
    assert stream.close() == "closed" and stream.is_closed
    assert HEARD == ["BUY", "close"]
    assert next(stream) == "SELL"


def test_a_block_is_left_once_and_with_its_error(desk: Proxies) -> None:
    with own(Stream("BUY", "SELL")) as stream:
        next(stream)
    assert stream.is_closed
    with pytest.raises(Refused), own(Stream("BUY")):
        raise Refused("in the block")
    assert HEARD == ["BUY", "exit None", "exit Refused('in the block')"]


@pytest.mark.parametrize("error", [None, Refused("out of the loop")])
def test_a_stream_that_is_dropped_in_the_middle_is_left_at_once(
    desk: Proxies, error: Exception | None
) -> None:
    gc.disable()
    try:
        with contextlib.suppress(Refused):
            for _ in own(Stream("BUY", "SELL")):
                if error:
                    raise error
                break
        if error:
            error.__traceback__ = None
        assert HEARD == ["BUY", "close"]
    finally:
        gc.enable()


def test_what_a_parent_process_reads_is_not_told_of_by_a_child(desk: Proxies) -> None:
    stream = own(Stream("BUY", "SELL"))
    next(stream)
    child = os.fork()
    if child == 0:
        rest = list(stream)
        del stream
        gc.collect()
        os._exit(0 if rest == ["SELL"] and HEARD == ["BUY"] else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert list(stream) == ["SELL"] and HEARD == ["BUY", "SELL", "StopIteration"]


def test_an_iterator_keeps_its_stream(desk: Proxies) -> None:
    rest = iter(own(Stream("BUY", "SELL")))
    gc.collect()
    assert list(rest) == ["BUY", "SELL"] and HEARD[-1] == "StopIteration"


def test_an_error_in_the_middle_is_the_same_object_with_nothing_added(desk: Proxies) -> None:
    def seen(stream: Any, error: Exception) -> list[str]:
        try:
            raise KeyError("before")
        except KeyError as before:
            with pytest.raises(Refused) as raised:
                list(stream)
            assert raised.value is error and error.__context__ is before
        return [frame.name for frame in traceback.extract_tb(error.__traceback__)]

    first, second = Refused("503"), Refused("503")
    alone = seen(Stream("BUY", first), first)
    observed = seen(own(Stream("BUY", second)), second)
    assert HEARD == ["BUY", "Refused"]
    assert [name for name in observed if name not in ("method", "_told")] == alone


@pytest.mark.parametrize("kind", [KeyboardInterrupt, GeneratorExit, SystemExit])
def test_what_is_no_exception_is_heard_of_too(desk: Proxies, kind: type[BaseException]) -> None:
    error = kind()
    with pytest.raises(kind) as raised:
        next(own(Stream(error)))
    assert raised.value is error
    assert [kind.__name__] == HEARD


def test_a_stream_that_overrides_what_it_reads_is_heard_of_once(desk: Proxies) -> None:
    stream = own(Upper("buy"))
    assert (next(stream), next(stream, None)) == ("BUY", None)
    assert HEARD == ["BUY", "StopIteration"]


def test_a_proxy_that_fails_does_not_reach_the_program(
    desk: Proxies, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Proxy, "fails", True)
    before = guard.failures.get("telling of an item of a stream", 0)
    assert list(own(Stream("BUY", "SELL"))) == ["BUY", "SELL"]
    assert guard.failures["telling of an item of a stream"] == before + 2


def test_async_streams_are_heard_of_by_proxies_that_read_in_a_loop(desk: Proxies) -> None:
    async def work(stream: Any) -> Any:
        return [await stream.__anext__(), *[item async for item in stream]]

    stream = AsyncStream("BUY", "SELL")
    assert async_own(stream) is stream
    assert run(work(stream)) == ["BUY", "SELL"] and HEARD == ["BUY", "SELL", "end"]


def test_async_streams_are_heard_of_by_proxies_that_can_be_read_without(desk: Proxies) -> None:
    async def work() -> Any:
        async with own(AsyncStream("BUY", "SELL")) as stream:
            return [item async for item in stream]

    assert run(work()) == ["BUY", "SELL"] and HEARD == ["BUY", "SELL", "StopIteration"]


def test_an_async_stream_may_be_closed_dropped_and_cancelled(desk: Proxies) -> None:
    async def work() -> None:
        closed, dropped, slow = (async_own(AsyncStream(each, 9.0)) for each in ("closed", "dropped", "slow"))
        for stream in (closed, dropped):
            await stream.__anext__()
        await closed.close()
        assert HEARD == ["closed", "dropped", "aclose"]
        del dropped, stream
        gc.collect()
        assert HEARD[3:] == ["aclose"]
        await slow.__anext__()
        task = asyncio.ensure_future(slow.__anext__())
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert HEARD[4:] == ["slow", "CancelledError"]

    run(work())


def test_methods_are_of_the_nature_they_were(desk: Proxies) -> None:
    own(Stream()), async_own(AsyncStream())
    assert inspect.isgeneratorfunction(Stream.__iter__) and inspect.isasyncgenfunction(AsyncStream.__aiter__)
    assert inspect.iscoroutinefunction(AsyncStream.close) and Stream.close.__qualname__ == "Stream.close"
    assert str(inspect.signature(Stream.__exit__)) == "(self, *_: object) -> None"


def test_undone_classes_hold_the_very_same_and_streams_go_on_by_themselves(desk: Proxies) -> None:
    desk.undo()
    kinds = (Stream, AsyncStream, Upper, Proxy, AsyncProxy)
    before = [list(vars(kind).items()) for kind in kinds]
    again = Proxies("desk")
    stream = own(Upper("buy", "sell"))
    async_own(AsyncStream())
    begun = iter(stream)
    next(stream)
    assert [list(vars(kind).items()) for kind in kinds] != before
    again.undo()
    assert [list(vars(kind).items()) for kind in kinds] == before
    assert HEARD == ["BUY", "aclose", "close"] or HEARD == ["aclose", "BUY", "close"]
    assert list(begun) == ["sell"] and type(own(Stream())) is Proxy


@pytest.mark.parametrize("first", [0, 1])
def test_two_that_watch_the_same_class_are_undone_in_any_order(desk: Proxies, first: int) -> None:
    former = vars(Stream)["close"]
    watches = [desk._watch, type(desk._watch)()]
    for watch in watches:
        watch.follow(Stream(), lambda feed: feed)
    watches.pop(first).undo()
    assert vars(Stream)["close"] is not former
    watches.pop().undo()
    assert vars(Stream)["close"] is former


class Unread:
    """Has nothing to read by."""


class Slotted(Stream):
    __slots__ = ()
    __next__ = property(lambda self: lambda: "BUY")


class Plain(AsyncStream):
    def __anext__(self) -> Any:
        return self._source.__anext__()


class Weightless:
    """Cannot be referred to weakly."""

    __slots__ = ()

    def __next__(self) -> str:
        return "BUY"


@pytest.mark.parametrize(
    "stream",
    [iter(["BUY"]), (each for each in "B"), Unread(), Slotted(), Plain()],
    ids=lambda each: type(each).__name__,
)
def test_what_is_no_stream_as_we_know_them_comes_in_the_proxy(desk: Proxies, stream: Any) -> None:
    changed = [list(vars(kind).items()) for kind in type(stream).__mro__]
    got = own(stream)
    assert type(got) is Proxy and got.__wrapped__ is stream
    assert [list(vars(kind).items()) for kind in type(stream).__mro__] == changed
    assert any(each.startswith("a stream comes in a proxy") for each in problems())


def test_what_cannot_be_followed_comes_in_the_proxy(monkeypatch: pytest.MonkeyPatch, desk: Proxies) -> None:
    monkeypatch.setattr(guard, "failures", dict(guard.failures))
    assert type(own(Weightless())) is Proxy and next(own(Weightless())) == "BUY"
    guard.failures.pop("handing out a stream as it is")
    stream = own(Stream("BUY"))
    assert type(own(stream)) is Proxy  # somebody hears of it already


def test_a_proxy_that_an_instrumentor_no_longer_has_is_noted(
    monkeypatch: pytest.MonkeyPatch, desk: Proxies
) -> None:
    monkeypatch.setattr(proxies, "_PROXIES", {"desk": {"desk:Elsewhere": STREAM, "gone:Proxy": STREAM}})
    Proxies("desk").undo()
    said = [each for each in problems() if each.startswith("streams of desk come in a proxy")]
    assert [each.rpartition(" ")[2] for each in said] == ["desk:Elsewhere", "gone:Proxy"]


def test_a_generator_is_only_made_anew_where_its_making_is_known() -> None:
    stream, other, value = Stream("BUY"), Stream("SELL"), heard_of(None)

    def closed_over(given: Any) -> Iterator[Any]:
        yield given, value

    assert made_anew(value, stream, other) is value and made_anew(7, stream, other) == 7
    new = made_anew(stream._made(), stream, other)
    assert list(new) == ["SELL"] and new.__qualname__ == "Stream._made"
    begun = stream._made()
    next(begun)
    for each in (closed_over(stream), begun):
        with pytest.raises(ValueError, match="cannot be made anew"):
            made_anew(each, stream, other)
