"""The one place where `prometheus_client` is loaded, and what is said when it is not there."""

from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Final

NAME: Final = "prometheus_client"


def prometheus() -> ModuleType:
    """`prometheus_client`. Raises ImportError with what to install."""
    try:
        return import_module(NAME)
    except ModuleNotFoundError as error:
        if error.name != NAME:
            raise
        raise _missing() from None


def expect() -> None:
    """Raise ImportError with what to install when `prometheus_client` is not there; loads nothing."""
    if find_spec(NAME) is None:
        raise _missing()


def _missing() -> ImportError:
    return ImportError("metrics need prometheus-client: pip install 'agent-trace[prometheus]'", name=NAME)


def is_multiprocess() -> bool:
    """Whether PROMETHEUS_MULTIPROC_DIR was set when `prometheus_client` was loaded, by which it goes itself."""
    prometheus()
    from prometheus_client import values

    return bool(getattr(values.ValueClass, "_multiprocess", False))


def counted_by_all_processes() -> Iterable[Any]:
    """The families of PROMETHEUS_MULTIPROC_DIR. Raises ValueError when that is not a directory."""
    from prometheus_client import multiprocess

    collector: Any = multiprocess.MultiProcessCollector
    families: Iterable[Any] = collector(None).collect()
    return families
