"""The endpoint of `agent-trace metrics`: opened, kept open, closed, with a sentence for what can go wrong."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent_trace.cli.console import tell
from agent_trace.cli.opening import warnings_told
from agent_trace.delivery.reader import list_segments
from agent_trace.errors import AgentTraceError, StoreMissing
from agent_trace.metrics.serving import Served, serve, text_of


def print_metrics(directory: Path, max_label_values: int | None) -> None:
    """Print the metrics of a store. Raises StoreMissing when there is none."""
    if not list_segments(directory):
        raise StoreMissing(f"nothing was recorded in {directory} yet: there is nothing to count")
    with _library_told(), warnings_told():
        sys.stdout.write(text_of(directory, max_label_values))


def serve_metrics(directory: Path, host: str, port: int, max_label_values: int | None) -> None:
    """Serve until Ctrl-C. Raises AgentTraceError when the port cannot be had."""
    with warnings_told():
        served = _served(directory, host, port, max_label_values)
        try:
            address = f"[{host}]" if ":" in host else host
            tell(f"metrics of {directory} on http://{address}:{served.port}/metrics. Ctrl-C ends.")
            if not list_segments(directory):
                tell("nothing is recorded there yet; it will be counted when it is.")
            threading.Event().wait()
        except KeyboardInterrupt:  # the one way to end it, and no failure
            pass
        finally:
            served.close()


def _served(directory: Path, host: str, port: int, max_label_values: int | None) -> Served:
    try:
        with _library_told():
            return serve(directory, host, port, max_label_values)
    except OSError as error:
        what = error.strerror or str(error)
        raise AgentTraceError(
            f"{host} port {port} cannot be used: {what.lower()}. Another port: agent-trace metrics --port {port + 1}"
        ) from error


@contextmanager
def _library_told() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise AgentTraceError(str(error)) from None
