"""OpenTelemetry's neighbours: spans that others make, taken into the journal as observations.

`TracerProvider` is for instrumentors that you switch on for us; `SpanProcessor` for a provider that the program has
already. Neither is ever made the global one, and nothing here imports the OpenTelemetry SDK.
"""

import agent_trace.background  # noqa: F401 - what is recorded is delivered, where there is somewhere to deliver it to
from agent_trace.otel.processor import SpanProcessor
from agent_trace.otel.provider import TracerProvider

__all__ = ["SpanProcessor", "TracerProvider"]
