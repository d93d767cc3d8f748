"""Opens spans, finishes them into records, and hands those to redaction and journal."""

from collections.abc import Callable, Mapping
from contextvars import Token
from typing import Any, Final

import orjson
from opentelemetry import trace
from opentelemetry.context.context import Context

from agent_trace.recording import guard, record
from agent_trace.recording.additions import Additions
from agent_trace.recording.capturing.capture import Limits
from agent_trace.recording.clock import Clock, Origin
from agent_trace.recording.current_context import get_context, reset_context, set_context
from agent_trace.recording.guard import attempt
from agent_trace.recording.hot import Ids, Lifecycle
from agent_trace.recording.lifecycle import CURRENT, NOTHING, OURS, READ_TYPES, Sink
from agent_trace.recording.recent import Identity
from agent_trace.recording.redaction.redactor import Redactor
from agent_trace.recording.scope import Scope, scope_of, widened, with_scope
from agent_trace.recording.span import Span

__all__ = ["NOTHING", "READ_TYPES", "Recorder", "Sink", "current_span", "enter_scope", "leave_scope"]

_LINE: Final = orjson.OPT_APPEND_NEWLINE
_MAX_ENDINGS: Final = 1_000


class Recorder(Lifecycle):
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
        super().__init__(Span, sink, redactor, limits or Limits(), clock or Clock(), ids or Ids())
        self._origin = origin
        self._on_failure = on_failure
        self._deployment = {name: value for name, value in (deployment or {}).items() if value}
        self.renew()

    def renew(self) -> None:
        """Take on the identity of the process we are in now: a forked child is another one."""
        self.ids.reseed()
        process = orjson.Fragment(orjson.dumps(self._origin.as_record()))
        self.constants = {**self._deployment, "process": process}
        self.endings = {}

    def renew_after_fork(self) -> None:
        """The same in a forked child, which has copies of the spans that are open: each becomes one below its original."""
        self.renew()
        span = current_span()
        while span is not None:
            if not span.is_finished:
                span.parent_id, span.id = span.id, self.ids.span_id()
            span = span.parent

    def open_event(self, name: str, below: Identity) -> Span:
        """Start an event below an observation that may have finished already."""
        context = get_context()
        current = context.get(OURS)
        if isinstance(current, Span) and not current.is_finished:
            return self.open(name, "event")
        scope = scope_of(context)
        return Span(self, name, "event", below[0], self.ids.span_id(), below[1], None, scope, scope)

    def open_below_foreign(self, name: str, kind: str, context: Context, scope: Scope) -> Span:
        """Open a child of a span that somebody else's tracing made, or a root when that one is not valid."""
        bearer = getattr(context.get(CURRENT), "observed", None)
        if type(bearer) is Span:  # a span of our own provider, or an instrumentor's proxy of one
            below = bearer.scope_below(scope)
            return Span(
                self, name, kind, bearer.trace_id, self.ids.span_id(), bearer.id, bearer, below, scope
            )
        foreign = trace.get_current_span(context).get_span_context()
        if not foreign.is_valid:
            return Span(self, name, kind, *self.ids.root_ids(), None, None, scope, scope)
        trace_id, parent_id = f"{foreign.trace_id:032x}", f"{foreign.span_id:016x}"
        ours, id = context.get(OURS), self.ids.span_id()
        if isinstance(ours, Span) and ours.trace_id == trace_id:
            return Span(self, name, kind, trace_id, id, parent_id, ours, ours.scope_below(scope), scope)
        return Span(self, name, kind, trace_id, id, parent_id, None, scope, scope)

    def first_ending(self, key: object, span: Span) -> record.Ending:
        """What the records of a span end with, when none has ended with it before."""
        if len(self.endings) >= _MAX_ENDINGS:
            self.endings.clear()
        raw = record.common(span, self.constants)
        redacted = self.redactor.redact_line(raw)
        is_clean = redacted is raw and self.redactor.is_clean(raw)
        ending = self.endings[key] = record.Ending(redacted[1:], raw[1:], is_clean)
        return ending

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

    def amend(self, identity: Identity, additions: Additions) -> None:
        """Add to an observation that is written already."""
        self._write(record.amendment(*identity, self.clock.wall_ns(), additions.fields))

    def score(self, identity: Identity, score: Mapping[str, object]) -> None:
        """Write a score about an observation."""
        self._write(record.score(*identity, self.clock.wall_ns(), score))

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
        fields.update(self.constants)
        return self.sink.append(self.redactor.redact_line(orjson.dumps(fields, option=_LINE)))


def current_span() -> Span | None:
    """The innermost span of ours in this context, also when somebody else's span is current below it."""
    context = get_context()
    found = getattr(context.get(CURRENT), "observed", None) or context.get(OURS)
    return found if isinstance(found, Span) else None


def enter_scope(fields: Mapping[str, object]) -> Token[Context]:
    """Widen the scope of this context; `leave_scope` takes the token back."""
    context = get_context()
    scope, span = scope_of(context), context.get(OURS)
    if isinstance(span, Span):
        scope = span.scope_below(scope)
    return set_context(with_scope(widened(scope, fields), context))


def leave_scope(token: Token[Context]) -> None:
    """Put the former scope back."""
    reset_context(token)
