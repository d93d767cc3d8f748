"""A real HTTP server that speaks OTLP and Langfuse's score endpoint, and has bad days when told to.

    with OtlpServer(public_key="pk", secret_key="sk") as server:
        server.fail(503, times=2, retry_after="1")
        …
        server.spans["00f067aa0ba902b7"].attributes["langfuse.observation.input"]

`url` is for any process. What was accepted is in `spans` (the newest of each id), `arrivals` (every one, in order) and
`scores`; what was asked for at all is in `requests`. `python -m tests.support.otlp_server` runs one on its own and
prints its URL; it ends with its standard input.
"""

import base64
import contextlib
import gzip
import json
import socket
import ssl
import struct
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

TRACES_PATH = "/v1/traces"
LANGFUSE_TRACES_PATH = "/api/public/otel/v1/traces"
SCORES_PATH = "/api/public/scores"


@dataclass
class Span:
    """A span as it arrived, its values as Python has them."""

    trace_id: str
    id: str
    parent_id: str | None
    name: str
    kind: int
    start_ns: int
    end_ns: int
    status: int
    status_message: str
    attributes: dict[str, Any]
    events: list[tuple[str, int, dict[str, Any]]]
    resource: dict[str, Any]
    scope: str
    scope_attributes: dict[str, Any]


@dataclass
class Request:
    """One request, whatever was answered to it."""

    path: str
    headers: dict[str, str]
    body: bytes
    at_s: float
    status: int | None = None


@dataclass
class Trouble:
    """What is wrong with the server at the moment. Fields that are None or 0 trouble nobody."""

    status: int = 0
    text: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    times: int | None = None
    every: int = 1
    delay_s: float = 0.0
    drop: bool = False
    byte_s: float = 0.0
    silent: bool = False
    forgets: bool = False
    poison: frozenset[str] = frozenset()
    max_bytes: int | None = None
    rejects: int = 0


