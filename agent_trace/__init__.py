"""Tracing for agent codebases: decorate one function, and every call of it is kept, costed and explained.

from agent_trace import observe_llm, ObservabilityContext
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from agent_trace.agent_tracer import AgentTracer
    from agent_trace.context import ObservabilityContext
    from agent_trace.decorator import observe_llm
    from agent_trace.instrumentation import instrument, uninstrument
    from agent_trace.instrumentation.providers import instrument_providers
    from agent_trace.integrations.litellm import init_langfuse, instrument_litellm, uninstrument_litellm
    from agent_trace.metrics import track_agent_invocation, track_llm_call
    from agent_trace.spending import CostTracker
    from agent_trace.store import Store
    from agent_trace.tracker import LangFuseTracker

__version__: Final = "0.1.0"

__all__ = [
    "AgentTracer",
    "CostTracker",
    "LangFuseTracker",
    "ObservabilityContext",
    "Store",
    "__version__",
    "init_langfuse",
    "instrument",
    "instrument_litellm",
    "instrument_providers",
    "observe_llm",
    "track_agent_invocation",
    "track_llm_call",
    "uninstrument",
    "uninstrument_litellm",
]

# Each name is loaded when it is first asked for: a program that only decorates loads no SQLite.
_HOMES: Final = {
    "AgentTracer": "agent_trace.agent_tracer",
    "CostTracker": "agent_trace.spending",
    "LangFuseTracker": "agent_trace.tracker",
    "ObservabilityContext": "agent_trace.context",
    "Store": "agent_trace.store",
    "init_langfuse": "agent_trace.integrations.litellm",
    "instrument": "agent_trace.instrumentation",
    "instrument_litellm": "agent_trace.integrations.litellm",
    "instrument_providers": "agent_trace.instrumentation.providers",
    "observe_llm": "agent_trace.decorator",
    "track_agent_invocation": "agent_trace.metrics",
    "track_llm_call": "agent_trace.metrics",
    "uninstrument": "agent_trace.instrumentation",
    "uninstrument_litellm": "agent_trace.integrations.litellm",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
