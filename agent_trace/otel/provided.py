"""The live span that instrumentors get from our provider: it gathers what they say, and writes it when it ends."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType, TracebackType
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode
from opentelemetry.util.types import Attributes, AttributeValue

from agent_trace.otel.conventions import SCOPE_ATTRIBUTES, Event
from agent_trace.otel.writing import Link, Told, write
from agent_trace.recording.guard import guarded
from agent_trace.recording.scope import widened
from agent_trace.recording.span import Span
from agent_trace.recording.steps import Steps
from agent_trace.recording.text import as_text

MOST_ATTRIBUTES: Final = 2_000
_MOST_EVENTS: Final = 1_000
_PLAIN: Final = frozenset({str, int, float, bool, type(None)})
_MOST_ITEMS: Final = 10_000


class ProvidedSpan(trace.Span):
    """Not a `Span` of the recorder but the bearer of one, as `observed`.

    Its attributes have to wait for its end: only all of them together tell what it is. Nothing of it raises into the
    instrumented call.
    """

    def __init__(self, steps: Steps, observed: Span, library: Mapping[str, str], kind: SpanKind) -> None:
        self.observed = observed
        self._steps = steps
        self._library = library
        self._kind = kind
        self._attributes: dict[str, Any] = {}
        self._left_out = 0
        self._events: list[Event] = []
        self._links: list[Link] = []
        self._status: Status | None = None
        self._recorded: BaseException | None = None
        self.records_exceptions = True
        self.sets_status = True

    # Not of the API, but of every span of the SDK: some instrumentors look.

    @property
    def name(self) -> str:
        """What the observation is called."""
        return self.observed.name

    @property
    def kind(self) -> SpanKind:
        """Client, server, or neither."""
        return self._kind

    @property
    def context(self) -> SpanContext:
        """The same as `get_span_context`."""
        return self.get_span_context()

    @property
    def attributes(self) -> Mapping[str, Any]:
        """What it was told so far, to be read."""
        return MappingProxyType(self._attributes)

    def get_span_context(self) -> SpanContext:
        """The identity of the observation that it becomes."""
        return self.observed.get_span_context()

    def is_recording(self) -> bool:
        """True until it has ended."""
        return not self.observed.is_finished

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Keep attributes until the end; lists as they are now."""
        with guarded("setting attributes"):
            for key, value in attributes.items():
                self._keep(key if type(key) is str else as_text(key), value)

    def set_attribute(self, key: str, value: AttributeValue) -> None:
        """Keep one attribute."""
        self.set_attributes({key: value})

    def _keep(self, key: str, value: Any) -> None:
        if len(self._attributes) >= MOST_ATTRIBUTES and key not in self._attributes:
            self._left_out += 1
            return
        if type(value) not in _PLAIN:
            value = tuple(value[:_MOST_ITEMS]) if isinstance(value, list | tuple) else _as_it_is_now(value)
        self._attributes[key] = value
        field = SCOPE_ATTRIBUTES.get(key)
        if field is not None and value:
            self.observed.scope = widened(self.observed.scope, {field: value})

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """Keep an event, with its time in nanoseconds since the epoch."""
        with guarded("adding an event"):
            at_ns = self.observed.now_ns() if timestamp is None else timestamp
            if len(self._events) < _MOST_EVENTS:
                self._events.append(Event(as_text(name), at_ns, dict(attributes or {})))

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        """Keep a link to another span."""
        with guarded("adding a link"):
            if len(self._links) < _MOST_EVENTS:
                self._links.append((context, dict(attributes or {})))

    def update_name(self, name: str) -> None:
        """Give the observation another name."""
        self.observed.update_name(name)

    @property
    def status(self) -> Status:
        """What it was set to so far; the API does not have it, but some instrumentors ask for it."""
        return self._status or Status()

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """ERROR becomes the level, its description the status message. OK is final, UNSET says nothing."""
        with guarded("setting a status"):
            new = status if isinstance(status, Status) else Status(status, description)
            is_final = self._status is not None and self._status.status_code is StatusCode.OK
            if new.status_code is not StatusCode.UNSET and not is_final:
                self._status = new

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Keep the exception as the observation's error; the same one only once, though layers may report it each."""
        if exception is not self._recorded:
            self._recorded = exception
            self.observed.record_exception(exception, attributes)

    def end(self, end_time: int | None = None) -> None:
        """Write the observation; a second call does nothing. `end_time` in nanoseconds since the epoch."""
        observed = self.observed
        if observed.is_finished:
            return
        self._recorded = None
        told = Told(
            self._attributes,
            self._events,
            self._links,
            self._status,
            self._kind,
            self._library,
            left_out=self._left_out,
        )
        done = False
        with guarded("ending a span"):
            done = write(self._steps, observed, told, observed.now_ns() if end_time is None else end_time)
        if not done:
            observed.is_finished = True
            self._steps.recorder.lose()

    def fail(self, error: BaseException) -> None:
        """Take note of an exception that leaves the block of this span, as its tracer was asked to."""
        if self.records_exceptions:
            self.record_exception(error)
        if self.sets_status:
            with guarded("describing an exception"):
                self.set_status(StatusCode.ERROR, as_text(f"{type(error).__name__}: {error}"))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        """End the span; an exception that passes through is its error."""
        if error is not None:
            self.fail(error)
        self.end()


def _as_it_is_now(value: Any) -> Any:
    """A copy of what the API does not allow but some give: programs go on changing their dicts."""
    return dict(value) if isinstance(value, dict) else as_text(value, 65_536)
