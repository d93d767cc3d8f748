"""One HTTP POST at a time over a connection that is kept. Knows nothing of what an answer means."""

import os
from collections.abc import Mapping
from typing import NamedTuple, TypedDict

import requests

from agent_trace.delivery.wire.deadline import BoundedAdapter, Deadline
from agent_trace.delivery.wire.resolving import Resolver

MAX_ANSWER_BYTES = 16_384


class Reply(NamedTuple):
    """A server's answer; of the body no more than the first few kilobytes."""

    status: int
    reason: str
    content_type: str
    retry_after: str | None
    body: bytes


class _Way(TypedDict):
    """How a URL is reached, as `requests` found it in the environment."""

    verify: bool | str
    cert: str | tuple[str, str] | None
    proxies: dict[str, str]


class Connection:
    """Connections to servers, one each, opened when first used. For one thread at a time.

    Of `requests` it uses proxies, certificates and the adapter, but no session for the single request: cookies, hooks
    and another look at the environment take half a millisecond each time, as long as encoding fifty spans.
    Never follows a redirect: credentials and content are for the address that was configured.
    """

    def __init__(self, headers: Mapping[str, str], certificates: str | None = None) -> None:
        self._headers = dict(headers)
        self._certificates = certificates
        self._deadline = Deadline()
        self._resolver = Resolver()
        self._adapter: BoundedAdapter | None = None
        self._prepared: dict[str, tuple[requests.PreparedRequest, _Way]] = {}
        self._pid = 0

    def post(self, url: str, body: bytes, headers: Mapping[str, str], timeout_s: float) -> Reply:
        """The answer, after at most `timeout_s`. Raises what `requests`, urllib3 and sockets raise."""
        self._deadline.start(timeout_s)
        adapter = self._opened_adapter()
        opened = adapter.opened
        try:
            return self._once(adapter, url, body, headers)
        except requests.ConnectionError:
            if adapter.opened != opened:
                raise
        # A server may close a kept connection at the moment that we use it again. That says nothing about the server.
        return self._once(adapter, url, body, headers)

    def close(self) -> None:
        """Close the connections; the next post opens another, and looks at the environment again."""
        adapter, self._adapter = self._adapter, None
        self._prepared.clear()
        if adapter is not None and self._pid == os.getpid():
            adapter.close()

    def _once(self, adapter: BoundedAdapter, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        prepared, way = self._prepared.get(url) or self._prepare(url)
        request = prepared.copy()
        request.headers.update({**headers, "Content-Length": str(len(body))})
        request.body = body
        with adapter.send(request, stream=True, timeout=self._deadline.left_s(), **way) as response:
            read = response.raw.read(MAX_ANSWER_BYTES, decode_content=True)
            return Reply(
                response.status_code,
                response.reason or "",
                response.headers.get("Content-Type", ""),
                response.headers.get("Retry-After"),
                read,
            )

    def _opened_adapter(self) -> BoundedAdapter:
        """The adapter, made anew in a forked child, which must not speak on its parent's connection."""
        if self._adapter is None or self._pid != os.getpid():
            self._adapter, self._pid = BoundedAdapter(self._deadline, self._resolver), os.getpid()
        return self._adapter

    def _prepare(self, url: str) -> tuple[requests.PreparedRequest, _Way]:
        with requests.Session() as session:
            # Without `auth`, requests would put what stands in ~/.netrc for that host in place of our Authorization.
            request = requests.Request("POST", url, headers=self._headers, auth=_unchanged)
            prepared = session.prepare_request(request)
            found = session.merge_environment_settings(
                prepared.url or url, {}, True, self._certificates or True, None
            )
        way = _Way(verify=found["verify"], cert=found["cert"], proxies=dict(found["proxies"]))
        self._prepared[url] = prepared, way
        return prepared, way


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
