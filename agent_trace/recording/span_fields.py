"""What a live span holds, in Python."""

from __future__ import annotations

from contextvars import Token
from typing import TYPE_CHECKING, Any

from opentelemetry.context.context import Context

from agent_trace.recording.scope import Scope

if TYPE_CHECKING:
    from agent_trace.recording.additions import Additions
    from agent_trace.recording.capturing.repeated import Parts
    from agent_trace.recording.recorder import Recorder
    from agent_trace.recording.span import Span
    from agent_trace.recording.subject import Subject


class SpanFields:
    """The fields of a span, as `Recorder.open` gives them; the rest is filled in while the call runs."""

    # Defaults stand on the class and not in `__init__`: most calls change few of them, and each costs time.
    input: Parts | None = None
    cuts: list[dict[str, Any]] | None = None
    entry_point: str | None = None
    model: str | None = None
    model_parameters: dict[str, Any] | None = None
    first_item_ns: int | None = None
    additions: Additions | None = None
    subject: Subject | None = None
    captures_output = True
    has_inner_usage = False
    is_finished = False
    token: Token[Context] | None = None
    context: Context | None = None

    def __init__(
        self,
        recorder: Recorder,
        name: str,
        kind: str,
        trace_id: str,
        id: str,
        parent_id: str | None,
        parent: Span | None,
        scope: Scope,
        opened_in: Scope,
    ) -> None:
        self.recorder = recorder
        self.name = name
        self.type = kind
        self.trace_id = trace_id
        self.id = id
        self.parent_id = parent_id
        self.parent = parent
        self.scope = scope
        self.opened_in = opened_in
        self.start_ns = recorder.clock.wall_ns()
        self.start_ticks = recorder.clock.ticks_ns()
