"""Attaching to code that never heard of us: entry points, class trees, factories, and how to take it all back."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
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

# Each is loaded when it is first asked for: discovery, which attaches to nothing, takes names from here as well.
_HOMES: Final = {
    "Attached": "attachments",
    "Handle": "attaching",
    "Provider": "providers",
    "attached": "attaching",
    "instrument": "attaching",
    "instrument_from_settings": "attaching",
    "instrument_providers": "providers",
    "problems": "problem_counts",
    "uninstrument": "attaching",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
