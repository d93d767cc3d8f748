"""A process that another traced one has started: `TRACEPARENT` says which span it belongs to.

What would be a root is a child of that span. Looked up once, when recording starts; a process without the variable has
the plain recorder, and pays nothing for this.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from opentelemetry import trace
from opentelemetry.context.context import Context

from agent_trace.recording.current_context import get_context, reset_context, set_context
from agent_trace.recording.guard import attempt
from agent_trace.recording.recorder import Recorder
from agent_trace.recording.span import Span
from agent_trace.settings import parent_from_environment


class InheritingRecorder(Recorder):
    """A recorder in a process that is a part of somebody else's trace."""

    def __init__(self, parent: trace.Span, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._parent = parent

    def open(self, *given: Any, **named: Any) -> Span:
        """Start an observation below whatever is current, or below the span that started the process."""
        context = get_context()
        if trace.get_current_span(context).get_span_context().is_valid:
            return super().open(*given, **named)
        token = set_context(trace.set_span_in_context(self._parent, context))
        try:
            return super().open(*given, **named)
        finally:
            reset_context(token)


def recorder_of_process() -> Callable[..., Recorder]:
    """What makes the recorder of this process."""
    parent = attempt("reading TRACEPARENT", _parent_of_process)
    return Recorder if parent is None else partial(InheritingRecorder, parent)


def _parent_of_process() -> trace.Span | None:
    told = parent_from_environment()
    if not told:
        return None
    from agent_trace.recording.propagation import context_from

    parent = trace.get_current_span(context_from(told, Context()))
    return parent if parent.get_span_context().is_valid else None
