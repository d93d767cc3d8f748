"""A local server that answers as Langfuse's v2 observations and metrics do: filtered, in pages, with limits and hiccups."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

CORE = ("id", "traceId", "startTime", "endTime", "projectId", "parentObservationId", "type")
GROUPS: dict[str, tuple[str, ...]] = {
    "core": CORE,
    "basic": ("name", "level", "statusMessage", "version", "environment", "userId", "sessionId"),
    "metadata": ("metadata",),
    "model": ("model", "internalModelId", "modelParameters"),
    "usage": ("usageDetails", "costDetails", "totalCost", "usagePricingTierName"),
}
"""Which fields an answer has, by what was asked for."""
MOST_A_PAGE = 1000
WHOLE_CHARACTERS = 200
"""Longer values of metadata are cut, unless their key is in `expandMetadata`."""


class LangfuseReading(ThreadingHTTPServer):
    """`observations` are what it has; `failing` holds (status, headers) of the answers that come first."""

    daemon_threads = True

    def __init__(self, observations: list[dict[str, Any]], page: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.observations = observations
        self.page = page
        self.failing: list[tuple[int, dict[str, str]]] = []
        self.fails_always: int | None = None
        self.hidden = 0
        self.requests: list[tuple[str, dict[str, str], str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def matching(self, filters: list[dict[str, str]]) -> list[dict[str, Any]]:
        return [each for each in self.observations if all(_fits(each, one) for one in filters)]


def _fits(observation: dict[str, Any], one: dict[str, str]) -> bool:
    if one["column"] == "metadata":
        assert (one["type"], one["operator"]) == ("stringObject", "=")
        return bool(observation["metadata"].get(one["key"]) == one["value"])
    assert (one["type"], one["column"]) == ("datetime", "startTime")
    started, bound = (datetime.fromisoformat(text) for text in (observation["startTime"], one["value"]))
    return started >= bound if one["operator"] == ">=" else started < bound


def _narrowed(observation: dict[str, Any], groups: list[str], whole: list[str]) -> dict[str, Any]:
    fields = {*CORE, *(field for group in groups for field in GROUPS[group])}
    found = {"projectId": "p-1", **{name: value for name, value in observation.items() if name in fields}}
    if "metadata" in found:
        found["metadata"] = {
            key: value if key in whole else value[:WHOLE_CHARACTERS]
            for key, value in found["metadata"].items()
        }
    return found


class _Handler(BaseHTTPRequestHandler):
    server: LangfuseReading

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = dict(parse_qsl(parts.query))
        self.server.requests.append((parts.path, asked, self.headers.get("Authorization")))
        if self.server.fails_always is not None:
            self._answer(self.server.fails_always, {"error": "down"})
        elif self.server.failing:
            status, headers = self.server.failing.pop(0)
            self._answer(status, {"error": "later"}, headers)
        elif parts.path == "/api/public/v2/metrics":
            query = json.loads(asked["query"])
            assert (query["view"], query["metrics"][0]["measure"]) == ("observations", "count")
            times = ((">=", "fromTimestamp"), ("<", "toTimestamp"))
            bounds = [
                {"type": "datetime", "column": "startTime", "operator": operator, "value": query[name]}
                for operator, name in times
            ]
            found = self.server.matching([*query["filters"], *bounds])
            self._answer(200, {"data": [{"count_count": str(len(found))}]})
        elif parts.path == "/api/public/v2/observations":
            groups = asked.get("fields", "core,basic").split(",")
            if not set(groups) <= set(GROUPS) or not 0 < int(asked["limit"]) <= MOST_A_PAGE:
                self._answer(400, {"message": "Invalid request data"})
            else:
                self._answer(200, self._page(asked, groups))
        else:
            self._answer(404, {})

    def _page(self, asked: dict[str, str], groups: list[str]) -> dict[str, Any]:
        found = self.server.matching(json.loads(asked["filter"]))
        found = found[: len(found) - self.server.hidden]
        start = int(base64.b64decode(asked.get("cursor", "MA==")))
        end = start + min(self.server.page, int(asked["limit"]))
        whole = asked.get("expandMetadata", "").split(",")
        data = [_narrowed(each, groups, whole) for each in found[start:end]]
        cursor = base64.b64encode(str(end).encode()).decode()
        return {"data": data, "meta": {"cursor": cursor} if end < len(found) else {}}

    def _answer(self, status: int, content: object, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """stderr is the tests'."""


@contextmanager
def langfuse_reading(observations: list[dict[str, Any]], page: int = 1000) -> Iterator[LangfuseReading]:
    """A server that runs inside the block."""
    server = LangfuseReading(observations, page)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
