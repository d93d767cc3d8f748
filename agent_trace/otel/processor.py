"""`SpanProcessor`: for a provider that the program has already, so that its spans are kept in the journal as well."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context.context import Context
from opentelemetry.trace import SpanContext

from agent_trace.otel import langfuse
from agent_trace.otel.conventions import Event
from agent_trace.otel.places import given_or_current, span_in
from agent_trace.otel.writing import Told, write
from agent_trace.recording.clock import given_ns
from agent_trace.recording.guard import attempt
from agent_trace.recording.process import current, is_on, steps
from agent_trace.recording.scope import scope_of
from agent_trace.recording.span import Span
from agent_trace.recording.text import as_text

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

_MOST_OPEN: Final = 20_000
_LANGFUSE_EXPORTER: Final = "LangfuseSpanProcessor"


class SpanProcessor:
    """Takes ended spans of an OpenTelemetry SDK provider into the journal, in the thread that ends them.

        provider.add_span_processor(agent_trace.otel.SpanProcessor())

    sent_elsewhere: consumers that somebody else serves already, and delivery is not to send these spans to. By
        default `otlp`: a provider mostly has an exporter of its own. Spans that a Langfuse client exports are found
        out and not sent to `langfuse` either.

    It has the methods of an SDK span processor without being one, so that the SDK need not be there to import this.
    Spans that the provider does not sample are left out.
    """

    def __init__(self, *, sent_elsewhere: Collection[str] = ("otlp",)) -> None:
        self._sent_elsewhere = tuple(sent_elsewhere)
        self._open: dict[int, Span] = {}
        self._neighbours: tuple[Any, ...] = ()

    def on_start(self, span: Any, parent_context: Context | None = None) -> None:
        """Note where the span belongs: scope and the observations above it."""
        if is_on():
            attempt("taking note of a span", self._note, span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        """Write the observation of an ended span."""
        identity = span.context
        if identity is None:
            return
        noted = self._open.pop(identity.span_id, None)
        if not identity.trace_flags.sampled or not is_on():
            return
        if attempt("taking a span", self._take, span, identity, noted) is None:
            steps().recorder.lose()

    def _on_ending(self, span: Any) -> None:
        """The SDK's call before `on_end`; nothing is to be done."""

    def shutdown(self) -> None:
        """Forget the spans that are open. What has ended is in the journal already."""
        self._open.clear()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """True at once: nothing waits."""
        return True

    def _note(self, span: Any, parent_context: Context | None) -> None:
        context = given_or_current(parent_context)
        self._neighbours = getattr(getattr(span, "_span_processor", None), "_span_processors", ())
        if len(self._open) >= _MOST_OPEN:  # spans that are never ended: the oldest is let go
            self._open.pop(next(iter(self._open)), None)
        self._open[span.context.span_id] = self._placed(span, span.context, context)

    def _placed(self, span: Any, identity: SpanContext, context: Context) -> Span:
        """A span of ours with the identity of a foreign one. It is told nothing until that one has ended."""
        trace_id, scope = f"{identity.trace_id:032x}", scope_of(context)
        above = None if span.parent is None else self._open.get(span.parent.span_id) or span_in(context)
        if above is not None and above.trace_id != trace_id:
            above = None
        return Span(
            recorder=steps().recorder,
            name=as_text(span.name),
            kind="span",
            trace_id=trace_id,
            id=f"{identity.span_id:016x}",
            parent_id=None if span.parent is None else f"{span.parent.span_id:016x}",
            parent=above,
            scope=scope if above is None else above.scope_below(scope),
            opened_in=scope,
        )

    def _take(self, span: ReadableSpan, identity: SpanContext, noted: Span | None) -> bool:
        placed = noted or self._placed(span, identity, Context())
        placed.name = as_text(span.name)
        placed.start_ns = given_ns(span.start_time) or placed.start_ns
        library = span.instrumentation_scope
        told = Told(
            attributes=span.attributes or {},
            events=[Event(each.name, each.timestamp, each.attributes or {}) for each in span.events],
            links=[(each.context, each.attributes or {}) for each in span.links],
            status=span.status,
            kind=span.kind,
            library={} if library is None else _library(library.name, library.version),
            sent_elsewhere=self._senders(span, None if library is None else library.name),
        )
        return write(steps(), placed, told, span.end_time or placed.now_ns())

    def _senders(self, span: ReadableSpan, library: str | None) -> list[str]:
        senders = list(self._sent_elsewhere)
        if "langfuse" not in senders and (
            library == langfuse.SCOPE_NAME or any(_exports(each, span) for each in self._langfuse_exporters())
        ):
            senders.append("langfuse")
        return senders

    def _langfuse_exporters(self) -> Iterator[Any]:
        """Langfuse's own processors on the same provider that send to the project which we deliver to."""
        for each in self._neighbours:
            if type(each).__name__ == _LANGFUSE_EXPORTER:
                ours = current().settings.public_key
                if ours is None or getattr(each, "public_key", ours) == ours:
                    yield each


def _exports(exporter: Any, span: ReadableSpan) -> bool:
    """Whether a Langfuse client would send this span; it leaves out what has nothing to do with models."""
    decide = getattr(exporter, "_should_export_span", None)
    return decide is None or attempt("asking Langfuse's filter", decide, span) is not False


def _library(name: str, version: str | None) -> Mapping[str, str]:
    named = {"otel.scope.name": as_text(name)}
    return {**named, "otel.scope.version": as_text(version)} if version else named
