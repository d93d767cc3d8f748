"""Which way a traced call takes: compiled where the package was built with a C compiler, in Python elsewhere.

Both write the same records, byte for byte. `AGENT_TRACE_COMPILED=0` in the environment chooses Python.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from agent_trace.recording.compiled import compiled

_found: Final = compiled("hot_path")
IS_COMPILED: Final = _found is not None

if TYPE_CHECKING or _found is None:
    from agent_trace.recording.call_steps import CallSteps
    from agent_trace.recording.clock import Ids
    from agent_trace.recording.journal.appender import Appender
    from agent_trace.recording.lifecycle import Lifecycle
    from agent_trace.recording.span_fields import SpanFields
else:
    Appender, Ids, Lifecycle = _found.Appender, _found.Ids, _found.Lifecycle
    CallSteps, SpanFields = _found.CallSteps, _found.SpanFields

__all__ = ["IS_COMPILED", "Appender", "CallSteps", "Ids", "Lifecycle", "SpanFields"]
