"""Attaching to code that never heard of us: entry points, class trees, factories, and how to take it all back."""

from agent_trace.instrumentation.attaching import (
    Handle,
    attached,
    instrument,
    instrument_from_settings,
    uninstrument,
)
from agent_trace.instrumentation.attachments import Attached
from agent_trace.instrumentation.problem_counts import problems
from agent_trace.instrumentation.providers import Provider, instrument_providers

__all__ = [
    "Attached",
    "Handle",
    "Provider",
    "attached",
    "instrument",
    "instrument_from_settings",
    "instrument_providers",
    "problems",
    "uninstrument",
]
