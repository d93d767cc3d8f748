"""Opens spans, finishes them into records, and hands those to redaction and journal."""

from collections.abc import Callable, Mapping
from contextvars import Token
from typing import Any, Final, Protocol

import orjson
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context.context import Context

from agent_trace.recording import guard, record
from agent_trace.recording.additions import Additions
from agent_trace.recording.capturing.capture import Limits, capture
from agent_trace.recording.capturing.repeated import Repeated
from agent_trace.recording.clock import Clock, Ids, Origin
from agent_trace.recording.current_context import get_context, reset_context, set_context
from agent_trace.recording.guard import attempt
from agent_trace.recording.reading.results import Reading, read_result
from agent_trace.recording.recent import Identity, note_finished
from agent_trace.recording.record import Ending
from agent_trace.recording.redaction.redactor import Redactor
from agent_trace.recording.scope import EMPTY, SCOPE_KEY, Scope, scope_of, widened, with_scope
from agent_trace.recording.span import Span

_OURS: Final = otel_context.create_key("agent_trace-span")
# The key under which OpenTelemetry keeps its current span, asked of OpenTelemetry itself.
_CURRENT: Final = next(iter(trace.set_span_in_context(trace.INVALID_SPAN, Context())))
READ_TYPES: Final = frozenset({"generation", "embedding"})
"""Types of observation that have a model, parameters and usage to be read."""

_MAX_ENDINGS: Final = 1_000
_LINE: Final = orjson.OPT_APPEND_NEWLINE

NOTHING: Final = object()
"""No output at all, as opposed to an output that is None."""


class Sink(Protocol):
    """Where finished lines go: a journal, or a list in tests."""

    def append(self, line: bytes) -> bool:
        """Keep one record; False when it was lost (and counted)."""

    def count_lost(self, reason: str, count: int = 1) -> None:
        """Account for records that never became a line."""


