"""`TracerProvider`: for instrumentors that take one, so that what they see becomes observations of the journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from opentelemetry import trace
from opentelemetry.context.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, SpanKind
from opentelemetry.util.types import Attributes

from agent_trace.otel.blocks import CurrentSpan
from agent_trace.otel.conventions import type_of
from agent_trace.otel.places import given_or_current, with_ours_current
from agent_trace.otel.provided import ProvidedSpan
from agent_trace.recording.clock import given_ns
from agent_trace.recording.current_context import reset_context, set_context
from agent_trace.recording.guard import attempt
from agent_trace.recording.process import is_on, steps
from agent_trace.recording.span import Span
from agent_trace.recording.steps import Steps
from agent_trace.recording.text import as_text


class TracerProvider(trace.TracerProvider):
    """Gives tracers whose spans are recorded like decorated calls: same journal, same scope, same redaction.

        OpenAIInstrumentor().instrument(tracer_provider=TracerProvider())

    It needs no OpenTelemetry SDK and heeds none of its variables: `OTEL_SDK_DISABLED` is about somebody else's.
    """

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> Tracer:
        """A tracer for one instrumenting library."""
        library = {"otel.scope.name": as_text(instrumenting_module_name)}
        if instrumenting_library_version:
            library["otel.scope.version"] = as_text(instrumenting_library_version)
        return self._tracer_of(library, instrumenting_module_name)

    def _tracer_of(self, library: Mapping[str, str], module_name: str) -> Tracer:
        return Tracer(library)


class Tracer(trace.Tracer):
    """Starts spans. Instrumentors also call its methods on proxies of it, so that these touch only what is public."""

    def __init__(self, library: Mapping[str, str]) -> None:
        self.library = library

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> trace.Span:
        """A span below the current one of `context`; with recording off, one that only passes its parent on.

        start_time: nanoseconds since the epoch.
        """
        span = None
        context = self.place_in(context)
        if is_on():
            span = attempt("opening a span", _open, name, context, attributes or {}, self.library, kind)
        if span is None:
            return NonRecordingSpan(trace.get_current_span(context).get_span_context())
        span.records_exceptions, span.sets_status = record_exception, set_status_on_exception
        attempt("describing a span", _describe, span, attributes, links, start_time)
        self.note_started(span)
        return span

    def place_in(self, context: Context | None) -> Context | None:
        """The context in which a span belongs that was asked for in this one; None is where we are."""
        return context

    def note_started(self, span: trace.Span) -> None:
        """Hear of every span that is recorded."""

    def start_as_current_span(  # type: ignore[override]
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> CurrentSpan:
        """The same as a `with` block or a decorator, with the span current inside."""
        given = (
            name,
            context,
            kind,
            attributes,
            links,
            start_time,
            record_exception,
            set_status_on_exception,
        )
        return CurrentSpan(partial(self.start_span, *given), end_on_exit=end_on_exit)


def _open(
    name: str,
    context: Context | None,
    attributes: Mapping[str, Any],
    library: Mapping[str, str],
    kind: SpanKind,
) -> ProvidedSpan:
    now: Steps = steps()
    token = set_context(with_ours_current(given_or_current(context)))
    try:
        observed = now.recorder.open(as_text(name), type_of(attributes) or "span")
    finally:
        reset_context(token)
    return ProvidedSpan(now, observed, library, kind)


def _describe(
    span: ProvidedSpan, attributes: Attributes, links: Sequence[Link] | None, start_ns: int | None
) -> None:
    start_ns = given_ns(start_ns)
    if start_ns is not None:
        _started_at(span.observed, start_ns)
    if attributes:
        span.set_attributes(attributes)
    for link in links or ():
        span.add_link(link.context, link.attributes)


def _started_at(span: Span, start_ns: int) -> None:
    """Put the start of a span back (or forth), with what it counts its end by."""
    span.start_ticks += start_ns - span.start_ns
    span.start_ns = start_ns
