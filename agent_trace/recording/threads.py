"""Threads and thread pools carry the current trace, through OpenTelemetry's own instrumentation of threading."""

from opentelemetry.instrumentation.threading import ThreadingInstrumentor


def carry_context() -> None:
    """Switch it on, unless the program has done so itself."""
    instrumentor = ThreadingInstrumentor()
    if not instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.instrument()
