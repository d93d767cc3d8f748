"""`/metrics` in the program's own app: the answer to a scrape, where there is anything to answer it with."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from typing import Any

from agent_trace.integrations.routes import path_of
from agent_trace.recording import guard
from agent_trace.recording.guard import attempt

logger = logging.getLogger("agent_trace")

_warned: set[str] = set()


def is_asked_for(scope: Any, path: str) -> bool:
    """Whether this is a scrape that the app has no route of its own for."""
    if scope["type"] != "http" or path_of(scope, str(scope.get("root_path") or "")) != path:
        return False
    if scope["method"] not in ("GET", "HEAD"):
        return False
    routes = getattr(scope.get("app"), "routes", None) or ()
    return all(getattr(route, "path", None) != path for route in routes)


async def answer(
    scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]], app: Callable[..., Awaitable[None]]
) -> None:
    """Send the metrics; without prometheus-client, hand the request on to the app and say so once."""
    exposition = await _exposition()
    if exposition is None:
        await app(scope, receive, send)
        return
    headers = [
        (b"content-type", exposition.content_type.encode("latin-1")),
        (b"content-length", str(len(exposition.body)).encode("latin-1")),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else exposition.body})


async def _exposition() -> Any:
    if find_spec("prometheus_client") is None:
        _warn("no metrics are served: install prometheus-client, or give TraceMiddleware metrics_path=None")
        return None
    from anyio import to_thread

    # A store is read for it, and a loop has other requests to see to.
    made = await to_thread.run_sync(attempt, "answering a scrape", _made)
    if made is None:
        _warn(f"metrics could not be served ({guard.last_failure})")
    return made


def _made() -> Any:
    from agent_trace.metrics import exposition

    return exposition()


def _warn(message: str) -> None:
    if message not in _warned:
        _warned.add(message)
        logger.warning("%s", message)
