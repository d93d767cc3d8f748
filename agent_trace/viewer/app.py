"""The application: every page as HTML and as JSON, the files that pages use, the switch, and a guard around it all."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from agent_trace.errors import StoreError, StoreMissing
from agent_trace.recording.journal.control import read_flag
from agent_trace.store import Store
from agent_trace.viewer import answers, fixed_files, problems, texts
from agent_trace.viewer.asking import Desk
from agent_trace.viewer.guarding import SWITCH_PATH, Door, Guard
from agent_trace.viewer.page import BadQuestion, Content, Frame, Page, Question
from agent_trace.viewer.pages.registry import PAGES
from agent_trace.viewer.switching import switch
from agent_trace.viewer.unchanged import Unchanged
from agent_trace.viewer.warming import warm

Endpoint = Callable[[Request], Awaitable[Response]]

_HEADINGS: Final = {404: "There is nothing here", 400: "That cannot be asked"}


def application(directory: Path, door: Door | None = None, *, warmed: bool = False) -> ASGIApp:
    """The page on the store in `directory`, for whoever `door` lets in; nobody but this machine without one.

    `warmed`: it gets ready for the first questions as soon as it is up.
    """
    return Guard(Site(directory, warmed).asgi(), door or Door())


class Site:
    """Answers every URL of the page on one store."""

    def __init__(self, directory: Path, warmed: bool = False) -> None:
        self._warmed = warmed
        self._desk = Desk(directory)
        self._directory = directory
        self._unchanged = Unchanged()
        self._token = secrets.token_urlsafe(16)

    def asgi(self) -> Starlette:
        """The application, without anybody at its door."""
        return Starlette(
            routes=self._routes(),
            lifespan=self._lifespan,
            exception_handlers={HTTPException: self._no_such_page, Exception: self._defect},
        )

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        warming = asyncio.create_task(warm(self._desk, self._html)) if self._warmed else None
        yield
        if warming is not None:
            warming.cancel()
            await asyncio.wait([warming])
        self._desk.close()

    def _routes(self) -> list[BaseRoute]:
        routes: list[BaseRoute] = [
            Route("/static/{name}", fixed_files.answer),
            Route(SWITCH_PATH, self._switch, methods=["POST"]),
        ]
        for page in PAGES:
            # The JSON first: `{trace_id}` would take `4f.json` for an id.
            routes.append(Route(page.json_path or f"{page.path}.json", self._as_json(page)))
            routes.append(Route(page.path, self._as_html(page)))
        return routes + [Route(path, self._as_it_is(answer)) for path, answer in texts.ROUTES]

    def _as_it_is(self, answer: Callable[[Question], Response]) -> Endpoint:
        async def reply(request: Request) -> Response:
            try:
                return await self._ask(
                    request, lambda store: answer(Question(store, request.path_params, request.query_params))
                )
            except (StoreError, BadQuestion, OSError) as error:
                return self._problem(request, error)

        return reply

    def _as_html(self, page: Page) -> Endpoint:
        async def answer(request: Request) -> Response:
            try:
                return await self._ask(request, lambda store: self._html(page, store, request))
            except StoreMissing as error:
                return self._before_store(page, request, error)
            except (StoreError, BadQuestion, OSError) as error:
                return self._problem(request, error)

        return answer

    async def _ask(self, request: Request, question: Callable[[Store], Response]) -> Response:
        """What the question gives; nothing but its ETag for who has it already."""
        etag = request.headers.get("if-none-match")
        if etag is None:
            return await self._desk.ask(question)
        return await self._desk.ask(
            lambda store: self._unless_known(request, etag, store, question), again=True
        )

    def _unless_known(
        self, request: Request, etag: str, store: Store, question: Callable[[Store], Response]
    ) -> Response:
        url = f"{request.url.path}?{request.url.query}"
        if self._unchanged.knows(url, etag, store):
            return answers.unchanged(etag)
        version = store.version()
        answer = question(store)
        given = answer.headers.get("ETag")
        if given is None:
            return answer
        self._unchanged.note(url, given, version)
        return answers.unless_had(request, answer)

    def _html(self, page: Page, store: Store, request: Request) -> Response:
        return answers.html(page, _content(page, store, request), self._frame(request, page), request)

    def _as_json(self, page: Page) -> Endpoint:
        async def answer(request: Request) -> Response:
            try:
                return await self._desk.ask(lambda store: answers.json(_content(page, store, request)))
            except StoreMissing as error:
                if page.before_store is not None:
                    return answers.json(page.before_store(self._directory))
                return answers.json({"problem": str(error)}, 404)
            except (StoreError, BadQuestion, OSError) as error:
                return answers.json({"problem": str(error)}, problems.status_of(error))

        return answer

    def _before_store(self, page: Page, request: Request, error: StoreMissing) -> Response:
        frame = self._frame(request, page)
        if page.before_store is not None:
            content = page.before_store(self._directory)
            return answers.unless_had(request, answers.html(page, content, frame, request))
        how_to_begin = replace(page, template="empty.html")
        content = {"problem": str(error)}
        return answers.unless_had(request, answers.html(how_to_begin, content, frame, request))

    def _problem(self, request: Request, error: Exception) -> Response:
        return self._told(request, problems.status_of(error), str(error))

    def _told(self, request: Request, status: int, problem: str) -> Response:
        pieces = problems.pieces(problem, request.path_params.values())
        content = {"pieces": pieces, "heading": _HEADINGS.get(status, "That did not work")}
        return answers.html(answers.PROBLEM, content, self._frame(request, None), request, status)

    async def _no_such_page(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        said = f"There is no page at {request.url.path}" if status == 404 else str(error)
        return self._told(request, status, said)

    async def _defect(self, request: Request, error: Exception) -> Response:
        return self._told(request, 500, f"This is a defect of agent_trace: {type(error).__name__}: {error}")

    async def _switch(self, request: Request) -> Response:
        return await switch(request, self._directory, self._token)

    def _frame(self, request: Request, page: Page | None) -> Frame:
        path = request.url.path
        json_url = ""
        if page is not None:
            query = request.url.query
            json_url = (page.json_path or f"{path}.json") + (f"?{query}" if query else "")
        return Frame(str(self._directory), path, json_url, self._token, _is_on(self._directory))


def _content(page: Page, store: Store, request: Request) -> Content:
    return page.content(Question(store, request.path_params, request.query_params))


def _is_on(directory: Path) -> bool:
    with suppress(OSError):  # the page itself says what is wrong there
        return read_flag(directory) is not False
    return True