class Recorder:
    """One process's way from a call to a line in the journal."""

    def __init__(
        self,
        sink: Sink,
        redactor: Redactor,
        origin: Origin,
        *,
        limits: Limits | None = None,
        clock: Clock | None = None,
        ids: Ids | None = None,
        deployment: Mapping[str, str | None] | None = None,
        on_failure: Callable[[str], None] | None = None,
    ) -> None:
        self.sink = sink
        self.redactor = redactor
        self.repeated = Repeated(redactor.is_clean)
        self.limits = limits or Limits()
        self.clock = clock or Clock()
        self.ids = ids or Ids()
        self._origin = origin
        self._on_failure = on_failure
        self._deployment = {name: value for name, value in (deployment or {}).items() if value}
        self._constants: dict[str, Any] = {}
        self.renew()

    def renew(self) -> None:
        """Take on the identity of the process we are in now: a forked child is another one."""
        self.ids.reseed()
        process = orjson.Fragment(orjson.dumps(self._origin.as_record()))
        self._constants = {**self._deployment, "process": process}
        self._endings: dict[object, Ending] = {}

    def renew_after_fork(self) -> None:
        """The same in a forked child, which has copies of the spans that are open: each becomes one below its original."""
        self.renew()
        span = current_span()
        while span is not None:
            if not span.is_finished:
                span.parent_id, span.id = span.id, self.ids.span_id()
            span = span.parent

    def open(self, name: str, kind: str, entry_point: str | None = None) -> Span:
        """Start an observation below whatever is current. It is not made current itself: see `attach`."""
        context = get_context()
        scope: Any = context.get(SCOPE_KEY, EMPTY)
        current = context.get(_CURRENT)
        if current is None:
            trace_id, id = self.ids.root_ids()
            span = Span(self, name, kind, trace_id, id, None, None, scope, scope)
        elif type(current) is Span:
            below = current.scope_below(scope)
            span = Span(
                self, name, kind, current.trace_id, self.ids.span_id(), current.id, current, below, scope
            )
        else:
            span = self._open_below_foreign(name, kind, context, scope)
        span.entry_point = entry_point
        if span.parent is None or kind == "agent":
            attempt("writing an opening", self._write_opening, span)
        return span

    def open_event(self, name: str, below: Identity) -> Span:
        """Start an event below an observation that may have finished already."""
        context = get_context()
        current = context.get(_OURS)
        if isinstance(current, Span) and not current.is_finished:
            return self.open(name, "event")
        scope = scope_of(context)
        return Span(self, name, "event", below[0], self.ids.span_id(), below[1], None, scope, scope)

    def _open_below_foreign(self, name: str, kind: str, context: Context, scope: Scope) -> Span:
        """Open a child of a span that somebody else's tracing made, or a root when that one is not valid."""
        bearer = getattr(context.get(_CURRENT), "observed", None)
        if type(bearer) is Span:  # a span of our own provider, or an instrumentor's proxy of one
            below = bearer.scope_below(scope)
            return Span(
                self, name, kind, bearer.trace_id, self.ids.span_id(), bearer.id, bearer, below, scope
            )
        foreign = trace.get_current_span(context).get_span_context()
        if not foreign.is_valid:
            return Span(self, name, kind, *self.ids.root_ids(), None, None, scope, scope)
        trace_id, parent_id = f"{foreign.trace_id:032x}", f"{foreign.span_id:016x}"
        ours, id = context.get(_OURS), self.ids.span_id()
        if isinstance(ours, Span) and ours.trace_id == trace_id:
            return Span(self, name, kind, trace_id, id, parent_id, ours, ours.scope_below(scope), scope)
        return Span(self, name, kind, trace_id, id, parent_id, None, scope, scope)

    def attach(self, span: Span) -> None:
        """Make `span` the current one, for OpenTelemetry and for us, until `detach`."""
        span.token = set_context(Context({**get_context(), _CURRENT: span, _OURS: span}))

    def resume(self, span: Span) -> None:
        """Make the span of a generator current for one step, with the context that its body left the last step with."""
        if span.context is None:
            self.attach(span)
        else:
            span.token = set_context(span.context)

    def suspend(self, span: Span) -> None:
        """Make current again what was so before the step; what the body has entered is kept for the next one."""
        span.context = get_context()
        self.detach(span)

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
        end_ns = span.now_ns() if end_ns is None else max(end_ns, span.start_ns)
        if error is not None:
            attempt("describing an exception", span.added().add_error, error)
        content = None
        if output is not NOTHING:
            if reading is None and type(output) is not str and span.type in READ_TYPES:
                reading = attempt("reading a result", read_result, output)
            if span.captures_output:
                content = self._capture_output(span, output)
        line, searched = record.observation(span, end_ns, content, reading, self._ending(span))
        self.sink.append(self.redactor.redact_line(line, searched))
        span.let_go()
        note_finished((span.trace_id, span.id), span.scope)

    def _capture_output(self, span: Span, output: object) -> bytes:
        content, cuts = capture(output, self.limits, "output", self.redactor.redact_text)
        if cuts:
            span.cuts = [*(span.cuts or ()), *cuts]
        return content

    def amend(self, identity: Identity, additions: Additions) -> None:
        """Add to an observation that is written already."""
        self._write(record.amendment(*identity, self.clock.wall_ns(), additions.fields))

    def score(self, identity: Identity, score: Mapping[str, object]) -> None:
        """Write a score about an observation."""
        self._write(record.score(*identity, self.clock.wall_ns(), score))

    def _write_opening(self, span: Span) -> None:
        """Say that a root or an agent has started, so that one that dies is seen as interrupted."""
        self.sink.append(record.opening(span, self._ending(span)))

    def _ending(self, span: Span) -> Ending:
        """What the span's records end with: written and searched once for all calls of a target in one scope."""
        scope = span.scope
        own = (span.name, span.type, span.entry_point)
        key = (own, *scope.items()) if scope else own
        ending = self._endings.get(key)
        if ending is None:
            if len(self._endings) >= _MAX_ENDINGS:
                self._endings.clear()
            raw = record.common(span, self._constants)
            redacted = self.redactor.redact_line(raw)
            is_clean = redacted is raw and self.redactor.is_clean(raw)
            ending = self._endings[key] = Ending(redacted[1:], raw[1:], is_clean)
        return ending

    def _write(self, fields: dict[str, Any]) -> None:
        if attempt("writing a record", self._append, fields) is None:
            self.lose()

    def lose(self) -> None:
        """Count a record that failed to be written for a reason of ours, and say so."""
        attempt("counting a loss", self._lose)

    def _lose(self) -> None:
        self.sink.count_lost("internal_error")
        if self._on_failure is not None:
            self._on_failure(f"an observation was lost: {guard.last_failure}. The program is not affected.")

    def _append(self, fields: dict[str, Any]) -> bool:
        fields.update(self._constants)
        return self.sink.append(self.redactor.redact_line(orjson.dumps(fields, option=_LINE)))


def current_span() -> Span | None:
    """The innermost span of ours in this context, also when somebody else's span is current below it."""
    context = get_context()
    found = getattr(context.get(_CURRENT), "observed", None) or context.get(_OURS)
    return found if isinstance(found, Span) else None


def enter_scope(fields: Mapping[str, object]) -> Token[Context]:
    """Widen the scope of this context; `leave_scope` takes the token back."""
    context = get_context()
    scope, span = scope_of(context), context.get(_OURS)
    if isinstance(span, Span):
        scope = span.scope_below(scope)
    return set_context(with_scope(widened(scope, fields), context))


def leave_scope(token: Token[Context]) -> None:
    """Put the former scope back."""
    reset_context(token)
