"""A real FastAPI app under real uvicorn: one observation a request, and an app that behaves as it would without."""

import asyncio
import logging
import socket
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from agent_trace import observe_llm
from agent_trace.integrations import metrics_endpoint
from agent_trace.integrations.fastapi import TraceMiddleware
from agent_trace.recording import guard, process
from agent_trace.testing import Recorded, recorded
from tests.support.traced_app import ask, make_app, serving

_PATIENCE_S = 20.0


@pytest.fixture
def observations() -> Iterator[Recorded]:
    failed_before = dict(guard.failures)
    with recorded() as sink:
        yield sink
    assert guard.failures == failed_before


def fetch(app: Any, *requests: tuple[str, str], **options: Any) -> list[httpx.Response]:
    """Answers to requests, one after the other, straight from the app."""

    async def all_of_them() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://desk") as client:
            return [await client.request(method, path, **options) for method, path in requests]

    return asyncio.run(all_of_them())


def wait_for(observations: Recorded, name: str) -> Any:
    end_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end_s:
        found = [each for each in observations if each.name == name]
        if found:
            return found[0]
        time.sleep(0.01)
    raise AssertionError([each.name for each in observations])


def test_a_request_is_a_root_with_route_method_status_and_duration(observations: Recorded) -> None:
    with serving(make_app()) as url:
        headers = {"X-Tenant-Id": "acme"}
        assert httpx.get(f"{url}/v1/desk/decide/AAPL", headers=headers).status_code == 200
        found = wait_for(observations, "GET /v1/desk/decide/{symbol}")
    inner = observations.one("ask")
    assert (found.type, found.parent_id, found.level) == ("span", None, "DEFAULT")
    assert found.metadata["route"] == "/v1/desk/decide/{symbol}"
    assert found.metadata["path"] == "/v1/desk/decide/AAPL"
    assert (found.metadata["method"], found.metadata["status"]) == ("GET", 200)
    assert found.metadata["duration_s"] == pytest.approx((found.end_ns - found.start_ns) / 1e9, abs=1e-5)
    assert (inner.parent_id, inner.trace_id) == (found.id, found.trace_id)
    assert (inner.tenant_id, found.tenant_id) == ("acme", "acme")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v1/desk/decide/AAPL", "GET /v1/desk/decide/{symbol}"),
        ("/books/main/orders/7", "GET /books/{book}/orders/{number}"),
        ("/nowhere/7", "GET (no route)"),
        ("/stream/a%2Fb", "GET (no route)"),
        ("/stream/AAPL", "GET /stream/{symbol}"),
    ],
)
def test_the_name_is_the_template_with_every_prefix(observations: Recorded, path: str, name: str) -> None:
    fetch(make_app(), ("GET", path))
    assert name in [each.name for each in observations]


def test_a_starlette_app_is_served_alike(observations: Recorded) -> None:
    async def show(request: Any) -> PlainTextResponse:
        return PlainTextResponse(str(request.path_params))

    routes = [Mount("/a", routes=[Route("/{x}", show), Route("/files/{rest:path}", show)])]
    app = TraceMiddleware(Starlette(routes=routes))
    fetch(app, ("GET", "/a/1"), ("GET", "/a/files/b/c"))
    assert [each.name for each in observations] == ["GET /a/{x}", "GET /a/files/{rest}"]


def test_an_exception_is_recorded_and_goes_on_as_it_is(observations: Recorded) -> None:
    raised = ValueError("the market is closed")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise raised

    async def run() -> None:
        await TraceMiddleware(app)(CONNECTION, None, None)  # type: ignore[arg-type]

    with pytest.raises(ValueError) as seen:
        asyncio.run(run())
    assert seen.value is raised
    found = observations.one()
    assert found.error is not None and found.error["message"] == "the market is closed"
    assert (found.level, found.metadata["status"]) == ("ERROR", 500)


CONNECTION: dict[str, Any] = {
    "type": "http",
    "method": "GET",
    "path": "/x",
    "headers": [],
    "query_string": b"",
}


def test_a_status_from_500_on_is_an_error_without_an_exception(observations: Recorded) -> None:
    (answer,) = fetch(make_app(), ("GET", "/fails/quietly"))
    found = observations.one("GET /fails/{how}")
    assert (answer.status_code, found.metadata["status"]) == (503, 503)
    assert (found.level, found.error) == ("ERROR", None)


def test_the_clients_trace_goes_on(observations: Recorded) -> None:
    headers = {"traceparent": f"00-{0xABC:032x}-{0xDEF:016x}-01"}
    fetch(make_app(), ("GET", "/v1/desk/decide/AAPL"), headers=headers)
    found = observations.one("GET /v1/desk/decide/{symbol}")
    assert (found.trace_id, found.parent_id) == (f"{0xABC:032x}", f"{0xDEF:016x}")


