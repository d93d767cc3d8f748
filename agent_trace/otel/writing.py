"""A foreign span that has ended, written as an observation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode
from orjson import Fragment

from agent_trace.otel.conventions import Event, meaning_of
from agent_trace.otel.meaning import Attributes, Meaning
from agent_trace.recording.additions import Additions
from agent_trace.recording.capturing.capture import capture
from agent_trace.recording.reading.results import Reading
from agent_trace.recording.recent import nothing_finished
from agent_trace.recording.recorder import NOTHING
from agent_trace.recording.scope import widened
from agent_trace.recording.span import Span
from agent_trace.recording.steps import Steps
from agent_trace.recording.text import as_text, last_lines

_MOST_LINKS: Final = 128
_MAX_ATTRIBUTE_BYTES: Final = 65_536
"""What is left of a longer one when it is captured."""
_MAX_STACK_CHARACTERS: Final = 32_000
_MAX_MESSAGE_CHARACTERS: Final = 8_000
_CANCELLED: Final = ("CancelledError", "SystemExit")

Link = tuple[SpanContext, Mapping[str, Any]]


@dataclass(slots=True)
class Told:
    """What a foreign span has said of itself until its end."""

    attributes: Mapping[str, Any]
    events: Sequence[Event] = ()
    links: Sequence[Link] = ()
    status: Status | None = None
    kind: SpanKind = SpanKind.INTERNAL
    library: Mapping[str, str] = field(default_factory=dict)
    """`otel.scope.name` and `otel.scope.version`: who made the span."""
    sent_elsewhere: Sequence[str] = ()
    left_out: int = 0
    """How many attributes there were beyond those."""


def write(steps: Steps, span: Span, told: Told, end_ns: int) -> bool:
    """Write the observation of `span` with what it was told. The caller contains failures, and counts them."""
    recorder = steps.recorder
    errors = [event for event in told.events if event.name == "exception"]
    others = [event for event in told.events if event.name != "exception"]
    meaning, rest = meaning_of(told.attributes, others)
    span.type = meaning.type or span.type
    span.model, span.model_parameters = meaning.model_asked, meaning.model_parameters
    span.first_item_ns = meaning.first_token_ns
    if meaning.scope:
        span.scope = widened(span.scope, meaning.scope)
    additions = span.added()
    _add_errors(additions, errors, told.status)
    _add_status(additions, told.status, meaning)
    _add_the_rest(additions, meaning, told, rest, recorder.limits.max_bytes)
    _capture_input(steps, additions, meaning)
    span.captures_output = steps.captures_output
    reading = Reading(meaning.model, meaning.usage, meaning.cost, meaning.finish_reason)
    if meaning.type is None:
        # Signals are meant for the model's answer or the agent that finished last, not for a request to a database.
        with nothing_finished():
            recorder.finish(span, meaning.output, reading=reading, end_ns=end_ns)
    else:
        recorder.finish(span, meaning.output, reading=reading, end_ns=end_ns)
    return True


def _capture_input(steps: Steps, additions: Additions, meaning: Meaning) -> None:
    if meaning.input is NOTHING or not steps.captures_input:
        return
    recorder = steps.recorder
    content, cuts = capture(meaning.input, recorder.limits, "input", recorder.redactor.redact_text)
    additions.fields["input"] = Fragment(content)
    if cuts:
        additions.fields.setdefault("truncated", []).extend(cuts)


def _add_status(additions: Additions, status: Status | None, meaning: Meaning) -> None:
    if status is not None and status.status_code is StatusCode.ERROR:
        additions.raise_level("ERROR", status.description)
    if meaning.level is not None or meaning.status_message is not None:
        additions.raise_level(meaning.level or "DEFAULT", meaning.status_message)


def _add_errors(additions: Additions, events: Sequence[Event], status: Status | None) -> None:
    """Exceptions that came as events. One that a span with status OK tells of was dealt with."""
    for event in events:
        said = event.attributes
        described: dict[str, Any] = {
            "type": as_text(said.get("exception.type") or "exception"),
            "message": as_text(said.get("exception.message", ""), _MAX_MESSAGE_CHARACTERS),
        }
        if said.get("exception.stacktrace"):
            described["stack"] = last_lines(str(said["exception.stacktrace"]), _MAX_STACK_CHARACTERS)
        former = additions.fields.get("error")
        if former is not None:
            described["earlier"] = [*former.pop("earlier", []), former]
        additions.fields["error"] = described
        if status is None or status.status_code is not StatusCode.OK:
            level = "WARNING" if described["type"].endswith(_CANCELLED) else "ERROR"
            additions.raise_level(level, f"{described['type']}: {described['message']}")


def _add_the_rest(
    additions: Additions, meaning: Meaning, told: Told, rest: Attributes, max_bytes: int
) -> None:
    if told.kind is not SpanKind.INTERNAL:
        rest["span.kind"] = told.kind.name
    rest.update(told.library)
    for context, attributes in told.links[:_MOST_LINKS]:
        rest[f"link.{context.span_id:016x}"] = {"trace_id": f"{context.trace_id:032x}", **attributes}
    if rest:
        additions.add_metadata(_within(rest, max_bytes, told.left_out))
    if meaning.tags:
        additions.add_tags(meaning.tags)
    if told.sent_elsewhere:
        additions.fields["sent_elsewhere"] = list(told.sent_elsewhere)


def _within(rest: Attributes, max_bytes: int, left_out: int) -> Attributes:
    """As many attributes as fit; the number of the others is told."""
    kept: Attributes = {}
    for name, value in rest.items():
        size = len(name) + (len(value) if isinstance(value, str | bytes | list | tuple) else 8)
        size = min(size, _MAX_ATTRIBUTE_BYTES)
        if size <= max_bytes:
            kept[name] = value
            max_bytes -= size
    left_out += len(rest) - len(kept)
    return {**kept, "attributes_left_out": left_out} if left_out else kept
