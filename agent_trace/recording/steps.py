"""The steps of observing one call: prepare, open, attach, note, detach, finish. None of them raises.

Each takes `None` where an earlier one failed, so that the wrappers in `calls.py` read as if nothing could.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

from agent_trace.recording.capturing.capture import capture
from agent_trace.recording.capturing.repeated import Parts
from agent_trace.recording.guard import attempt
from agent_trace.recording.reading.results import Reading, read_instance, read_parameters
from agent_trace.recording.reading.streams import StreamReading
from agent_trace.recording.recorder import NOTHING, READ_TYPES, Recorder
from agent_trace.recording.span import Span
from agent_trace.recording.subject import Subject
from agent_trace.recording.target import Target

if TYPE_CHECKING:
    from agent_trace.recording.scope import Scope

Prepared = tuple[Parts | None, list[dict[str, Any]] | None, str | None, dict[str, Any] | None, Subject | None]
"""A call as it was when it was made, though it may begin later: input and what of it is to be searched, what was cut of
it, model, parameters, subject. A plain tuple, which takes a fifth of the time of a named one."""


class Asking(Protocol):
    """What a gate looks at: a span, or what a call is known to be before it has one."""

    @property
    def type(self) -> str:
        """Of the observation, such as `generation`."""

    @property
    def model(self) -> str | None:
        """What is asked, where that is known."""

    @property
    def scope(self) -> Scope:
        """For whom."""


Gate = Callable[[Asking], Exception | None]
"""Asked before each call is made: what is to be raised in its place, or None."""

_UNPREPARED: Final[Prepared] = (None, None, None, None, None)


class Stream:
    """The live span of a generator, and what it has yielded so far."""

    __slots__ = ("reading", "span", "yielded")

    def __init__(self, span: Span) -> None:
        self.span = span
        self.reading = StreamReading(span.recorder.redactor.redact_text)
        self.yielded = 0


class Steps:
    """What the wrappers do before, during and after a call, with one recorder."""

    __slots__ = ("captures_input", "captures_output", "gate", "recorder")

    def __init__(
        self, recorder: Recorder, *, captures_input: bool = True, captures_output: bool = True
    ) -> None:
        self.recorder = recorder
        self.captures_input = captures_input
        self.captures_output = captures_output
        self.gate: Gate | None = None

    def prepare(
        self, target: Target, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Prepared:
        """Capture the arguments now: agents go on changing their message lists."""
        return attempt("capturing input", self._prepare, target, instance, args, kwargs) or _UNPREPARED

    def begin(
        self, target: Target, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Span | None:
        """Prepare, open and attach in one: for a call that starts at once."""
        span = attempt("opening an observation", self._begin, target, instance, args, kwargs)
        span = span or attempt("opening an observation", self._begin_without_input, target)
        return span if self.gate is None or span is None else self._admitted(span, self.gate)

    def open(self, target: Target, prepared: Prepared) -> Span | None:
        """Start the observation of a prepared call, not current yet."""
        span = attempt("opening an observation", self._open, target, prepared)
        return span if self.gate is None or span is None else self._admitted(span, self.gate)

    def _admitted(self, span: Span, gate: Gate) -> Span:
        """The span, if its call may be made. Else it is closed, and the gate's error is raised: the user wants that."""
        refusal = attempt("asking the gate", gate, span)
        if refusal is not None:
            self.close(span, error=refusal)
            raise refusal
        return span

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

    def close(self, span: Span | None, output: object = NOTHING, error: BaseException | None = None) -> None:
        """Detach the span and write its observation."""
        if span is not None and attempt("finishing an observation", self._close, span, output, error) is None:
            self.recorder.lose()

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

    def _begin(
        self, target: Target, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Span | None:
        span = self._open(target, self._prepare(target, instance, args, kwargs))
        if span is not None:
            self.recorder.attach(span)
        return span

    def _begin_without_input(self, target: Target) -> Span | None:
        span = self._open(target, _UNPREPARED)
        if span is not None:
            self.recorder.attach(span)
        return span

    def _close(self, span: Span, output: object, error: BaseException | None) -> bool:
        recorder = self.recorder
        recorder.detach(span)
        if span.subject is None or error is not None or not span.subject.goes_on(span, output):
            recorder.finish(span, output, error)
        return True

    def _prepare(
        self, target: Target, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Prepared:
        instance, args = target.instance_of(instance, args)
        is_bound = instance is not None
        arguments = target.arguments(args, kwargs, is_bound=is_bound)
        subject = None if target.about is None else target.about(instance)
        content, cuts = None, None
        if target.captures_input and self.captures_input:
            content, cuts = self._capture_input(arguments)
        if target.type not in READ_TYPES:
            return content, cuts, None, None, subject
        model, parameters = read_parameters(arguments)
        if target.model_by_default is not None or target.parameters_by_default:
            model = model or target.model_by_default
            parameters = {**(target.parameters_by_default or {}), **(parameters or {})}
        if model is None and is_bound:
            model = read_instance(instance)
        if subject is not None and subject.parameters:
            parameters = {**subject.parameters, **(parameters or {})}
        return content, cuts, model, parameters, subject

    def _capture_input(self, arguments: dict[str, Any]) -> tuple[Parts, list[dict[str, Any]] | None]:
        recorder = self.recorder
        try:
            written = recorder.repeated.write(arguments, recorder.limits)
        except (
            TypeError,
            RuntimeError,
        ):  # what orjson refuses; a container that another thread changed meanwhile
            written = None
        if written is not None:
            return written, None
        content, cuts = capture(arguments, recorder.limits, "input", recorder.redactor.redact_text)
        return ([content], [content]), cuts

    def _open(self, target: Target, prepared: Prepared) -> Span | None:
        content, cuts, model, parameters, subject = prepared
        if subject is None:
            span = self.recorder.open(target.name, target.type, target.entry_point)
        else:
            opened = subject.open(self.recorder, target)
            if opened is None or opened.subject is not subject:  # a part of a call that is observed already
                return opened
            span = opened
        span.input, span.cuts, span.model, span.model_parameters = content, cuts, model, parameters
        span.captures_output = target.captures_output and self.captures_output
        return span

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