def test_tenant_session_and_user_come_from_wherever_they_stand(observations: Recorded) -> None:
    def tenant(scope: Any) -> str | None:
        return {"/v1/desk/decide/AAPL": "by-path"}.get(scope["path"])

    app = make_app(tenant=tenant, session_header="x-session", user_header="X-User")
    fetch(app, ("GET", "/v1/desk/decide/AAPL"), headers={"x-session": "s1", "x-user": " u1 "})
    inner = observations.one("ask")
    assert (inner.tenant_id, inner.session_id, inner.user_id) == ("by-path", "s1", "u1")


def test_a_callable_that_raises_is_as_good_as_none() -> None:
    def tenant(scope: Any) -> str:
        raise KeyError("token")

    with recorded() as observations:
        (answer,) = fetch(make_app(tenant=tenant), ("GET", "/v1/desk/decide/AAPL"))
    assert answer.status_code == 200
    assert observations.one("ask").tenant_id is None


def test_tenants_do_not_leak_from_one_request_into_the_next(observations: Recorded) -> None:
    app = make_app()
    fetch(app, ("GET", "/v1/desk/decide/AAPL"), headers={"x-tenant-id": "acme"})
    fetch(app, ("GET", "/v1/desk/decide/AAPL"))
    assert [each.tenant_id for each in observations if each.name == "ask"] == ["acme", None]


def test_the_observation_ends_when_the_stream_ends(observations: Recorded) -> None:
    written: list[int] = []

    async def run() -> None:
        async def receive() -> Any:
            await asyncio.sleep(10)

        async def send(message: Any) -> None:
            written.append(sum(each.name.startswith("GET") for each in observations))

        path = "/stream/AAPL"
        scope = {**CONNECTION, "path": path, "raw_path": path.encode(), "asgi": {"spec_version": "2.4"}}
        await make_app()(scope, receive, send)

    asyncio.run(run())
    assert len(written) == 5, "start, three pieces, the empty end"
    assert set(written) == {0}
    found = observations.one("GET /stream/{symbol}")
    assert observations.one("ask").parent_id == found.id


def test_work_after_the_answer_belongs_to_the_request_and_its_error_is_added(observations: Recorded) -> None:
    @observe_llm(name="after")
    async def after() -> None:
        raise ValueError("too late")

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})
        await after()

    async def run() -> None:
        async def send(message: Any) -> None:
            pass

        with pytest.raises(ValueError, match="too late"):
            await TraceMiddleware(app)(CONNECTION, None, send)  # type: ignore[arg-type]

    asyncio.run(run())
    found = observations.one("GET (no route)")
    assert observations.one("after").parent_id == found.id
    assert found.level == "DEFAULT"
    amendment = next(each for each in observations.records if each["kind"] == "amendment")
    assert (amendment["id"], amendment["error"]["message"]) == (found.id, "too late")


def test_a_client_that_goes_away_is_recorded(observations: Recorded) -> None:
    with serving(make_app()) as url:
        host, port = url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall(b"GET /endless HTTP/1.1\r\nhost: desk\r\n\r\n")
            assert client.recv(1_000).startswith(b"HTTP/1.1 200")
        found = wait_for(observations, "GET /endless")
    assert found.metadata["client_disconnected"] is True
    assert found.level == "WARNING"


def test_a_websocket_is_one_observation_from_its_opening_to_its_end(observations: Recorded) -> None:
    with TestClient(make_app()) as client:
        with client.websocket_connect("/prices/AAPL", headers={"x-tenant-id": "acme"}) as websocket:
            for word in ("one", "two"):
                websocket.send_text(word)
                assert websocket.receive_text() == f"AAPL {word}"
            assert websocket.receive()["code"] == 1000
    found = observations.one("WEBSOCKET /prices/{symbol}")
    assert (found.tenant_id, found.metadata["status"]) == ("acme", 101)
    assert (found.metadata["close_code"], found.metadata["closed_by"]) == (1000, "server")


def test_a_websocket_that_its_client_leaves_says_so() -> None:
    with recorded() as observations, TestClient(make_app()) as client:
        with pytest.raises(Exception) as left:
            with client.websocket_connect("/prices/AAPL") as websocket:
                websocket.close(code=1001)
        assert type(left.value).__name__ == "WebSocketDisconnect"
    found = observations.one("WEBSOCKET /prices/{symbol}")
    assert (found.metadata["close_code"], found.metadata["closed_by"]) == (1001, "client")


def test_excluded_paths_are_not_observed(observations: Recorded) -> None:
    app = TraceMiddleware(make_app(traced=False), exclude=["/health", "/v1/*"])
    fetch(app, ("GET", "/health"), ("GET", "/v1/desk/decide/A"), ("GET", "/books/b/orders/1"))
    assert [each.name for each in observations if each.type == "span"] == [
        "GET /books/{book}/orders/{number}"
    ]


