"""What every traced call goes through, compiled where the package was built with a C compiler.

Each module here stands for Python modules that do the same, byte for byte. `AGENT_TRACE_COMPILED=0` in the environment
chooses those.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType

from agent_trace.settings import compiled_is_wanted


def compiled(name: str) -> ModuleType | None:
    """A compiled module, where it is there and can be used."""
    gil_is_on = getattr(sys, "_is_gil_enabled", lambda: True)()
    can_be_used = gil_is_on and sys.implementation.name == "cpython"
    if not (can_be_used and compiled_is_wanted()):
        return None
    try:
        return import_module(f"agent_trace.recording.compiled.{name}")
    except ImportError:  # built without a compiler, or a second interpreter in this process
        return None
