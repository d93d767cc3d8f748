"""One request or websocket connection as an observation: opened before the app sees it, written when its answer ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from contextvars import Token
from typing import Any, Final

from opentelemetry.context.context import Context

from agent_trace.integrations.routes import path_of, route_of
from agent_trace.recording.additions import Additions
from agent_trace.recording.current_context import get_context, reset_context, set_context
from agent_trace.recording.guard import attempt
from agent_trace.recording.process import steps
from agent_trace.recording.propagation import context_from
from agent_trace.recording.recent import nothing_finished
from agent_trace.recording.recorder import NOTHING
from agent_trace.recording.scope import scope_of, widened, with_scope

ConnectionScope = MutableMapping[str, Any]
"""What ASGI calls the scope of a connection."""

_FIRST_SERVER_ERROR: Final = 500
_ABNORMAL: Final = frozenset({1006, 1011, 1012, 1013})
"""Codes of a websocket that was cut off, or that the server could not go on with."""
_MAX_PATH_CHARACTERS: Final = 500


class Exchange:
    """A request from its arrival to the last byte of its answer, and the context that its app runs in."""

    def __init__(self, connection: ConnectionScope, belongs_to: Mapping[str, Callable[[Any], Any]]) -> None:
        self._connection = connection
        self._root_path = str(connection.get("root_path") or "")
        self._path = path_of(connection, self._root_path)[:_MAX_PATH_CHARACTERS]
        self._method = "WEBSOCKET" if connection["type"] == "websocket" else str(connection["method"])
        self._recorder = steps().recorder
        self._status: int | None = None
        self._said: dict[str, Any] = {}
        headers = connection.get("headers") or ()
        inside = context_from(headers, get_context())
        named = {name: attempt(f"asking for the {name}", ask, connection) for name, ask in belongs_to.items()}
        fields = {name: value for name, value in named.items() if value not in (None, "")}
        if fields:
            inside = with_scope(widened(scope_of(inside), fields), inside)
        self._token: Token[Context] | None = set_context(inside)
        try:
            self.span = self._recorder.open(self._method, "span")
            self._recorder.attach(self.span)
        except BaseException:
            reset_context(self._token)
            raise

    def leave(self) -> None:
        """Put the context back that was there before."""
        self._recorder.detach(self.span)
        token, self._token = self._token, None
        if token is not None:
            reset_context(token)

    def received(self, message: Mapping[str, Any]) -> None:
        """The app has taken a message from the server."""
        if message.get("type") == "http.disconnect":
            if not self.span.is_finished:
                self._said["client_disconnected"] = True
        elif message.get("type") == "websocket.disconnect":
            self._closed(message.get("code", 1005), "client")

    def sent(self, message: Mapping[str, Any]) -> None:
        """The server has taken a message from the app. The last one of an answer is its end."""
        kind = message.get("type")
        if kind == "http.response.start" or kind == "websocket.http.response.start":
            self._status = message.get("status")
        elif kind == "http.response.body":
            if not message.get("more_body", False):
                self.end()
        elif kind == "websocket.accept":
            self._status = 101
        elif kind == "websocket.close":
            self._closed(message.get("code", 1000), "server")

    def end(self, error: BaseException | None = None) -> None:
        """Write the observation, if it is not written. An error that comes later is added to it."""
        if self.span.is_finished:
            if error is not None:
                attempt("adding an error to a request", self._amend, error)
            return
        if attempt("writing a request", self._write, error) is None:
            self.span.is_finished = True
            self._recorder.lose()

    def _closed(self, code: Any, by: str) -> None:
        if "close_code" not in self._said:
            self._said.update(close_code=code, closed_by=by)
            if code in _ABNORMAL:
                self._said["client_disconnected"] = by == "client"

    def _write(self, error: BaseException | None) -> bool:
        span, end_ns = self.span, self.span.now_ns()
        route = route_of(self._connection, self._root_path)
        span.name = f"{self._method} {route or '(no route)'}"
        if error is not None and self._status is None and self._method != "WEBSOCKET":
            self._status = _FIRST_SERVER_ERROR  # which the server will answer with, out of our sight
        told = {
            "method": self._method,
            "route": route,
            "path": self._path,
            "status": self._status,
            "duration_s": round((end_ns - span.start_ns) / 1e9, 6),
            **self._said,
        }
        added = span.added()
        added.add_metadata({name: value for name, value in told.items() if value is not None})
        if self._status is not None and self._status >= _FIRST_SERVER_ERROR:
            added.raise_level("ERROR", f"answered with {self._status}")
        elif self._said.get("client_disconnected"):
            added.raise_level("WARNING", "the client went away before the answer was complete")
        # Signals are meant for the model's answer or the agent that finished last, not for the request around them.
        with nothing_finished():
            self._recorder.finish(span, NOTHING, error, end_ns=end_ns)
        return True

    def _amend(self, error: BaseException) -> None:
        additions = Additions()
        additions.add_error(error)
        self._recorder.amend((self.span.trace_id, self.span.id), additions)
