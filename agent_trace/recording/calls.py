"""One way to observe a call, four thin wrappers around it: function, coroutine, generator, async generator.

Each is a wrapt wrapper with its target bound first. Results, exceptions and the generator protocol of the wrapped code
pass through as they are; the steps in between are contained.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from functools import partial
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final

from agent_trace.recording import process
from agent_trace.recording.compiled import compiled

if TYPE_CHECKING:
    from agent_trace.recording.span import Span
    from agent_trace.recording.steps import Prepared, Steps
    from agent_trace.recording.target import Target

Wrapper = Callable[[Any, Any, tuple[Any, ...], dict[str, Any]], Any]

_calling: Final = compiled("calling")
call_observed: Final[Callable[..., Any] | None] = None if _calling is None else _calling.call
"""What calling an observed callable does, if that is compiled; else wrapt does it."""


def wrapper_for(function: Any, target: Target) -> Wrapper:
    """The wrapper that fits the nature of `function`."""
    code = _code_bearer(function)
    if inspect.isasyncgenfunction(code):
        return partial(_call_async_generator, target)
    if inspect.iscoroutinefunction(code) or _is_generator_based_coroutine(code):
        return partial(_call_coroutine, target)
    if inspect.isgeneratorfunction(code):
        return partial(_call_generator, target)
    return partial(_call, target) if _calling is None else _calling.PlainCall(target, _end_later)


def begins_later(wrapper: Wrapper) -> bool:
    """Whether the observation begins with the first step of what the call returns, and not with the call."""
    return isinstance(wrapper, partial) and wrapper.func is not _call


def _is_generator_based_coroutine(function: Any) -> bool:
    """Whether `types.coroutine` has made its generator one that can be awaited."""
    code = getattr(function, "__code__", None)
    return code is not None and bool(code.co_flags & inspect.CO_ITERABLE_COROUTINE)


def _code_bearer(function: Any) -> Any:
    """What `inspect` has to look at to tell a function's nature: below descriptors, or a callable's `__call__`."""
    if isinstance(function, classmethod | staticmethod):
        return function.__func__
    if isinstance(function, partial) or inspect.isroutine(function):
        return function
    return getattr(type(function), "__call__", function)  # noqa: B004 - an instance's own would not be called


def _call(target: Target, wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    steps = process.steps()
    span = steps.begin(target, instance, args, kwargs)
    try:
        result = wrapped(*args, **kwargs)
    except BaseException as error:
        steps.close(span, error=error)
        raise
    if type(result) is CoroutineType:
        return _end_later(steps, span, result)
    steps.close(span, result)
    return result


def _end_later(steps: Steps, span: Span | None, coroutine: CoroutineType[Any, Any, Any]) -> Any:
    """Of another decorator's wrapper, or a method that hands on an async one: the call ends when this does."""
    steps.detach(span)
    unawaited = Unawaited(coroutine, partial(steps.close, span))
    return named_like(coroutine, _drive(steps, lambda: span, unawaited))


