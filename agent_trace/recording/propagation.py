"""W3C Trace Context and Baggage, in and out of headers and the variables of child processes.

By OpenTelemetry's propagators for exactly these two, and not by its global one: that is the program's, which may have
set it to B3 or to nothing, and what is promised here is `traceparent`.
"""

from collections.abc import Iterable, Mapping, MutableMapping
from contextvars import Token
from typing import Any, Final

from opentelemetry import trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import create_key
from opentelemetry.context.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.trace import TraceState
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from agent_trace.recording.current_context import get_context, set_context

_W3C: Final = CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])
_MAX_CHARACTERS: Final = {"traceparent": 512, "tracestate": 8_192, "baggage": 8_192}
"""Longer values are ignored here, since the propagators would log each into the program."""

_STATE: Final = create_key("agent_trace-tracestate")

Headers = Mapping[Any, Any] | Iterable[tuple[Any, Any]]
"""Any mapping of names to values, or pairs as ASGI has them; text or bytes, names in any case."""


def inject(headers: MutableMapping[str, str]) -> None:
    """Write who is current into `headers`, over what stands there. With nothing current they stay as they are."""
    context = get_context()
    carrier: dict[str, str] = {}
    _W3C.inject(carrier, context)
    state = context.get(_STATE)
    if "traceparent" in carrier and "tracestate" not in carrier and isinstance(state, tuple):
        trace_id, of_sender = state
        if trace.get_current_span(context).get_span_context().trace_id == trace_id:
            carrier["tracestate"] = of_sender.to_header()
    if "traceparent" in carrier:  # a state belongs to the parent that it came with
        _remove(headers, ("traceparent", "tracestate"))
    _remove(headers, carrier)
    headers.update(carrier)


def extract(headers: Headers) -> Token[Context]:
    """Make the sender that `headers` tell of the current one; the token takes it back. Broken values tell nothing."""
    return set_context(context_from(headers, get_context()))


def context_from(headers: Headers, context: Context) -> Context:
    """`context` with the sender and the baggage that headers tell of."""
    inside = _W3C.extract(_picked(headers), context)
    sender = trace.get_current_span(inside).get_span_context()
    if inside is not context and sender.is_remote and sender.trace_state:
        # Our own spans have no state of their own, and are to pass on the sender's.
        state: tuple[int, TraceState] = (sender.trace_id, sender.trace_state)
        inside = Context({**inside, _STATE: state})
    return inside


def environment(base: Mapping[str, str]) -> dict[str, str]:
    """`base` with the variables by which a child process finds its parent."""
    told: dict[str, str] = {}
    inject(told)
    if not told:
        return dict(base)
    variables = {name.upper(): value for name, value in told.items()}
    if "TRACEPARENT" in variables:
        base = {name: value for name, value in base.items() if name not in ("TRACEPARENT", "TRACESTATE")}
    return {**base, **variables}


def _picked(headers: Headers) -> dict[str, str]:
    """The three headers by their lower-case names. Of several, the first; states and baggage are put together."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    picked: dict[str, str] = {}
    for name, value in pairs:
        key = _text(name).lower()
        if key in _MAX_CHARACTERS:
            values = [_text(each) for each in value] if isinstance(value, list | tuple) else [_text(value)]
            if key in picked:
                values = [picked[key], *values]
            picked[key] = values[0] if key == "traceparent" else ",".join(values)
    return {key: value for key, value in picked.items() if 0 < len(value) <= _MAX_CHARACTERS[key]}


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else ""


def _remove(headers: MutableMapping[str, str], names: Iterable[str]) -> None:
    """Remove what stands under these names, in any case."""
    wanted = set(names)
    for name in [name for name in headers if _text(name).lower() in wanted]:
        del headers[name]
