"""The template of the route that answered a request: `/v1/items/{id}`, with the prefixes of mounts and routers."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from typing import Any, Final

_PARAMETER: Final = re.compile(r"\{([^}:]*)(:[^}]*)?\}")


def route_of(scope: MutableMapping[str, Any], root_path: str) -> str | None:
    """What an ASGI scope says once the app has answered; `None` when no route did.

    root_path: what the scope had for it before the app: a mount adds itself to it.

    Frameworks know the template within the router that it stands in, so that what lies before it is taken from the path.
    """
    parameters = scope.get("path_params")
    if not isinstance(parameters, Mapping):
        return None
    path = path_of(scope, root_path)
    template = getattr(scope.get("route"), "path", None)
    if not isinstance(template, str):
        return _with_names(path, parameters) if "endpoint" in scope else None
    found = _at_the_end(template).search(path)
    if found is None:
        return template
    own = {name for name, _ in _PARAMETER.findall(template)}
    before = {name: value for name, value in parameters.items() if name not in own}
    return _with_names(path[: found.start()], before) + _PARAMETER.sub(r"{\1}", template)


def path_of(scope: Mapping[str, Any], root_path: str) -> str:
    """The path of a request without what the server has the app mounted at."""
    path = str(scope.get("path", ""))
    if root_path and (path == root_path or path.startswith(root_path + "/")):
        return path[len(root_path) :]
    return path


@lru_cache(maxsize=1_000)
def _at_the_end(template: str) -> re.Pattern[str]:
    pattern, end = "", 0
    for found in _PARAMETER.finditer(template):
        anything = ".*" if found[2] == ":path" else "[^/]+"
        pattern += re.escape(template[end : found.start()]) + anything
        end = found.end()
    return re.compile(pattern + re.escape(template[end:]) + r"\Z")


def _with_names(path: str, parameters: Mapping[str, Any]) -> str:
    names = {str(value): name for name, value in parameters.items()}
    return "/".join(f"{{{names[part]}}}" if part in names else part for part in path.split("/"))
