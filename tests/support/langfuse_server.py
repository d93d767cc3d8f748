"""A local server where Langfuse's client may send to, and ask about its keys: spans are decoded, the rest is counted."""

import gzip
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class LangfuseServer(ThreadingHTTPServer):
    """`status`, `content_type`, `location` and `byte_s` (seconds for each byte of the answer) say how it behaves."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.content_type = "application/json"
        self.location: str | None = None
        self.byte_s = 0.0
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.spans: list[Any] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is nothing to report."""


class _Handler(BaseHTTPRequestHandler):
    server: LangfuseServer

    def do_GET(self) -> None:
        project = {"id": "p", "name": "p", "organization": {"id": "o", "name": "o"}, "metadata": {}}
        self._answer(json.dumps({"data": [project]}).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if self.path.endswith("/traces"):
            told = ExportTraceServiceRequest.FromString(body)
            self.server.spans += [
                each for r in told.resource_spans for s in r.scope_spans for each in s.spans
            ]
        self._answer(b"{}")

    def _answer(self, body: bytes) -> None:
        server = self.server
        server.requests.append((self.command, self.path, dict(self.headers)))
        if server.byte_s:
            for byte in b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + body:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(server.byte_s)
            return
        self.send_response(server.status)
        self.send_header("Content-Type", server.content_type)
        self.send_header("Content-Length", str(len(body)))
        if server.location:
            self.send_header("Location", server.location)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """stderr is the tests'."""


@contextmanager
def langfuse_server() -> Iterator[LangfuseServer]:
    """A server that runs inside the block."""
    server = LangfuseServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
