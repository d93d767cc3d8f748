"""The steps of observing one call: prepare, open, attach, note, detach, finish. None of them raises.

Each takes `None` where an earlier one failed, so that the wrappers in `calls.py` read as if nothing could.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent_trace.recording.call_steps import UNPREPARED, Asking, Captured, Gate, Prepared
from agent_trace.recording.capturing.capture import capture
from agent_trace.recording.guard import attempt
from agent_trace.recording.hot import CallSteps
from agent_trace.recording.reading.results import Reading
from agent_trace.recording.reading.streams import StreamReading
from agent_trace.recording.recorder import NOTHING, Recorder

if TYPE_CHECKING:
    from agent_trace.recording.span import Span
    from agent_trace.recording.target import Target

__all__ = ["Asking", "Gate", "Prepared", "Steps", "Stream"]


class Stream:
    """The live span of a generator, and what it has yielded so far."""

    __slots__ = ("reading", "span", "yielded")

    def __init__(self, span: Span) -> None:
        self.span = span
        self.reading = StreamReading(span.recorder.redactor.redact_text)
        self.yielded = 0


class Steps(CallSteps):
    """What the wrappers do before, during and after a call, with one recorder."""

    def __init__(
        self, recorder: Recorder, *, captures_input: bool = True, captures_output: bool = True
    ) -> None:
        super().__init__(recorder, captures_input, captures_output)

    def admitted(self, span: Span, gate: Gate) -> Span:
        """The span, if its call may be made. Else it is closed, and the gate's error is raised: the user wants that."""
        refusal = attempt("asking the gate", gate, span)
        if refusal is not None:
            self.close(span, error=refusal)
            raise refusal
        return span

    def begin_without_input(self, target: Target) -> Span | None:
        """Open and attach, after preparing has failed."""
        return attempt("opening an observation", self._begin_without_input, target)

    def _begin_without_input(self, target: Target) -> Span | None:
        span = self.opened(target, UNPREPARED)
        if span is not None:
            self.recorder.attach(span)
        return span

    def capture_with_care(self, arguments: dict[str, Any]) -> Captured:
        """What `Repeated` leaves to others: foreign types, and more than fits."""
        recorder = self.recorder
        content, cuts = capture(arguments, recorder.limits, "input", recorder.redactor.redact_text)
        return ([content], [content]), cuts

    def open_stream(self, target: Target, prepared: Prepared) -> Stream | None:
        """Start the observation of a generator."""
        span = self.open(target, prepared)
        return None if span is None else Stream(span)

    def attach(self, span: Span | None) -> None:
        """Make the span current."""
        if span is not None:
            attempt("attaching a span", self.recorder.attach, span)

    def detach(self, span: Span | None) -> None:
        """Make current again what was so before; the observation goes on."""
        if span is not None:
            attempt("detaching a span", self.recorder.detach, span)

    def resume(self, span: Span | None) -> None:
        """Make the span of a generator current for one step."""
        if span is not None:
            attempt("attaching a span", self.recorder.resume, span)

    def suspend(self, span: Span | None) -> None:
        """Make current again what was so before the step."""
        if span is not None:
            attempt("detaching a span", self.recorder.suspend, span)

    def note(self, stream: Stream | None, item: object) -> None:
        """Take note of one yielded item."""
        if stream is not None:
            attempt("reading a stream", self._note, stream, item)

    def close_stream(
        self, stream: Stream | None, returned: object = None, error: BaseException | None = None
    ) -> None:
        """Write the observation of a generator that is exhausted, failed, closed or abandoned."""
        if stream is None:
            return
        if attempt("finishing an observation", self._close_stream, stream, returned, error) is None:
            self.recorder.lose()

    def _note(self, stream: Stream, item: object) -> None:
        if stream.yielded == 0:
            stream.span.first_item_ns = stream.span.now_ns()
        stream.yielded += 1
        stream.reading.add(item)

    def _close_stream(self, stream: Stream, returned: object, error: BaseException | None) -> bool:
        span = stream.span
        output: object = NOTHING
        reading: Reading | None = None
        if stream.yielded:
            output, reading = stream.reading.finish()
        if returned is not None:
            output = returned if output is NOTHING else {"yielded": output, "returned": returned}
        if isinstance(
            error, GeneratorExit
        ):  # its reader had enough: a `break`, `close()`, or nobody left to read
            span.added().raise_level("DEFAULT", f"closed by its reader after {_items(stream.yielded)}")
            error = None
        self.recorder.finish(span, output, error, reading)
        return True


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{count} items"
