"""The files that pages load: a fixed list. What stands in a URL is looked up in it and never becomes a path."""

import hashlib
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

_STATIC: Final = Path(__file__).parent / "static"


class _File(NamedTuple):
    media_type: str
    path: Callable[[], Path | None]


def _charts_script() -> Path | None:
    """Plotly's script, inside its wheel; None when plotly is not installed."""
    spec = find_spec("plotly")
    if spec is None or spec.origin is None:
        return None
    found = Path(spec.origin).parent / "package_data" / "plotly.min.js"
    return found if found.exists() else None


_FILES: Final = {
    "page.css": _File("text/css", lambda: _STATIC / "page.css"),
    "page.mjs": _File("text/javascript", lambda: _STATIC / "page.mjs"),
    "charts.js": _File("text/javascript", _charts_script),
}


@cache
def _read(name: str) -> tuple[bytes, str] | None:
    """A file and its ETag."""
    path = _FILES[name].path() if name in _FILES else None
    if path is None:
        return None
    body = path.read_bytes()
    return body, f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def answer(request: Request) -> Response:
    """One of the files; a browser keeps it, and asks each time whether it is still the same."""
    name = request.path_params["name"]
    found = _read(name)
    if found is None:
        return Response("there is no such file\n", 404, media_type="text/plain")
    body, etag = found
    headers = {"ETag": etag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=_FILES[name].media_type, headers=headers)
