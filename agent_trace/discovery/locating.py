"""Where a module's files are, found as an import would find it and without importing anything."""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path


def locate(module: str, cwd: Path) -> Path | None:
    """The folder of a package or the file of a module, looked for in `cwd` first; None when there is none."""
    path: Sequence[str] = [str(cwd), *sys.path]
    spec: ModuleSpec | None = None
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        # Not importlib.util.find_spec, which imports the packages on the way.
        spec = PathFinder.find_spec(".".join(parts[:length]), path)
        if spec is None:
            return None
        path = list(spec.submodule_search_locations or ())
    if spec is None or (path and not Path(path[0]).is_dir()):
        return None
    if path:
        return Path(path[0])
    return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
