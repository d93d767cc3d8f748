"""Tracing for agent codebases: decorate one function, and every call of it is kept, costed and explained.

from agent_trace import observe_llm, ObservabilityContext
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from agent_trace.context import ObservabilityContext
    from agent_trace.decorator import observe_llm
    from agent_trace.store import Store
    from agent_trace.tracker import LangFuseTracker

__version__: Final = "0.1.0"

__all__ = ["LangFuseTracker", "ObservabilityContext", "Store", "__version__", "observe_llm"]

# Each name is loaded when it is first asked for: a program that only decorates loads no SQLite.
_HOMES: Final = {
    "LangFuseTracker": "agent_trace.tracker",
    "ObservabilityContext": "agent_trace.context",
    "Store": "agent_trace.store",
    "observe_llm": "agent_trace.decorator",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
