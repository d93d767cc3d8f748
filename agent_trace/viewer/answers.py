"""Content as an answer: a page as HTML, the same as JSON, and what is said when there is none.

What is asked for again and again has an ETag.
"""

import hashlib
from dataclasses import is_dataclass
from decimal import Decimal
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from agent_trace.observation import Observation
from agent_trace.viewer.guarding import CHARTS_POLICY
from agent_trace.viewer.page import Content, Frame, Page
from agent_trace.viewer.pages.registry import PAGES
from agent_trace.viewer.templating import render

PROBLEM: Final = Page("problem", "", "problem.html", lambda question: {})
"""What stands in for a page that cannot be shown."""


def html(page: Page, content: Content, frame: Frame, request: Request, status: int = 200) -> Response:
    """A page as HTML. The charts' script, and what it is allowed, come only with something to draw."""
    draws = page.charts and content.get("chart") is not None
    query = dict(request.query_params)
    text = render(page.template, page=page, pages=PAGES, frame=frame, query=query, draws=draws, **content)
    # Lone surrogates cannot be sent; pages spell them out, and where one forgets to, this does.
    body = text.encode("utf-8", "backslashreplace")
    headers = {"Content-Security-Policy": CHARTS_POLICY} if draws else {}
    if status != 200:
        return Response(body, status, headers, "text/html")
    return Response(body, 200, headers | {"ETag": etag_of(body)}, "text/html")


def etag_of(body: bytes) -> str:
    """What tells this answer from another one."""
    return f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def unless_had(request: Request, answer: Response) -> Response:
    """The answer; for a browser that has it already, that it is unchanged."""
    etag = answer.headers["ETag"]
    return unchanged(etag) if request.headers.get("if-none-match") == etag else answer


def unchanged(etag: str) -> Response:
    """That a page is still what the browser has of it."""
    return Response(status_code=304, headers={"ETag": etag})


def json(content: Content, status: int = 200) -> Response:
    """The same content as JSON: money as text, exact to the last digit; times in nanoseconds."""
    body = orjson.dumps(content, default=_as_json, option=orjson.OPT_NON_STR_KEYS)
    return Response(body, status, media_type="application/json")


def _as_json(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Observation):
        return value.to_record()
    if isinstance(value, set | frozenset):
        return sorted(value)
    if is_dataclass(value):
        return {name: getattr(value, name) for name in value.__dataclass_fields__}
    return str(value)
