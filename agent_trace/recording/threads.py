"""Threads and thread pools carry the current trace, through OpenTelemetry's own instrumentation of threading."""

from opentelemetry.instrumentation.threading import ThreadingInstrumentor


def carry_context() -> None:
    """Switch it on, unless the program has done so itself."""
    instrumentor = ThreadingInstrumentor()
    if not instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.instrument()


def stop_carrying_context() -> None:
    """Put `threading` back as it was."""
    instrumentor = ThreadingInstrumentor()
    if instrumentor.is_instrumented_by_opentelemetry:
        instrumentor.uninstrument()