class OtlpServer:
    """On a port of its own of this machine. Safe to ask from other threads while it serves."""

    def __init__(
        self,
        public_key: str | None = None,
        secret_key: str | None = None,
        *,
        takes_lists: bool = True,
        keeps_content: bool = True,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.public_key, self.secret_key = public_key, secret_key
        self.takes_lists = takes_lists
        self.keeps_content = keeps_content
        self.requests: list[Request] = []
        self.arrivals: list[Span] = []
        self.arrived_scores: list[dict[str, Any]] = []
        self.trouble = Trouble()
        self.connections = 0
        self.open_sockets: set[socket.socket] = set()
        self.released = threading.Event()
        self.lock = threading.Lock()
        self.tls = tls
        self._port = port
        self._http: _Http | None = None
        self.up()

    @property
    def url(self) -> str:
        """The base URL, the same for the whole life of the server."""
        return f"{'http' if self.tls is None else 'https'}://127.0.0.1:{self._port}"

    @property
    def spans(self) -> dict[str, Span]:
        """What was accepted, by id; of several with one id, the last."""
        with self.lock:
            return {span.id: span for span in self.arrivals}

    @property
    def scores(self) -> dict[str, dict[str, Any]]:
        """The same for scores."""
        with self.lock:
            return {score["id"]: score for score in self.arrived_scores}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def up(self) -> None:
        """Accept connections, again if need be, on the same port."""
        if self._http is None:
            self.released.clear()
            self._http = _Http(("127.0.0.1", self._port), self)
            self._port = self._http.server_address[1]
            threading.Thread(
                target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
            ).start()

    def down(self) -> None:
        """Close the socket: connections are refused, those that are open are cut."""
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
            self._http = None
        self.released.set()
        with self.lock:
            for each in list(self.open_sockets):
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Let go of everything."""
        self.down()

    def heal(self) -> None:
        """Be well again; requests that wait for an answer get none."""
        self.trouble = Trouble()
        self.released.set()
        self.released.clear()

    def fail(
        self,
        status: int,
        text: str = "",
        *,
        times: int | None = None,
        every: int = 1,
        retry_after: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Answer with that status: always, so many times, or to every nth request."""
        given = {**(headers or {}), **({"Retry-After": retry_after} if retry_after is not None else {})}
        self.trouble = Trouble(status=status, text=text, headers=given, times=times, every=every)

    def slow(self, delay_s: float) -> None:
        """Take so long for each answer."""
        self.trouble = Trouble(delay_s=delay_s)

    def black_hole(self) -> None:
        """Accept and read, and never answer."""
        self.trouble = Trouble(silent=True)

    def drip(self, byte_s: float = 1.0) -> None:
        """Answer with one byte in that time."""
        self.trouble = Trouble(byte_s=byte_s)

    def drop(self, *, times: int | None = None, every: int = 1) -> None:
        """Cut the connection in the middle of an answer, after the batch was taken."""
        self.trouble = Trouble(drop=True, times=times, every=every)

    def forget(self) -> None:
        """Cut a kept connection at the moment that it is used again."""
        self.trouble = Trouble(forgets=True)

    def refuse(self, *ids: str) -> None:
        """Answer 400 to every batch that holds one of these ids (of spans or scores)."""
        self.trouble = Trouble(poison=frozenset(ids))

    def reject_partly(self, spans: int) -> None:
        """Answer 200, and say that so many spans were rejected."""
        self.trouble = Trouble(rejects=spans)

    def limit(self, max_bytes: int) -> None:
        """Answer 413 to larger bodies."""
        self.trouble = Trouble(max_bytes=max_bytes)

    def wait_for(self, condition: Callable[[], bool], timeout_s: float = 10.0) -> bool:
        """Whether the condition came true in time."""
        end_s = time.monotonic() + timeout_s
        while not condition():
            if time.monotonic() > end_s:
                return False
            time.sleep(0.01)
        return True

    def strikes(self) -> bool:
        """Whether this request is one of those that go wrong."""
        trouble = self.trouble
        with self.lock:
            if trouble.times is not None:
                trouble.times -= 1
                return trouble.times >= 0
            return len(self.requests) % trouble.every == 0


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], owner: OtlpServer) -> None:
        self.owner = owner
        super().__init__(address, _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        """An accepted connection; over TLS, the handshake comes with the first read, in the connection's own thread."""
        connection, address = super().get_request()
        if self.owner.tls is not None:
            connection = self.owner.tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        return connection, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are what some tests are about."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def setup(self) -> None:
        super().setup()
        self.served = 0
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.server.owner.lock:
            self.server.owner.connections += 1
            self.server.owner.open_sockets.add(self.connection)

    def finish(self) -> None:
        with self.server.owner.lock:
            self.server.owner.open_sockets.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def log_message(self, format: str, *arguments: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """What a redirect that is followed ends in."""
        self._record(b"")
        self._answer(200, b"{}")

    def do_POST(self) -> None:
        self.served += 1
        if self.server.owner.trouble.forgets and self.served > 1:
            self._cut()
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        owner = self.server.owner
        self._record(body if owner.keeps_content else b"")
        trouble = owner.trouble
        if trouble.delay_s:
            owner.released.wait(trouble.delay_s)
        if trouble.silent:
            owner.released.wait()
            self.close_connection = True
            return
        if trouble.status and owner.strikes():
            self._answer(trouble.status, trouble.text.encode(), trouble.headers)
        elif trouble.max_bytes is not None and len(body) > trouble.max_bytes:
            self._answer(413, b"request entity too large")
        elif not self._is_authorized():
            self._answer(401, b'{"message":"Invalid credentials"}')
        else:
            self._take(body)

    def _record(self, body: bytes) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.asked = Request(self.path, headers, body, time.time())
        with self.server.owner.lock:
            self.server.owner.requests.append(self.asked)

    def _is_authorized(self) -> bool:
        owner = self.server.owner
        if owner.public_key is None:
            return True
        pair = f"{owner.public_key}:{owner.secret_key}".encode()
        return self.headers.get("Authorization") == f"Basic {base64.b64encode(pair).decode()}"

    def _take(self, body: bytes) -> None:
        path = self.path.partition("?")[0]
        if path.endswith(SCORES_PATH):
            self._take_scores(body)
        elif path.endswith(TRACES_PATH):
            self._take_spans(body)
        else:
            self._answer(404, b"no such path")

    def _take_spans(self, body: bytes) -> None:
        owner = self.server.owner
        if self.headers.get("Content-Type") != "application/x-protobuf":
            self._answer(415, b"not protobuf")
            return
        spans = decode(body, owner.keeps_content)
        if owner.trouble.poison & {span.id for span in spans}:
            self._answer(400, b'{"error":"a span of this batch cannot be taken"}')
            return
        response = ExportTraceServiceResponse()
        if owner.trouble.rejects:
            response.partial_success.rejected_spans = owner.trouble.rejects
            response.partial_success.error_message = "too old"
        else:
            with owner.lock:
                owner.arrivals += spans
        self._answer(200, response.SerializeToString(), {"Content-Type": "application/x-protobuf"})

    def _take_scores(self, body: bytes) -> None:
        """As Langfuse does: a list since SDK 5, one at a time before."""
        owner = self.server.owner
        given = json.loads(body)
        if isinstance(given, list) is not owner.takes_lists:
            self._answer(400, b'{"message":"Invalid request data"}')
            return
        scores = given if isinstance(given, list) else [given]
        bad = [score for score in scores if score["id"] in owner.trouble.poison]
        with owner.lock:
            owner.arrived_scores += [score for score in scores if score not in bad]
        if not owner.takes_lists:
            self._answer(400 if bad else 200, json.dumps({"id": given["id"]}).encode())
        elif bad:
            told = {
                "accepted": len(scores) - len(bad),
                "rejected": len(bad),
                "errors": [{"message": "bad value"}],
            }
            self._answer(207, json.dumps(told).encode())
        else:
            self._answer(202, b'{"message":"Accepted"}')

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.asked.status = status
        trouble = self.server.owner.trouble
        if trouble.drop and self.server.owner.strikes():
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
            self._cut()
            return
        content_type = {"Content-Type": "application/json"} if body else {}
        head = {"Content-Length": str(len(body)), **content_type, **(headers or {})}
        lines = [f"HTTP/1.1 {status} Answered", *(f"{name}: {value}" for name, value in head.items()), "", ""]
        self._write("\r\n".join(lines).encode() + body, trouble.byte_s)

    def _write(self, content: bytes, byte_s: float) -> None:
        if not byte_s:
            self.wfile.write(content)
            return
        for position in range(len(content)):
            self.wfile.write(content[position : position + 1])
            if self.server.owner.released.wait(byte_s):
                self._cut()
                return

    def _cut(self) -> None:
        """A reset, not an orderly end."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def decode(body: bytes, content: bool = True) -> list[Span]:
    """The spans of an ExportTraceServiceRequest, by the real decoder. Without `content`, ids and times only."""
    return [
        _span(
            span,
            _attributes(each.resource.attributes),
            scoped.scope.name,
            _attributes(scoped.scope.attributes),
            content,
        )
        for each in ExportTraceServiceRequest.FromString(body).resource_spans
        for scoped in each.scope_spans
        for span in scoped.spans
    ]


def _span(
    span: Any, resource: dict[str, Any], scope: str, scope_attributes: dict[str, Any], content: bool
) -> Span:
    events = [(each.name, each.time_unix_nano, _attributes(each.attributes)) for each in span.events]
    return Span(
        trace_id=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex() or None,
        name=span.name,
        kind=span.kind,
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        status=span.status.code,
        status_message=span.status.message,
        attributes=_attributes(span.attributes) if content else {},
        events=events,
        resource=resource,
        scope=scope,
        scope_attributes=scope_attributes,
    )


def _attributes(pairs: Any) -> dict[str, Any]:
    """As a dictionary; an attribute that is there twice would be lost in one, and is an error."""
    found = {pair.key: _value(pair.value) for pair in pairs}
    assert len(found) == len(pairs), sorted(pair.key for pair in pairs)
    return found


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, kind) if kind else None


def main() -> None:
    """Serve until standard input ends; print the URL, and at the end how many spans and scores arrived."""
    with OtlpServer(keeps_content=False) as server:
        print(server.url, flush=True)
        sys.stdin.read()
        print(len(server.arrivals), len(server.arrived_scores), flush=True)


if __name__ == "__main__":
    main()
