"""A Langfuse that takes everything and answers at once, so that peers are not measured while they retry.

`python -m benchmarks.backend` serves in a process of its own, and tells at `/count` how many spans it got.
"""

import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_ids: set[bytes] = set()


class _Accepts(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    counts = False

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.counts:
            _count(body, self.headers.get("Content-Encoding") == "gzip")
        self._answer(b"")

    def do_GET(self) -> None:
        self._answer(str(len(_ids)).encode())

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None: ...


class _Counts(_Accepts):
    counts = True


def _count(body: bytes, compressed: bool) -> None:
    import gzip

    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest.FromString(gzip.decompress(body) if compressed else body)
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            _ids.update(span.span_id for span in scope.spans)


def start() -> str:
    """Serve in a thread of this process; the address to give to a client."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Accepts)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


if __name__ == "__main__":
    serving = ThreadingHTTPServer(("127.0.0.1", 0), _Counts)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{serving.server_port}", flush=True)
    sys.stdin.read()
