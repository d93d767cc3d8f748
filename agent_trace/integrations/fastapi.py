"""FastAPI, Starlette and every other ASGI app: a middleware that observes requests, and a lifespan around the app."""

from __future__ import annotations

import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

import agent_trace.background  # noqa: F401 - what is recorded is delivered, where there is somewhere to deliver it to
from agent_trace.integrations import metrics_endpoint
from agent_trace.recording import guard, process
from agent_trace.recording.guard import attempt
from agent_trace.recording.process import is_on

logger = logging.getLogger("agent_trace")

ConnectionScope = Any
"""What ASGI calls the scope of a connection: a mutable mapping."""

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]
Ask = Callable[[ConnectionScope], str | None]
_OBSERVED: Final = frozenset({"http", "websocket"})
_MAX_ID_CHARACTERS: Final = 200


class TraceMiddleware:
    """ASGI middleware: every request and websocket connection is one observation, named `GET /decide/{symbol}`.

        app.add_middleware(TraceMiddleware, tenant_header="x-tenant-id", exclude=["/health"])

    What the app calls meanwhile lies below it and belongs to the request's tenant. Metadata: `method`, `route`, `path`,
    `status`, `duration_s`, `client_disconnected`; for a websocket `close_code` and `closed_by`. Level ERROR for a status
    from 500 on and for an exception, which goes on to the server. W3C `traceparent` of the client is heeded.

    tenant_header, session_header, user_header: names of request headers; None for none.
    tenant, session, user: called with the ASGI scope instead, for what stands in a token or a path; None for unknown. One
        that raises is as good as None.
    exclude: paths that are not observed; a `*` at the end stands for anything.
    metrics_path: where the metrics of the store are served in Prometheus' format, if prometheus-client is installed and
        the app has no route of its own there; None for nowhere.
    """

    def __init__(
        self,
        app: App,
        *,
        tenant_header: str | None = "x-tenant-id",
        session_header: str | None = None,
        user_header: str | None = None,
        tenant: Ask | None = None,
        session: Ask | None = None,
        user: Ask | None = None,
        exclude: Collection[str] = (),
        metrics_path: str | None = "/metrics",
    ) -> None:
        self.app = app
        self._metrics_path = metrics_path
        self._excluded = frozenset(each for each in exclude if not each.endswith("*"))
        self._excluded_starts = tuple(each[:-1] for each in exclude if each.endswith("*"))
        asked = {
            "tenant_id": tenant or _by_header(tenant_header),
            "session_id": session or _by_header(session_header),
            "user_id": user or _by_header(user_header),
        }
        self._belongs_to = {name: ask for name, ask in asked.items() if ask is not None}

    async def __call__(self, scope: ConnectionScope, receive: Receive, send: Send) -> None:
        """Hand the connection on to the app, and observe what passes."""
        if scope["type"] not in _OBSERVED:
            await self.app(scope, receive, send)
        elif self._metrics_path is not None and metrics_endpoint.is_asked_for(scope, self._metrics_path):
            await metrics_endpoint.answer(scope, receive, send, self.app)
        else:
            exchange = None
            if is_on() and not self._is_excluded(scope):
                exchange = attempt("opening a request", _exchange, scope, self._belongs_to)
            if exchange is None:
                await self.app(scope, receive, send)
            else:
                await self._observe(exchange, scope, receive, send)

    async def _observe(self, exchange: Any, scope: ConnectionScope, receive: Receive, send: Send) -> None:
        async def received() -> Any:
            message = await receive()
            attempt("observing a request", exchange.received, message)
            return message

        async def sent(message: Any) -> None:
            await send(message)
            attempt("observing a request", exchange.sent, message)

        try:
            await self.app(scope, received, sent)
        except BaseException as error:
            exchange.end(error)
            raise
        else:
            exchange.end()
        finally:
            attempt("leaving a request", exchange.leave)

    def _is_excluded(self, scope: ConnectionScope) -> bool:
        path = str(scope.get("path", ""))
        inside = path.removeprefix(str(scope.get("root_path") or ""))
        return not self._excluded.isdisjoint((path, inside)) or inside.startswith(self._excluded_starts)


@asynccontextmanager
async def lifespan(app: Any, *, flush_timeout_s: float = 5.0) -> AsyncIterator[None]:
    """Around the life of an app: start to record before it, deliver what is left after it.

        app = FastAPI(lifespan=lifespan)

    or inside a lifespan of your own:

        async with lifespan(app):
            yield {"models": models}

    Calls of LiteLLM are observed as well when the program has imported it. Whatever fails in here is a warning in the log
    of `agent_trace`, and the app starts and stops as it would without.

    flush_timeout_s: the longest that shutting down waits for backends. What they have not got by then goes later.
    """
    _step("starting to record", _start)
    _step("observing LiteLLM", _observe_litellm)
    try:
        yield
    finally:
        await _in_a_thread(partial(_step, "delivering at shutdown", _deliver, flush_timeout_s))


def _exchange(scope: ConnectionScope, belongs_to: dict[str, Ask]) -> Any:
    from agent_trace.integrations.exchange import Exchange

    return Exchange(scope, belongs_to)


def _by_header(name: str | None) -> Ask | None:
    return None if name is None else partial(_header, name.lower().encode("latin-1"))


def _header(name: bytes, scope: ConnectionScope) -> str | None:
    for key, value in scope.get("headers") or ():
        if key.lower() == name:
            text: str = value.decode("latin-1").strip()
            return text[:_MAX_ID_CHARACTERS] or None
    return None


def _step(what: str, work: Callable[..., None], *given: Any) -> None:
    """Do one thing of the start or the end of an app, which it must survive."""
    failed_before = guard.failures.get(what, 0)
    attempt(what, work, *given)
    if guard.failures.get(what, 0) > failed_before:
        logger.warning("%s failed (%s). The app is not affected.", what, guard.last_failure)


def _start() -> None:
    for problem in process.current().settings.problems:
        logger.warning("%s", problem)


def _observe_litellm() -> None:
    if "litellm" in sys.modules:
        from agent_trace.integrations.litellm import instrument_litellm

        instrument_litellm()


def _deliver(timeout_s: float) -> None:
    from agent_trace.background import background

    recording = process.current()
    if recording.journal is not None:
        recording.journal.sync()
    if not background.flush(recording.settings, timeout_s):
        logger.warning("not all was delivered within %g s of shutting down; the rest goes later", timeout_s)


async def _in_a_thread(work: Callable[[], None]) -> None:
    """Not in the loop: while a backend is waited for, others of the app's lifespans may want to end."""
    from anyio import to_thread

    await to_thread.run_sync(work)
