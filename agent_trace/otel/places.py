"""Where a span belongs: which of our spans an OpenTelemetry context leads to, also through the proxies of instrumentors."""

from opentelemetry import trace
from opentelemetry.context.context import Context

from agent_trace.recording.current_context import get_context, reset_context, set_context
from agent_trace.recording.recorder import current_span
from agent_trace.recording.span import Span


def with_ours_current(context: Context) -> Context:
    """The context with the recorder's own span in place of the one that bears it, so that the recorder knows it."""
    current = trace.get_current_span(context)
    if type(current) is Span:
        return context
    # Asked by name: OpenInference makes a proxy of the span current, through which attributes can be reached.
    observed = getattr(current, "observed", None)
    return trace.set_span_in_context(observed, context) if type(observed) is Span else context


def span_in(context: Context) -> Span | None:
    """The innermost of our spans that a context leads to."""
    current = trace.get_current_span(with_ours_current(context))
    if type(current) is Span:
        return current
    token = set_context(context)
    try:
        return current_span()
    finally:
        reset_context(token)


def given_or_current(context: Context | None) -> Context:
    """OpenTelemetry's APIs take `None` for the current context."""
    return get_context() if context is None else context
