"""One call, one observation: what an attached call is made on, and whether it is a part of one that runs already.

The guard is the current span: it knows the object it was opened for. So it holds in tasks, threads and generators as
the context does, and a model that calls another one has a span of its own in between.
"""

from __future__ import annotations

from types import AsyncGeneratorType, GeneratorType
from typing import TYPE_CHECKING, Any, Final
from weakref import ref

from agent_trace.instrumentation.agents import open_in_scope
from agent_trace.instrumentation.outcomes import note_outcome
from agent_trace.recording.guard import attempt
from agent_trace.recording.recorder import READ_TYPES, current_span

if TYPE_CHECKING:
    from agent_trace.recording.recorder import Recorder
    from agent_trace.recording.span import Span
    from agent_trace.recording.target import Target

_GENERATORS: Final = (GeneratorType, AsyncGeneratorType)


class CallOn:
    """A call on an object: its name, whose scope it opens, what is known of the object."""

    __slots__ = ("_continuation", "_id", "_key", "begins_later", "metadata", "name", "parameters", "scope")

    def __init__(self, instance: object, key: str, name: str) -> None:
        # The id is enough: whatever calls a method holds its object until the call is over.
        self._id = id(instance)
        self._key = key
        self.name = name
        self.begins_later = False
        self.scope: dict[str, object] | None = None
        self.metadata: dict[str, object] | None = None
        self.parameters: dict[str, object] | None = None
        self._continuation: ref[Continuation] | None = None

    def is_about(self, instance: object, key: str) -> bool:
        """Whether a call on that object is a part of this one."""
        return self._id == id(instance) and self._key == key

    def open(self, recorder: Recorder, target: Target) -> Span | None:
        """Start the observation, in the scope of the agent if there is one."""
        if self.begins_later and _is_decorators(current_span(), target.entry_point):
            return None
        if self.scope:
            span = open_in_scope(recorder, self.name, target, self.scope)
        else:
            span = recorder.open(self.name, target.type, target.entry_point)
        span.subject = self
        if self.metadata:
            # Short texts and numbers, which need no capturing.
            span.added().fields["metadata"] = self.metadata
        return span

    def continue_in(self, continuation: Continuation) -> None:
        """Know of an async method or generator that the call has made, and may hand on."""
        self._continuation = ref(continuation)

    def goes_on(self, span: Span, output: object) -> bool:
        """Note an error among the values; True when the call hands on a generator that is a part of it."""
        continuation = None if self._continuation is None else self._continuation()
        if continuation is not None and type(output) in _GENERATORS and continuation.take_over():
            return True
        attempt("reading an error", note_outcome, span, output, span.type in READ_TYPES)
        return False


class Continuation:
    """A call within another one on the same object, which begins later, perhaps when the outer one has returned it."""

    __slots__ = ("__weakref__", "_outer", "_takes_over", "parameters")

    def __init__(self, outer: Span) -> None:
        self.parameters: dict[str, object] | None = None
        self._outer: Span | None = outer
        self._takes_over = False

    def take_over(self) -> bool:
        """The outer call has returned: its observation ends with this one. False when this has begun before that."""
        self._takes_over = self._outer is not None
        return self._takes_over

    def open(self, recorder: Recorder, target: Target) -> Span | None:
        """The outer call's span when that has handed on to us; nothing of its own while that runs."""
        outer, self._outer = self._outer, None
        if outer is None or not outer.is_finished:
            return outer if self._takes_over else None
        return recorder.open(target.name, target.type, target.entry_point)

    def goes_on(self, span: Span, output: object) -> bool:
        """Never: it is what others go on with."""
        return False

    def __del__(self) -> None:
        """What was handed on and never begun ends here."""
        outer = self._outer
        if self._takes_over and outer is not None:
            attempt("finishing an observation", outer.recorder.finish, outer)


def running_call(instance: Any, key: str, entry_point: str) -> Span | None:
    """The observation that a call on that object is a part of, if one runs here.

    That is one of the same object, or one that a decorator above us has opened for the same function.
    """
    span = current_span()
    if span is None or span.is_finished:
        return None
    subject = span.subject
    if isinstance(subject, CallOn):
        return span if subject.is_about(instance, key) else None
    return span if _is_decorators(span, entry_point) else None


def _is_decorators(span: Span | None, entry_point: str) -> bool:
    """Whether a decorator has opened it for that function."""
    return (
        span is not None and not span.is_finished and span.subject is None and span.entry_point == entry_point
    )
