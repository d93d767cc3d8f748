"""Who may ask, and what: the door in front of the application. Addresses, tokens, methods; no pages.

A page on a local port can be reached by every website that the same browser shows, so everything that a browser says
about where a request comes from is checked here, and every answer says what the browser may do with it.
"""

import hmac
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SWITCH_PATH: Final = "/switch"
"""The only path that anything may be sent to."""

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self';{styles} img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
POLICY: Final = _POLICY.format(styles="")
"""The Content-Security-Policy of every answer: nothing from elsewhere, no script or style inside a page."""

CHARTS_POLICY: Final = _POLICY.format(styles=" style-src-elem 'self' 'unsafe-inline';")
"""That of pages with charts, whose script brings a sheet of styles along."""

HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    # Other websites may neither load anything of this one, JSON as a script for instance, nor keep hold of its window.
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""What every answer says unless it says otherwise itself."""

_COOKIE_S: Final = 30 * 24 * 3600
ANY_ADDRESS: Final = ("", "0.0.0.0", "::")
"""Hosts that stand for every address of this machine."""


@dataclass(frozen=True, slots=True)
class Door:
    """Where the page is reached, and what has to be shown there. `token`: None when nothing has to be."""

    host: str = "127.0.0.1"
    port: int = 0
    token: str | None = None

    @property
    def cookie(self) -> str:
        """The name of the cookie with the token. Cookies are not kept apart by port."""
        return f"agent_trace_{self.port}"

    def lets_in_as(self, host_header: str) -> bool:
        """Whether a request with this `Host` means us, and not a name that somebody points here."""
        name = _name_of(host_header)
        if _is_loopback(name) or name == self.host.lower():
            return True
        # An address cannot be pointed elsewhere, as a name can.
        return self.host in ANY_ADDRESS and (_is_address(name) or name == socket.gethostname().lower())

    def knows(self, token: str | None) -> bool:
        """Whether this is the token, in a time that does not tell how much of it is right."""
        return self.token is None or hmac.compare_digest((token or "").encode(), self.token.encode())


class Guard:
    """Lets requests in that may come in, and puts what browsers must know on every answer. Plain ASGI."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            answer = self._refusal(scope) or self._app
            await answer(scope, receive, _with_headers(send))
        else:
            await send({"type": "websocket.close", "code": 1008})

    def _refusal(self, scope: Scope) -> Response | None:
        """What to answer instead of the page; None for who may come in."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._door.lets_in_as(host):
            return _refused(421, f"this page is not at {host!r}: open it under the address that was printed")
        is_read = scope["method"] in ("GET", "HEAD")
        if not is_read and not (scope["method"] == "POST" and scope["path"] == SWITCH_PATH):
            return _refused(405, "this page can only be read", Allow="GET, HEAD")
        if not is_read and not _is_own(headers):
            return _refused(403, "this was sent by another website")
        return self._to_show_the_token(scope, headers)

    def _to_show_the_token(self, scope: Scope, headers: Headers) -> Response | None:
        """The answer to who did not show the token yet, or shows it in the URL."""
        if self._door.token is None:
            return None
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = dict(query).get("token")
        if given is not None and self._door.knows(given):
            rest = urlencode([(name, value) for name, value in query if name != "token"])
            return self._with_cookie(quote(scope["path"]) + (f"?{rest}" if rest else ""), headers)
        if self._door.knows(_cookie(headers, self._door.cookie)):
            return None
        return _refused(403, "a token is needed: open the whole URL that `agent-trace ui` printed")

    def _with_cookie(self, url: str, headers: Headers) -> Response:
        """To the same page without the token in its URL, which would stay in the history and in screenshots."""
        # Two slashes in front would lead to another website.
        target = "/" + url.lstrip("/")
        answer: Response
        if headers.get("sec-fetch-site") == "cross-site":
            # The cookie is not sent on along a redirect that began at another website; from a page of our own it is.
            answer = Response("", 200, {"Refresh": f"0; url={target}"}, "text/plain")
        else:
            answer = RedirectResponse(target, 303)
        answer.set_cookie(
            self._door.cookie, self._door.token or "", max_age=_COOKIE_S, httponly=True, samesite="strict"
        )
        return answer


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending


def _refused(status: int, why: str, **headers: str) -> Response:
    return PlainTextResponse(f"{why}\n", status, headers)


def _is_own(headers: Headers) -> bool:
    """Whether a form of ours was sent, as far as the browser says. The token in the form is asked for anyway."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    # "null" is what browsers say of our own forms under Referrer-Policy: no-referrer.
    origin = headers.get("origin", "null")
    return origin == "null" or origin.partition("://")[2] == headers.get("host")


def _cookie(headers: Headers, name: str) -> str | None:
    # http.cookies stops at the first cookie that it finds strange, and those of other programs come along.
    pairs = (pair.strip().partition("=") for line in headers.getlist("cookie") for pair in line.split(";"))
    return next((value for found, _, value in pairs if found == name), None)


def _name_of(host_header: str) -> str:
    """The name or address in a `Host` header, without its port and brackets."""
    if host_header.startswith("[") and "]" in host_header:
        return host_header[1:].partition("]")[0].lower()
    return host_header.partition(":")[0].rstrip(".").lower()


def _is_loopback(name: str) -> bool:
    return name == "localhost" or (_is_address(name) and ipaddress.ip_address(name).is_loopback)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
