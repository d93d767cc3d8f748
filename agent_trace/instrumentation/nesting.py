"""Where the span of a client belongs that is called inside of a framework's run: below it, also where none is current.

LangChain tells of its runs by callbacks, so that its instrumentor starts spans that it makes current for nobody. A client that
the run asks would become its sibling, and its tokens would count beside those of the run. The same holds for the requests
of LiteLLM, where our callback observes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, Final, NamedTuple

from opentelemetry import trace
from opentelemetry.context.context import Context

from agent_trace.otel.places import span_in
from agent_trace.otel.provider import Tracer, TracerProvider
from agent_trace.recording.current_context import get_context
from agent_trace.recording.guard import attempt
from agent_trace.recording.under_way import requesting_span

_BY_CALLBACK: Final = frozenset({"openinference.instrumentation.langchain"})


class _Run(NamedTuple):
    """A run that goes on in this context: its span, what was current when it began, the run around it."""

    span: trace.Span
    current: trace.Span
    outer: _Run | None


_innermost: ContextVar[_Run | None] = ContextVar("agent_trace-run", default=None)


class ClientTracerProvider(TracerProvider):
    """Ours, for instrumentors of clients and frameworks that are attached together."""

    def _tracer_of(self, library: Mapping[str, str], module_name: str) -> Tracer:
        return _Tracer(library, by_callback=module_name in _BY_CALLBACK)


class _Tracer(Tracer):
    def __init__(self, library: Mapping[str, str], *, by_callback: bool) -> None:
        super().__init__(library)
        self.by_callback = by_callback

    def place_in(self, context: Context | None) -> Context | None:
        """That of the run or request that goes on here, if there is one."""
        if context is None:
            return attempt("looking for a run", _context_around)
        overtaken = self.by_callback and attempt("looking for a run", _is_overtaken, context)
        return None if overtaken else context

    def note_started(self, span: trace.Span) -> None:
        """Know of a run that nobody makes current."""
        if self.by_callback:
            attempt("noting a run", _note_run, span)


def in_the_callers_context(instrumentor: Any) -> None:
    """Have LangChain call its instrumentor in the task that the run is in, and not in a thread beside it."""
    handler: Any = getattr(instrumentor, "_tracer", None)
    if handler is not None and hasattr(handler, "run_inline"):
        handler.run_inline = True


def _note_run(span: trace.Span) -> None:
    # Never taken back: nobody promises to call back in the same context. Runs that are over are left out instead.
    _innermost.set(_Run(span, trace.get_current_span(), _running()))


def _context_around() -> Context | None:
    """The context of the request or else the innermost run, unless something else has become current in it."""
    request = requesting_span()
    if request is not None:
        return trace.set_span_in_context(request)
    run = _running()
    if run is None or trace.get_current_span() is not run.current:
        return None
    return trace.set_span_in_context(run.span)


def _is_overtaken(context: Context) -> bool:
    """Whether something of ours was opened inside of the run that `context` is about, and is current now.

    A model that is attached, say: what it asks belongs below it, or its tokens would count beside those of the client.
    """
    run, current = span_in(context), span_in(get_context())
    if run is None or current is None or current is run or current.is_finished:
        return False
    noted = _innermost.get()
    while noted is not None and getattr(noted.span, "observed", None) is not run:
        noted = noted.outer
    return (
        noted is not None
        and trace.get_current_span() is not noted.current
        and current.start_ns >= run.start_ns
    )


def _running() -> _Run | None:
    run = _innermost.get()
    while run is not None and not run.span.is_recording():
        run = run.outer
    return run
