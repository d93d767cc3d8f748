"""The one thing that can be changed from the page: whether recording is on, for every process of the project."""

import hmac
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from agent_trace.recording.journal.control import write_flag

_MOST_BYTES: Final = 4096


async def switch(request: Request, directory: Path, token: str) -> Response:
    """Switch recording `on` or `off`, as the form's `to` says, and go on to the status page.

    `token`: what a form of ours sends along, and another website cannot know.
    """
    form = await _form(request)
    if not hmac.compare_digest(form.get("token", "").encode(), token.encode()):
        return PlainTextResponse("this form is out of date: load the page again\n", 403)
    if form.get("to") not in ("on", "off"):
        return PlainTextResponse(f"{form.get('to')!r} is neither on nor off\n", 400)
    write_flag(directory, form["to"] == "on")
    return RedirectResponse("/status", 303)


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_BYTES:
            return {}
    return {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
