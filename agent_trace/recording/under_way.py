"""The request that a library makes in this context, where its own hooks leave no chance to make its span current.

What the client below it observes belongs below that span: or its tokens would count beside those of the library.
"""

from __future__ import annotations

import weakref
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, Protocol

from opentelemetry import trace

if TYPE_CHECKING:
    from opentelemetry.context.context import Context

    from agent_trace.recording.span import Span


class Request(Protocol):
    """A call of a library. `context` is where it was made."""

    context: Context

    @property
    def requesting(self) -> Span | None:
        """Its span, while it waits for an answer."""


_latest: Final[ContextVar[weakref.ref[Request] | None]] = ContextVar("agent_trace-request", default=None)


def note_request(request: Request) -> None:
    """Have `request` be the one of this context. Never taken back, for it says itself when it is over; not kept alive."""
    _latest.set(weakref.ref(request))


def requesting_span() -> Span | None:
    """The span of the request that this context waits for, unless something else has become current since."""
    noted = _latest.get()
    request = None if noted is None else noted()
    if request is None or trace.get_current_span() is not trace.get_current_span(request.context):
        return None
    return request.requesting
