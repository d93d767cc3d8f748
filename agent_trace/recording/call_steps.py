"""The steps of a call that begins at once, and what of any call is captured when it is made. The base of `Steps`, in Python."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, Protocol

from agent_trace.recording.capturing.repeated import Parts
from agent_trace.recording.guard import attempt
from agent_trace.recording.lifecycle import NOTHING, READ_TYPES
from agent_trace.recording.reading.results import read_instance, read_parameters
from agent_trace.recording.subject import Subject

if TYPE_CHECKING:
    from agent_trace.recording.recorder import Recorder
    from agent_trace.recording.scope import Scope
    from agent_trace.recording.span import Span
    from agent_trace.recording.target import Target

Captured = tuple[Parts, list[dict[str, Any]] | None]
"""Input and what of it is to be searched; what was cut of it."""

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

UNPREPARED: Final[Prepared] = (None, None, None, None, None)


class CallSteps:
    """What a wrapper does before and after a call."""

    def __init__(self, recorder: Recorder, captures_input: bool, captures_output: bool) -> None:
        self.recorder = recorder
        self.captures_input = captures_input
        self.captures_output = captures_output
        self.gate: Gate | None = None

    def prepare(
        self, target: Target, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Prepared:
        """Capture the arguments now: agents go on changing their message lists."""
        return attempt("capturing input", self._prepare, target, instance, args, kwargs) or UNPREPARED

    def begin(
        self, target: Target, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Span | None:
        """Prepare, open and attach in one: for a call that starts at once."""
        span = attempt("opening an observation", self._begin, target, instance, args, kwargs)
        span = span or self.begin_without_input(target)
        return span if self.gate is None or span is None else self.admitted(span, self.gate)

    def open(self, target: Target, prepared: Prepared) -> Span | None:
        """Start the observation of a prepared call, not current yet."""
        span = attempt("opening an observation", self.opened, target, prepared)
        return span if self.gate is None or span is None else self.admitted(span, self.gate)

    @abstractmethod
    def admitted(self, span: Span, gate: Gate) -> Span:
        """The span, if its call may be made. Else it is closed, and the gate's error is raised: the user wants that."""

    @abstractmethod
    def begin_without_input(self, target: Target) -> Span | None:
        """Open and attach, after preparing has failed."""

    @abstractmethod
    def capture_with_care(self, arguments: dict[str, Any]) -> Captured:
        """What `Repeated` leaves to others: foreign types, and more than fits."""

    def close(self, span: Span | None, output: object = NOTHING, error: BaseException | None = None) -> None:
        """Detach the span and write its observation."""
        if span is not None and attempt("finishing an observation", self._close, span, output, error) is None:
            self.recorder.lose()

    def _begin(
        self, target: Target, instance: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Span | None:
        span = self.opened(target, self._prepare(target, instance, args, kwargs))
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

    def _capture_input(self, arguments: dict[str, Any]) -> Captured:
        recorder = self.recorder
        try:
            written = recorder.repeated.write(arguments, recorder.limits)
        except (TypeError, RuntimeError):
            # What orjson refuses; a container that another thread changed meanwhile.
            written = None
        return self.capture_with_care(arguments) if written is None else (written, None)

    def opened(self, target: Target, prepared: Prepared) -> Span | None:
        """The span of a prepared call; None, or another call's, when this is a part of that."""
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
