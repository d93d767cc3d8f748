"""What a call is made on, as whoever attached to the called code sees it. Decorated code has none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from agent_trace.recording.recorder import Recorder
    from agent_trace.recording.span import Span
    from agent_trace.recording.target import Target


class Subject(Protocol):
    """Made when the call is made; asked when its observation opens and when it has a result."""

    parameters: dict[str, object] | None
    """Model parameters that the object holds; those of the call go before them."""

    def open(self, recorder: Recorder, target: Target) -> Span | None:
        """Start the observation. None when the call is a part of one that runs already."""

    def goes_on(self, span: Span, output: object) -> bool:
        """Take note of the result. True when it is a generator that is a part of this call, and ends it."""
