"""The live span: what is being observed while the call runs, on the OpenTelemetry API.

Not a span of the OpenTelemetry SDK, which costs 15 µs; of its API, so that it can be the current span of the
OpenTelemetry context: instrumentation by others nests below it, and `opentelemetry.propagate` carries it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry import trace
from opentelemetry.trace import SpanContext, Status, StatusCode, TraceFlags
from opentelemetry.util.types import Attributes, AttributeValue

from agent_trace.recording.additions import Additions
from agent_trace.recording.guard import guarded
from agent_trace.recording.hot import SpanFields
from agent_trace.recording.scope import Scope
from agent_trace.recording.text import as_text

_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class Span(SpanFields, trace.Span):
    """One running operation. `Recorder.open` makes it, `Recorder.finish` turns it into an observation."""

    def now_ns(self) -> int:
        """The present as this span counts it: never before its start, whatever the wall clock does."""
        return self.start_ns + self.recorder.clock.ticks_ns() - self.start_ticks

    def scope_below(self, scope: Scope) -> Scope:
        """The scope of what is opened below, in a context that carries `scope`.

        That is the context's when a narrower scope was entered below this span, else this span's own, which may have
        learned its agent since it was opened.
        """
        return self.scope if scope is self.opened_in else scope

    def added(self) -> Additions:
        """Where to put what users add."""
        if self.additions is None:
            self.additions = Additions()
        return self.additions

    def let_go(self) -> None:
        """Forget what the record holds now: contexts that were copied while this ran keep the span alive."""
        self.input = self.cuts = self.additions = self.model_parameters = self.subject = None

    def note_inner_usage(self) -> None:
        """Tell every ancestor that tokens were already counted below it."""
        ancestor = self.parent
        while ancestor is not None and not ancestor.has_inner_usage:
            ancestor.has_inner_usage = True
            ancestor = ancestor.parent

    # What follows is the OpenTelemetry API, for instrumentation that never heard of us.

    def get_span_context(self) -> SpanContext:
        """The identity that is propagated to other processes."""
        return SpanContext(int(self.trace_id, 16), int(self.id, 16), is_remote=False, trace_flags=_SAMPLED)

    def is_recording(self) -> bool:
        """True until it has ended."""
        return not self.is_finished

    def end(self, end_time: int | None = None) -> None:
        """Finish the observation; a second call does nothing."""
        self._finish(None, end_time)

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Keep attributes as metadata."""
        with guarded("setting attributes"):
            self.added().add_metadata(attributes)

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """Keep one attribute as metadata."""
        self.set_attributes({key: value})

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """Keep an event as metadata `event.<name>`, with its time in nanoseconds since the epoch."""
        with guarded("adding an event"):
            at_ns = self.now_ns() if timestamp is None else timestamp
            self.set_attributes({f"event.{name}": {"at_ns": at_ns, **(attributes or {})}})

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        """Keep a link as metadata `link.<span id>`."""
        with guarded("adding a link"):
            link = {"trace_id": f"{context.trace_id:032x}", **(attributes or {})}
            self.set_attributes({f"link.{context.span_id:016x}": link})

    def update_name(self, name: str) -> None:
        """Give the observation another name."""
        self.name = as_text(name)

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """ERROR raises the level; the description becomes the status message."""
        code, text = (
            (status.status_code, status.description) if isinstance(status, Status) else (status, None)
        )
        if code is StatusCode.ERROR:
            self.added().raise_level("ERROR", text or description)

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Keep the exception as the observation's error."""
        with guarded("recording an exception"):
            self.added().add_error(exception, dict(attributes) if attributes else None)

    def __exit__(self, kind: Any, error: BaseException | None, stack: Any) -> None:
        """End the span; an exception that passes through is its error."""
        self._finish(error, None)

    def _finish(self, error: BaseException | None, end_ns: int | None) -> None:
        done = False
        with guarded("ending a span"):
            self.recorder.finish(self, error=error, end_ns=end_ns)
            done = True
        if not done:
            self.recorder.lose()
