"""Whether Langfuse accepts the keys: one small authenticated request, bounded as a whole."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from queue import Empty, SimpleQueue
from typing import Final
from urllib.parse import urlsplit

OK: Final = "ok"
MISSING: Final = "missing"
_PATH: Final = "/api/public/projects"
_TIMEOUT_S: Final = 5.0
_CHECK: Final = "check LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY"


def check(
    public_key: str | None, secret_key: str | None, base_url: str, timeout_s: float = _TIMEOUT_S
) -> str:
    """`ok`, `missing`, `refused (401): …` or `no answer from URL: …`; whatever the server does, within `timeout_s`."""
    if not public_key or not secret_key:
        return MISSING
    answers: SimpleQueue[str] = SimpleQueue()

    def ask() -> None:
        answers.put(_ask(public_key, secret_key, base_url, timeout_s))

    # In a thread of its own: the client's timeout is about each byte, and a server may send one every second.
    threading.Thread(target=ask, name="agent_trace-credentials", daemon=True).start()
    try:
        return answers.get(timeout=timeout_s)
    except Empty:
        return _too_late(base_url, timeout_s)


def _ask(public_key: str, secret_key: str, base_url: str, timeout_s: float) -> str:
    import requests
    from opentelemetry.instrumentation.utils import suppress_http_instrumentation

    url = base_url.rstrip("/") + _PATH
    try:
        with (
            suppress_http_instrumentation(),
            requests.get(
                url, auth=(public_key, secret_key), timeout=timeout_s, allow_redirects=False, stream=True
            ) as answer,
        ):
            return _said(base_url, answer.status_code, answer.headers)
    except requests.Timeout:  # at the same moment as whoever waits for this gives up
        return _too_late(base_url, timeout_s)
    except (requests.RequestException, OSError, ValueError) as error:
        return _no_answer(base_url, type(error).__name__)


def _said(base_url: str, status: int, headers: Mapping[str, str]) -> str:
    if status in (401, 403):
        return f"refused ({status}): {_CHECK}"
    if 300 <= status < 400:
        return _no_answer(
            base_url, f"it redirects to {_shown(headers.get('Location', 'nowhere'))} ({status})"
        )
    if status != 200:
        return _no_answer(base_url, f"it said {status}")
    if "json" not in headers.get("Content-Type", ""):
        return _no_answer(base_url, "what answers there is not Langfuse; check LANGFUSE_BASE_URL")
    return OK


def _too_late(base_url: str, timeout_s: float) -> str:
    return _no_answer(base_url, f"nothing within {timeout_s:g} s")


def _no_answer(base_url: str, why: str) -> str:
    return f"no answer from {_shown(base_url)}: {why}"


def _shown(url: str) -> str:
    """A URL without user, password and query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an unusable URL"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
