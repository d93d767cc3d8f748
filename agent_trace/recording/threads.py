"""Threads and thread pools carry the current trace, through OpenTelemetry's own instrumentation of threading."""

from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

from opentelemetry.instrumentation.threading import ThreadingInstrumentor


def carry_context() -> None:
    """Switch it on, unless the program has done so itself."""
    instrumentor = ThreadingInstrumentor()
    if not instrumentor.is_instrumented_by_opentelemetry:
        submit = ThreadPoolExecutor.submit
        instrumentor.instrument()
        _leave_interpreters(submit)


def _leave_interpreters(submit: Any) -> None:
    """Their pools are thread pools too, but a function that carries a context cannot go into another interpreter."""
    try:
        interpreters: Any = import_module("concurrent.futures.interpreter")
    except ImportError:  # before Python 3.14
        return
    interpreters.InterpreterPoolExecutor.submit = submit