def test_the_app_behaves_as_it_does_without(observations: Recorded) -> None:
    requests = [
        *(("GET", "/v1/desk/decide/AAPL?tokens=3"), ("GET", "/stream/AAPL"), ("HEAD", "/health")),
        *(("POST", "/later"), ("GET", "/fails/raises"), ("GET", "/fails/quietly"), ("GET", "/none")),
        *(("GET", "/books/main/orders/x"), ("OPTIONS", "/later"), ("GET", "/health/")),
    ]
    plain, traced = make_app(traced=False), make_app()
    given: dict[str, Any] = {"headers": {"x-seen": "by the app"}, "content": b"a body"}
    expected, found = fetch(plain, *requests, **given), fetch(traced, *requests, **given)
    for before, after in zip(expected, found, strict=True):
        assert (after.status_code, after.content) == (before.status_code, before.content)
        assert after.headers.raw == before.headers.raw
    assert traced.state.done == plain.state.done == ["a body"]
    assert '{"seen":"by the app"}' in [each.text for each in found]


def test_messages_and_scope_pass_through_as_they_are(observations: Recorded) -> None:
    start = {"type": "http.response.start", "status": 200, "headers": [(b"x", b"y")], "trailers": True}
    body = {"type": "http.response.body", "body": b"b", "more_body": True}
    push = {"type": "http.response.debug", "info": {}}
    incoming = {"type": "http.request", "body": b"in", "more_body": False}
    connection, sent, seen = dict(CONNECTION), [], []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.extend([scope, await receive()])
        for message in (start, push, body):
            await send(message)

    async def receive() -> Any:
        return incoming

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(TraceMiddleware(app)(connection, receive, send))
    assert seen[0] is connection and seen[1] is incoming
    assert all(one is other for one, other in zip(sent, (start, push, body), strict=True))
    assert len(observations) == 1, "an answer without an end ends with the app"


def test_the_context_is_as_it_was_when_the_request_is_over(observations: Recorded) -> None:
    from opentelemetry import context

    async def run() -> None:
        before = context.get_current()
        of_acme = {**CONNECTION, "headers": [(b"x-tenant-id", b"acme")]}
        await TraceMiddleware(_silent)(of_acme, None, None)  # type: ignore[arg-type]
        assert context.get_current() is before

    asyncio.run(run())


async def _silent(scope: Any, receive: Any, send: Any) -> None:
    pass


def test_lifespan_messages_go_straight_to_the_app() -> None:
    seen: list[Any] = []

    async def app(*given: Any) -> None:
        seen.extend(given)

    given = ({"type": "lifespan"}, object(), object())
    asyncio.run(TraceMiddleware(app)(*given))  # type: ignore[arg-type]
    assert all(one is other for one, other in zip(seen, given, strict=True))


def test_with_recording_off_the_app_gets_what_the_server_gave() -> None:
    seen: list[Any] = []

    async def app(*given: Any) -> None:
        seen.extend(given)

    with recorded() as observations:
        process.current().disable()
        given = (dict(CONNECTION), object(), object())
        asyncio.run(TraceMiddleware(app)(*given))  # type: ignore[arg-type]
    assert all(one is other for one, other in zip(seen, given, strict=True))
    assert len(observations) == 0


def test_metrics_are_served_where_the_app_has_no_route_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("AGENT_TRACE_DIR", str(tmp_path / "store"))
    (answer,) = fetch(make_app(), ("GET", "/metrics"))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    names = {family.name for family in text_string_to_metric_families(answer.text)}
    assert "python_info" in names, "the program's own are there as well"
    own = FastAPI()

    @own.get("/metrics")
    def metrics() -> str:
        return "mine"

    own.add_middleware(TraceMiddleware)
    (answer,) = fetch(own, ("GET", "/metrics"))
    assert answer.json() == "mine"


def test_without_prometheus_client_the_path_is_the_apps_and_it_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(metrics_endpoint, "find_spec", lambda name: None)
    monkeypatch.setattr(metrics_endpoint, "_warned", set())
    with caplog.at_level(logging.WARNING, logger="agent_trace"):
        answers = fetch(make_app(), ("GET", "/metrics"), ("GET", "/metrics"))
    assert [each.status_code for each in answers] == [404, 404]
    assert [each.message for each in caplog.records if "install prometheus-client" in each.message] == [
        "no metrics are served: install prometheus-client, or give TraceMiddleware metrics_path=None"
    ]


def test_a_signal_given_in_a_request_is_not_the_requests(observations: Recorded) -> None:
    from agent_trace import ObservabilityContext

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await ask("AAPL", 7)

    async def run() -> None:
        await TraceMiddleware(app)(CONNECTION, None, None)  # type: ignore[arg-type]
        ObservabilityContext.add_trading_signal("BUY", 0.8, "rising")

    asyncio.run(run())
    amended = next(each for each in observations.records if each["kind"] == "amendment")
    assert amended["id"] == observations.one("ask").id
