"""One bounded HTTP POST, and what its answer means for the batch that was sent. Knows no backend."""

import email.utils
import gzip
import re
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from http.client import HTTPException
from typing import Final

import requests
import urllib3
from opentelemetry.instrumentation.utils import suppress_instrumentation

from agent_trace.delivery.backend import Answer, Verdict
from agent_trace.delivery.wire.connection import Connection, Reply

_MAX_TEXT_CHARACTERS: Final = 1_000
_MIN_COMPRESSED_BYTES: Final = 1_024
_GZIP_LEVEL: Final = 1
_UNREADABLE: Final = r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\U00010000-\U0010ffff]+"
"""What is left, `[^\\x20-\\x7e…]`, would be shorter, but to compile that takes 2 ms, and most processes need it only once."""
_NOT_THE_CONTENT: Final = frozenset({402, 404, 405, 406, 407, 408, 409, 415, 421, 423, 425, 426, 429})
"""4xx that speak of the address, the account or the moment: the same batch may well be taken another time."""

_FAILURES: Final = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    HTTPException,
    OSError,
    ValueError,
)


Complaint = Callable[[Reply], str | None]
"""What an answer with a good status says that it did not take, in words; None when it took everything."""


class Posting:
    """Posts to one server, over one connection that is kept. For one thread at a time.

    `secrets` are replaced wherever they stand in an answer's text; `advice` is added to the text for a status, and
    `tls_advice` where no secure connection comes about. `certificates` is a file of those that a server's is checked by.
    """

    def __init__(
        self,
        headers: Mapping[str, str],
        *,
        secrets: Sequence[str] = (),
        compress: bool = False,
        advice: Mapping[int, str] | None = None,
        certificates: str | None = None,
        tls_advice: str = "",
    ) -> None:
        self._connection = Connection(headers, certificates)
        self._secrets = sorted({secret for secret in secrets if secret}, key=len, reverse=True)
        self._compress = compress
        self._advice = dict(advice or {})
        self._tls_advice = tls_advice

    def post(
        self,
        url: str,
        body: bytes,
        content_type: str,
        timeout_s: float,
        complaint: Complaint = lambda reply: None,
    ) -> Answer:
        """Post a body, and say what became of it after at most `timeout_s`. Never raises for a server or a network."""
        headers = {"Content-Type": content_type}
        if self._compress and len(body) >= _MIN_COMPRESSED_BYTES:
            body, headers["Content-Encoding"] = gzip.compress(body, _GZIP_LEVEL), "gzip"
        with suppress_instrumentation():
            try:
                reply = self._connection.post(url, body, headers, timeout_s)
            except _FAILURES as error:
                self.close()
                return Answer("later", None, self._readable(self._failure(error, timeout_s)))
        return self._judged(reply, complaint)

    def close(self) -> None:
        """Close the connection; the next post opens another."""
        self._connection.close()

    def _failure(self, error: Exception, timeout_s: float) -> str:
        """What went wrong, in words."""
        cause = _cause(error)
        if isinstance(cause, (TimeoutError, requests.Timeout, urllib3.exceptions.TimeoutError)):
            return f"no whole answer within {timeout_s:g} s"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not accepted: {cause.verify_message} ({self._tls_advice})"
        told = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
        is_about_tls = isinstance(cause, ssl.SSLError) or "TLS" in told
        return f"{told} ({self._tls_advice})" if is_about_tls else told or type(cause).__name__

    def _judged(self, reply: Reply, complaint: Complaint) -> Answer:
        verdict, said = verdict_of(reply.status), _body_text(reply)
        if verdict == "accepted":
            found = complaint(reply)
            verdict, said = ("accepted", "") if found is None else ("refused", found)
        text = f"{reply.status} {reply.reason}: {said}" if said else f"{reply.status} {reply.reason}"
        if verdict != "accepted" and reply.status in self._advice:
            text = f"{self._readable(text, _MAX_TEXT_CHARACTERS // 2)} ({self._advice[reply.status]})"
        return Answer(verdict, reply.status, self._readable(text), _retry_after_s(reply.retry_after))

    def _readable(self, text: str, max_characters: int = _MAX_TEXT_CHARACTERS) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "[hidden]")
        text = " ".join(re.sub(_UNREADABLE, " ", text).split())
        return text if len(text) <= max_characters else f"{text[: max_characters - 1]}…"


def verdict_of(status: int) -> Verdict:
    """What an HTTP status says about the batch."""
    if 200 <= status < 300:
        return "accepted"
    if status in (401, 403):
        return "unauthorized"
    if 400 <= status < 500 and status not in _NOT_THE_CONTENT:
        return "refused"
    return "later"


def _cause(error: Exception) -> BaseException:
    """The innermost cause: requests and urllib3 wrap it two or three times."""
    cause: BaseException = error
    for _ in range(5):
        inner = getattr(cause, "reason", None) or next(
            (each for each in reversed(cause.args) if isinstance(each, BaseException)), None
        )
        if not isinstance(inner, BaseException):
            break
        cause = inner
    return cause


def _body_text(reply: Reply) -> str:
    return reply.body.decode("utf-8", "replace").strip()


def _retry_after_s(text: str | None) -> float | None:
    """Seconds to wait, from a number of seconds or a date; None when it says neither."""
    if text is None:
        return None
    if re.fullmatch(r"\s*\d{1,9}(\.\d+)?\s*", text):
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - time.time())
