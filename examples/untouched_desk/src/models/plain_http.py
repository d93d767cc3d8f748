"""Asking with nothing but Python's own library."""

import json
import urllib.request
from typing import Any

from src import config

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def post(url: str, body: dict[str, Any]) -> dict[str, Any]:
    """Send JSON and read the JSON that comes back. Raises urllib.error.URLError."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with _OPENER.open(request, timeout=config.TIMEOUT_S) as answer:
        return dict(json.load(answer))


def get(url: str) -> dict[str, Any]:
    """Read the JSON at an address. Raises urllib.error.URLError."""
    with _OPENER.open(url, timeout=config.TIMEOUT_S) as answer:
        return dict(json.load(answer))
