"""Which versions are at work: ours, Python's, and those of the packages that recordings depend on."""

import platform
import sys
from importlib import metadata
from typing import Final

_TOLD: Final = ("langfuse", "opentelemetry-api", "genai-prices", "orjson", "google-re2", "wrapt")


def own_version() -> str:
    """The version of this package."""
    found = getattr(sys.modules.get("agent_trace"), "__version__", None)
    return str(found) if found else installed("agent-trace") or "(not installed)"


def installed(distribution: str) -> str | None:
    """The version of an installed distribution, or None."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def versions() -> dict[str, str]:
    """Name and version of everything that matters, ours first, with the way that traced calls take."""
    from agent_trace.recording.hot import IS_COMPILED  # loads all of recording, which `--version` need not

    hot_path = "compiled" if IS_COMPILED else "in Python"
    told = {"agent-trace": own_version(), "hot path": hot_path, "python": platform.python_version()}
    told.update((name, version) for name in _TOLD if (version := installed(name)))
    return told
