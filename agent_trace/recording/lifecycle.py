"""The way of a span through a call: opened, made current, finished into a line. The base of `Recorder`, in Python."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context.context import Context

from agent_trace.recording.capturing.capture import Limits, capture
from agent_trace.recording.capturing.repeated import Repeated
from agent_trace.recording.clock import Clock, Ids, given_ns
from agent_trace.recording.current_context import get_context, reset_context, set_context
from agent_trace.recording.guard import attempt
from agent_trace.recording.reading.results import Reading, read_result
from agent_trace.recording.recent import note_finished
from agent_trace.recording.record import Ending, observation, opening
from agent_trace.recording.scope import EMPTY, SCOPE_KEY, Scope

if TYPE_CHECKING:
    from agent_trace.recording.redaction.redactor import Redactor
    from agent_trace.recording.span import Span

OURS: Final = otel_context.create_key("agent_trace-span")
CURRENT: Final = next(iter(trace.set_span_in_context(trace.INVALID_SPAN, Context())))
"""The key under which OpenTelemetry keeps its current span, asked of OpenTelemetry itself."""

READ_TYPES: Final = frozenset({"generation", "embedding"})
"""Types of observation that have a model, parameters and usage to be read."""

NOTHING: Final = object()
"""No output at all, as opposed to an output that is None."""


class Sink(Protocol):
    """Where finished lines go: a journal, or a list in tests."""

    def append(self, line: bytes) -> bool:
        """Keep one record; False when it was lost (and counted)."""

    def count_lost(self, reason: str, count: int = 1) -> None:
        """Account for records that never became a line."""


class Lifecycle:
    """Opens spans and finishes them, with all that a record needs of its process."""

    def __init__(
        self,
        make_span: type[Span],
        sink: Sink,
        redactor: Redactor,
        limits: Limits,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self.make_span = make_span
        self.sink = sink
        self.redactor = redactor
        self.repeated = Repeated(redactor.is_clean)
        self.limits = limits
        self.clock = clock
        self.ids = ids
        self.constants: Mapping[str, Any] = {}
        self.endings: dict[object, Ending] = {}

    def open(self, name: str, kind: str, entry_point: str | None = None) -> Span:
        """Start an observation below whatever is current. It is not made current itself: see `attach`."""
        context = get_context()
        scope: Any = context.get(SCOPE_KEY, EMPTY)
        current = context.get(CURRENT)
        make = self.make_span
        if current is None:
            trace_id, id = self.ids.root_ids()
            span = make(self, name, kind, trace_id, id, None, None, scope, scope)  # type: ignore[arg-type]
        elif type(current) is make:
            trace_id, id, below = current.trace_id, self.ids.span_id(), current.scope_below(scope)
            span = make(self, name, kind, trace_id, id, current.id, current, below, scope)  # type: ignore[arg-type]
        else:
            span = self.open_below_foreign(name, kind, context, scope)
        span.entry_point = entry_point
        if span.parent is None or kind == "agent":
            attempt("writing an opening", self.write_opening, span)
        return span

    @abstractmethod
    def open_below_foreign(self, name: str, kind: str, context: Context, scope: Scope) -> Span:
        """Open a child of a span that somebody else's tracing made, or a root when that one is not valid."""

    def write_opening(self, span: Span) -> None:
        """Say that a root or an agent has started, so that one that dies is seen as interrupted."""
        self.sink.append(opening(span, self.ending(span)))

    def attach(self, span: Span) -> None:
        """Make `span` the current one, for OpenTelemetry and for us, until `detach`."""
        span.token = set_context(Context({**get_context(), CURRENT: span, OURS: span}))

    def detach(self, span: Span) -> None:
        """Make current again what was so before."""
        token, span.token = span.token, None
        if token is not None:
            reset_context(token)

    def finish(
        self,
        span: Span,
        output: object = NOTHING,
        error: BaseException | None = None,
        reading: Reading | None = None,
        end_ns: int | None = None,
    ) -> None:
        """Write the observation that `span` leaves behind. Only the first call counts.

        Whoever calls this contains its failures, and counts them with `lose`.

        `reading` is what is known of the output already; without it, the output of a generation is read.
        """
        if span.is_finished:
            return
        span.is_finished = True
        if end_ns is not None:
            end_ns = given_ns(end_ns)
        end_ns = span.now_ns() if end_ns is None else max(end_ns, span.start_ns)
        if error is not None:
            attempt("describing an exception", span.added().add_error, error)
        content = None
        if output is not NOTHING:
            if reading is None and type(output) is not str and span.type in READ_TYPES:
                reading = attempt("reading a result", read_result, output)
            if span.captures_output:
                content, cuts = capture(output, self.limits, "output", self.redactor.redact_text)
                if cuts:
                    span.cuts = [*(span.cuts or ()), *cuts]
        line, searched = observation(span, end_ns, content, reading, self.ending(span))
        self.sink.append(self.redactor.redact_line(line, searched))
        span.let_go()
        note_finished((span.trace_id, span.id), span.scope)

    def ending(self, span: Span) -> Ending:
        """What the span's records end with: written and searched once for all calls of a target in one scope."""
        scope = span.scope
        own = (span.name, span.type, span.entry_point)
        key = (own, *scope.items()) if scope else own
        return self.endings.get(key) or self.first_ending(key, span)

    @abstractmethod
    def first_ending(self, key: object, span: Span) -> Ending:
        """The same for a key that is new."""
