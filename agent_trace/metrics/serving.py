"""Where metrics are asked for: a registry of the program, a text, an endpoint of our own."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from agent_trace.metrics.library import counted_by_all_processes, is_multiprocess, prometheus
from agent_trace.recording import process

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

_registered: Final[weakref.WeakSet[Any]] = weakref.WeakSet()
_registering = threading.Lock()


class Exposition(NamedTuple):
    """An answer to a scrape: the body, and its Content-Type."""

    body: bytes
    content_type: str


class Served(NamedTuple):
    """An endpoint that answers until `close` is called."""

    port: int
    close: Callable[[], None]


def register(
    registry: CollectorRegistry | None = None,
    *,
    directory: Path | str | None = None,
    max_label_values: int | None = None,
) -> None:
    """Have the metrics of the store in a registry, beside those of the program. A second time does nothing.

    registry: the default one of `prometheus_client` when None.
    directory: the store; that of the settings when None.
    max_label_values: most agents, tenants, models, … with series of their own; the rest is counted as `other`. That of
        the settings when None.

    Raises ImportError when prometheus-client is not installed, ValueError when the registry has metrics of these names.
    """
    client = prometheus()
    chosen = client.REGISTRY if registry is None else registry
    with _registering:
        if chosen not in _registered:
            chosen.register(_collector(directory, max_label_values))
            _registered.add(chosen)


def exposition() -> Exposition:
    """What a scrape of this program is answered with: its own metrics and ours.

    With PROMETHEUS_MULTIPROC_DIR, those of all its processes. Raises ImportError when prometheus-client is not
    installed, ValueError when that variable does not name a directory.
    """
    client = prometheus()
    registry = _of_all_processes() if is_multiprocess() else client.REGISTRY
    register(registry)
    return Exposition(client.generate_latest(registry), client.CONTENT_TYPE_LATEST)


def text_of(directory: Path, max_label_values: int | None = None) -> str:
    """The metrics of a store in Prometheus' text format, however long it takes to read it."""
    body: bytes = prometheus().generate_latest(_registry_of(directory, max_label_values, within_s=None))
    return body.decode()


def serve(directory: Path, host: str, port: int, max_label_values: int | None = None) -> Served:
    """Answer scrapes of the metrics of a store, on daemon threads. Raises OSError when the port cannot be had."""
    client = prometheus()
    server, thread = client.start_http_server(port, host, _registry_of(directory, max_label_values))

    def close() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return Served(server.server_port, close)


def _registry_of(directory: Path, max_label_values: int | None, **options: Any) -> Any:
    registry = prometheus().CollectorRegistry()
    registry.register(_collector(directory, max_label_values, **options))
    return registry


def _collector(directory: Path | str | None, max_label_values: int | None, **options: Any) -> Any:
    from agent_trace.metrics.collector import StoreCollector

    where = _directory_of_settings if directory is None else partial(Path, directory)
    return StoreCollector(where, max_label_values, **options)


def _directory_of_settings() -> Path:
    # Not those of the recording, which a program that only answers scrapes would start by asking.
    return process.reread_settings().directory


@cache
def _of_all_processes() -> Any:
    registry = prometheus().CollectorRegistry()
    registry.register(_OfAllProcesses())
    return registry


class _OfAllProcesses:
    """What the program's processes have counted with `prometheus_client`; ours is in the store's collector already."""

    def collect(self) -> Iterable[Any]:
        from agent_trace.metrics.direct import PREFIX

        return [each for each in counted_by_all_processes() if not each.name.startswith(PREFIX)]