def _call_coroutine(
    target: Target, wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    steps = process.steps()
    prepared = steps.prepare(target, instance, args, kwargs)
    coroutine = wrapped(*args, **kwargs)
    return named_like(coroutine, _drive(steps, partial(steps.open, target, prepared), Unawaited(coroutine)))


async def _drive(steps: Steps, begin: Callable[[], Span | None], unawaited: Unawaited) -> Any:
    try:
        span = begin()
    except BaseException:  # a budget is spent
        unawaited.close()
        raise
    coroutine = unawaited.take()
    steps.attach(span)
    try:
        result = await coroutine
    except BaseException as error:
        steps.close(span, error=error)
        raise
    steps.close(span, result)
    return result


class Unawaited:
    """Holds a coroutine until it is awaited. If that never happens, Python warns of ours, once, and not of both."""

    __slots__ = ("_coroutine", "_otherwise")

    def __init__(self, coroutine: Any, otherwise: Callable[[], None] | None = None) -> None:
        self._coroutine = coroutine
        self._otherwise = otherwise

    def take(self) -> Any:
        """The coroutine, which is awaited from here on."""
        coroutine, self._coroutine = self._coroutine, None
        return coroutine

    def close(self) -> None:
        """It will not be awaited, and Python need not warn of that."""
        coroutine = self.take()
        if isinstance(coroutine, Coroutine):
            coroutine.close()
            if self._otherwise is not None:
                self._otherwise()

    __del__ = close


def _call_generator(
    target: Target, wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    steps = process.steps()
    prepared = steps.prepare(target, instance, args, kwargs)
    generator = wrapped(*args, **kwargs)
    return named_like(generator, _iterate(steps, target, prepared, generator))


def _iterate(
    steps: Steps, target: Target, prepared: Prepared, generator: Generator[Any, Any, Any]
) -> Generator[Any, Any, Any]:
    """Step through `generator` with its span current during each step, and never while it is suspended.

    What the caller throws, `GeneratorExit` included, is thrown into the generator, whose answer is the answer. Nothing
    that goes in or out is held while it is suspended: the program may count on its being freed.
    """
    stream = steps.open_stream(target, prepared)
    span = None if stream is None else stream.span
    step: Callable[[Any], Any] = generator.send
    passing: list[Any] = [None]
    while True:
        steps.resume(span)
        try:
            passing.append(step(passing.pop()))
        except StopIteration as stop:
            steps.suspend(span)
            steps.close_stream(stream, returned=stop.value)
            return stop.value
        except BaseException as error:
            steps.suspend(span)
            steps.close_stream(stream, error=error)
            raise
        steps.suspend(span)
        steps.note(stream, passing[0])
        try:
            passing.append((yield passing.pop()))
            step = generator.send
        except BaseException as thrown:  # noqa: BLE001 - thrown on
            passing.append(thrown)
            step = generator.throw


def _call_async_generator(
    target: Target, wrapped: Any, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    steps = process.steps()
    prepared = steps.prepare(target, instance, args, kwargs)
    generator = wrapped(*args, **kwargs)
    return named_like(generator, _iterate_async(steps, target, prepared, generator))


async def _iterate_async(
    steps: Steps, target: Target, prepared: Prepared, generator: AsyncGenerator[Any, Any]
) -> AsyncGenerator[Any, Any]:
    """The same for an async generator: `asend`, `athrow` and `aclose` arrive here as what is sent or thrown."""
    stream = steps.open_stream(target, prepared)
    span = None if stream is None else stream.span
    step: Callable[[Any], Any] = partial(_first_step, generator)
    passing: list[Any] = [None]
    while True:
        steps.resume(span)
        try:
            passing.append(await step(passing.pop()))
        except StopAsyncIteration:
            steps.suspend(span)
            steps.close_stream(stream)
            return
        except BaseException as error:
            steps.suspend(span)
            steps.close_stream(stream, error=error)
            raise
        steps.suspend(span)
        steps.note(stream, passing[0])
        try:
            passing.append((yield passing.pop()))
            step = generator.asend
        except BaseException as thrown:  # noqa: BLE001 - thrown on
            passing.append(thrown)
            step = generator.athrow


def _first_step(generator: AsyncGenerator[Any, Any], sent: Any) -> Any:
    """Begin an async generator without the event loop's knowing of it.

    The loop closes at its end what it knows of, all at once: ours, which closes this one, and this one beside it.
    """
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        return generator.asend(sent)
    finally:
        sys.set_asyncgen_hooks(*hooks)


_NAMES: Final = ("__name__", "__qualname__")


def named_like(original: Any, driver: Any) -> Any:
    """Give our coroutine or generator the names of the one it drives, for warnings and debuggers."""
    for name in _NAMES:
        own = getattr(original, name, None)
        if isinstance(own, str):
            setattr(driver, name, own)
    return driver
