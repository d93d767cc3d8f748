"""The `with` block in which a span of our provider is current, also as a decorator of functions and coroutines."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from contextvars import Token
from functools import wraps
from types import TracebackType
from typing import Any

from opentelemetry import trace
from opentelemetry.context.context import Context

from agent_trace.otel.provided import ProvidedSpan
from agent_trace.recording.current_context import get_context, reset_context, set_context
from agent_trace.recording.guard import attempt
from agent_trace.recording.process import steps


class CurrentSpan:
    """Starts a span when entered and ends it when left; as a decorator, with every call.

    A class and not a generator: exceptions that pass through have no frame of ours in their stack trace.
    """

    def __init__(self, start: Callable[[], trace.Span], *, end_on_exit: bool) -> None:
        self._start = start
        self._end_on_exit = end_on_exit
        self._entered: list[tuple[trace.Span, Token[Context] | None]] = []

    def __enter__(self) -> trace.Span:
        span = self._start()
        self._entered.append((span, attempt("attaching a span", _attach, span)))
        return span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        span, token = self._entered.pop()
        if token is not None:
            attempt("detaching a span", reset_context, token)
        if error is not None and not isinstance(error, GeneratorExit) and isinstance(span, ProvidedSpan):
            span.fail(error)
        if self._end_on_exit:
            span.end()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function or coroutine function: each call is a span of its own."""
        start, end_on_exit = self._start, self._end_on_exit

        @wraps(function)
        def observed(*args: Any, **kwargs: Any) -> Any:
            with CurrentSpan(start, end_on_exit=end_on_exit):
                return function(*args, **kwargs)

        @wraps(function)
        async def observed_coroutine(*args: Any, **kwargs: Any) -> Any:
            with CurrentSpan(start, end_on_exit=end_on_exit):
                return await function(*args, **kwargs)

        return observed_coroutine if inspect.iscoroutinefunction(function) else observed


def _attach(span: trace.Span) -> Token[Context]:
    """Make the span current for OpenTelemetry, and what it bears for us."""
    if not isinstance(span, ProvidedSpan):
        return set_context(trace.set_span_in_context(span, get_context()))
    recorder, observed = steps().recorder, span.observed
    recorder.attach(observed)
    inside = trace.set_span_in_context(span, get_context())
    recorder.detach(observed)
    return set_context(inside)
