"""Questions to Langfuse's public API: authenticated, patient with limits and hiccups, bounded in time as a whole."""

import contextlib
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from agent_trace.settings import Settings
from agent_trace.spending.shares import Unavailable

if TYPE_CHECKING:
    import requests

PATIENCE_S: Final = 60.0
"""How long one question may take with all its pages and waits."""
TIMEOUT_S: Final = 20.0
_TRIES: Final = 4
_FIRST_WAIT_S: Final = 0.5
_TOO_MANY: Final = 429
_HICCUPS: Final = frozenset({408, 500, 502, 503, 504, _TOO_MANY})


class LangfuseApi:
    """One conversation with the API: `with LangfuseApi(settings) as api: api.get(path, parameters)`."""

    def __init__(
        self,
        settings: Settings,
        patience_s: float = PATIENCE_S,
        sleep: Callable[[float], None] = time.sleep,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._sleep = sleep
        self._now_s = now_s
        self._end_s = now_s() + patience_s
        self._leave = contextlib.ExitStack()

    def __enter__(self) -> Self:
        import requests
        from opentelemetry.instrumentation.utils import suppress_http_instrumentation

        self._leave.enter_context(suppress_http_instrumentation())
        self._session = self._leave.enter_context(requests.Session())
        self._session.auth = (self._settings.public_key or "", self._settings.secret_key or "")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave.close()

    def get(self, path: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        """The JSON object that Langfuse answers. Raises Unavailable when there is none to be had."""
        said = ""
        for attempt in range(_TRIES):
            answer, said = self._ask(path, parameters)
            if answer is not None and answer.status_code not in _HICCUPS:
                return _content(answer, said)
            wait_s = _FIRST_WAIT_S * 2**attempt
            if answer is not None and answer.status_code == _TOO_MANY:
                wait_s = _retry_after_s(answer.headers.get("Retry-After")) or wait_s
            # A wait that the patience does not cover ends in the same answer, only later.
            if attempt == _TRIES - 1 or self._now_s() + wait_s >= self._end_s:
                break
            self._sleep(wait_s)
        raise Unavailable(f"Langfuse does not answer: {said}")

    def _ask(self, path: str, parameters: Mapping[str, str]) -> "tuple[requests.Response | None, str]":
        import requests

        timeout_s = min(TIMEOUT_S, max(self._end_s - self._now_s(), 1.0))
        url = self._settings.base_url.rstrip("/") + path
        try:
            # Redirects are not followed: they would be shown the keys.
            answer = self._session.get(url, params=dict(parameters), timeout=timeout_s, allow_redirects=False)
        except (requests.RequestException, OSError, ValueError) as error:
            return None, type(error).__name__
        return answer, f"{answer.status_code} from {path}"


def _content(answer: "requests.Response", said: str) -> dict[str, Any]:
    if answer.status_code in (401, 403):
        raise Unavailable(f"Langfuse refuses the keys ({answer.status_code})")
    if answer.status_code != 200:
        raise Unavailable(f"Langfuse does not answer: {said}")
    try:
        # Money as it was written, not as the nearest binary number.
        content = answer.json(parse_float=Decimal)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise Unavailable(f"Langfuse answers no JSON object: {said}")
    return content


def _retry_after_s(header: str | None) -> float | None:
    """Seconds, which may be written as such or as a date."""
    if not header:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        return max(parsedate_to_datetime(header).timestamp() - time.time(), 0.1)
    except ValueError:
        return None
