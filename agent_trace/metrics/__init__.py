"""Prometheus: what the journal tells, as metrics. Importing this loads no `prometheus_client`; asking for metrics does."""

from agent_trace.metrics.serving import Exposition, exposition, register
from agent_trace.metrics.tracking import (
    record_supervisor_task,
    track_agent_invocation,
    track_context_compilation,
    track_llm_call,
)

__all__ = [
    "Exposition",
    "exposition",
    "record_supervisor_task",
    "register",
    "track_agent_invocation",
    "track_context_compilation",
    "track_llm_call",
]
