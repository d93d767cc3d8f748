"""Entry points of modules that are not loaded: attached the moment they are, or named at once as misspelt.

The import hook is wrapt's. One that is no longer wanted stays registered and does nothing.
"""

from __future__ import annotations

import pkgutil
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import wrapt

from agent_trace.instrumentation.entry_points import EntryPointError, missing
from agent_trace.recording.guard import attempt


def loaded(name: str) -> ModuleType | None:
    """A module that is loaded, or just being loaded."""
    return sys.modules.get(name)


def is_loading(module: Any) -> bool:
    """Whether the body of a module still runs, so that what it defines may yet come."""
    return bool(getattr(getattr(module, "__spec__", None), "_initializing", False))


def when_imported(name: str, act: Callable[[], None]) -> None:
    """Call `act` as soon as the body of a module has run."""
    wrapt.register_post_import_hook(lambda module: act(), name)


def verify(text: str, name: str) -> None:
    """Look for a module that is not loaded, without importing anything.

    Raises EntryPointError with the nearest names when no finder knows of it. That may be wrong where a program makes
    modules up, or adds to `sys.path` later; whoever calls this keeps the hook.
    """
    path: Sequence[str] | None = None
    parts = name.split(".")
    for depth, part in enumerate(parts, 1):
        module = ".".join(parts[:depth])
        already = sys.modules.get(module)
        if already is not None:
            path = getattr(already, "__path__", ())
            continue
        spec = _find(module, path)
        if spec is None:
            raise _not_there(text, part, ".".join(parts[: depth - 1]), path)
        path = spec.submodule_search_locations or ()


def _find(module: str, path: Sequence[str] | None) -> ModuleSpec | None:
    for finder in list(sys.meta_path):
        # Those that only wrap the others, wrapt's own among them, would import the parent package.
        if type(finder).__name__ == "ImportHookFinder" or not hasattr(finder, "find_spec"):
            continue
        spec = attempt("looking for a module", finder.find_spec, module, path, None)
        if spec is not None:
            return spec
    return None


def _not_there(text: str, part: str, parent: str, path: Sequence[str] | None) -> EntryPointError:
    there = attempt("listing modules", _names, path) or []
    return missing(text, part, parent or "the modules that can be imported", there)


def _names(path: Sequence[str] | None) -> list[str]:
    return [each.name for each in pkgutil.iter_modules(None if path is None else list(path))]
