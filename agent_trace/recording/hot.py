"""Which way a traced call takes: compiled where the package was built with a C compiler, in Python elsewhere.

Both write the same records, byte for byte. `AGENT_TRACE_COMPILED=0` in the environment chooses Python.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Final

from agent_trace.settings import compiled_is_wanted


def _compiled() -> ModuleType | None:
    """The compiled way, where it is there and can be gone."""
    gil_is_on = getattr(sys, "_is_gil_enabled", lambda: True)()
    can_be_gone = gil_is_on and sys.implementation.name == "cpython"
    if not (can_be_gone and compiled_is_wanted()):
        return None
    try:
        return import_module("agent_trace.recording.compiled.hot_path")
    except ImportError:  # built without a compiler, or a second interpreter in this process
        return None


_found: Final = _compiled()
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
