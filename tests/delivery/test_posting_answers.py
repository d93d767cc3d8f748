"""What a server's answer means for a batch, and that no answer ever takes longer than it may."""

import email.utils
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from opentelemetry import trace
from requests.adapters import HTTPAdapter

from agent_trace.delivery.backend import Answer
from agent_trace.delivery.wire.langfuse import LangfuseBackend
from agent_trace.delivery.wire.otlp import OtlpBackend
from agent_trace.delivery.wire.posting import Posting
from tests.support.observed import ID, event
from tests.support.otlp_server import OtlpServer

LONG_S = 20.0


@pytest.fixture
def server() -> Iterator[OtlpServer]:
    with OtlpServer("pk-lf-public", "sk-lf-secret") as server:
        yield server


@pytest.fixture
def backend(server: OtlpServer) -> Iterator[LangfuseBackend]:
    backend = LangfuseBackend("pk-lf-public", "sk-lf-secret", server.url)
    yield backend
    backend.close()


def send(backend: LangfuseBackend, timeout_s: float = LONG_S, name: str = "tick") -> Answer:
    return backend.send(backend.encode(event(name=name)), timeout_s)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        *[(status, "accepted") for status in (200, 202, 204)],
        *[(status, "unauthorized") for status in (401, 403)],
        *[(status, "refused") for status in (400, 410, 413, 414, 422, 431, 451)],
        *[(status, "later") for status in (404, 405, 408, 415, 429, 500, 502, 503, 504, 599, 304)],
    ],
)
def test_a_status_decides_what_becomes_of_the_batch(
    backend: LangfuseBackend, server: OtlpServer, status: int, verdict: str
) -> None:
    server.fail(status, "said the server")
    answer = send(backend)
    assert (answer.verdict, answer.status) == (verdict, status)
    assert ("said the server" in answer.text) == (status not in (200, 202, 204, 304))


def test_a_wrong_key_names_the_variables_to_look_at(server: OtlpServer) -> None:
    backend = LangfuseBackend("pk-lf-public", "sk-lf-wrong", server.url)
    answer = send(backend)
    assert answer.verdict == "unauthorized"
    assert "LANGFUSE_SECRET_KEY" in answer.text and "Invalid credentials" in answer.text


def test_a_wrong_address_is_not_the_batchs_fault_and_names_the_variable(server: OtlpServer) -> None:
    backend = LangfuseBackend("pk-lf-public", "sk-lf-secret", f"{server.url}/elsewhere/")
    assert send(backend).verdict == "accepted"  # behind a proxy's path
    other = OtlpBackend(f"{server.url}/wrong", {"Authorization": "x"})
    server.public_key = None
    answer = other.send(other.encode(event()), LONG_S)
    assert answer.verdict == "later" and "OTEL_EXPORTER_OTLP_ENDPOINT" in answer.text


@pytest.mark.parametrize(("given", "seconds"), [("7", 7), ("1.5", 1.5), ("0", 0)])
def test_retry_after_is_read_as_seconds(
    backend: LangfuseBackend, server: OtlpServer, given: str, seconds: float
) -> None:
    server.fail(429, retry_after=given)
    assert send(backend).retry_after_s == seconds


def test_retry_after_is_read_as_a_date(backend: LangfuseBackend, server: OtlpServer) -> None:
    server.fail(429, retry_after=email.utils.formatdate(time.time() + 120, usegmt=True))
    later = send(backend).retry_after_s
    assert later is not None and 60 <= later <= 121
    server.fail(429, retry_after=email.utils.formatdate(time.time() - 120, usegmt=True))
    assert send(backend).retry_after_s == 0


@pytest.mark.parametrize("given", ["soon", "-3", "", "nan", "Fri, 99 Foo 2026"])
def test_a_retry_after_that_makes_no_sense_is_none(
    backend: LangfuseBackend, server: OtlpServer, given: str
) -> None:
    server.fail(503, retry_after=given)
    assert send(backend).retry_after_s is None


def test_a_server_that_is_down_is_later_and_once_it_is_up_again_all_is_well(
    backend: LangfuseBackend, server: OtlpServer
) -> None:
    assert send(backend).verdict == "accepted"
    server.down()
    answer = send(backend)
    assert (answer.verdict, answer.status) == ("later", None) and "refused" in answer.text
    server.up()
    assert send(backend).verdict == "accepted"


def test_a_connection_that_is_cut_in_the_middle_of_an_answer_is_later(
    backend: LangfuseBackend, server: OtlpServer
) -> None:
    server.drop()
    answer = send(backend)
    assert (answer.verdict, answer.status) == ("later", None) and answer.text


def test_a_connection_is_kept_and_one_that_the_server_closed_meanwhile_is_opened_anew(
    backend: LangfuseBackend, server: OtlpServer
) -> None:
    for _ in range(3):
        assert send(backend).verdict == "accepted"
    assert server.connections == 1
    server.down()
    server.up()
    assert send(backend).verdict == "accepted"
    assert server.connections == 2


def test_a_connection_that_is_cut_just_when_it_is_used_again_is_no_failure(
    backend: LangfuseBackend, server: OtlpServer
) -> None:
    server.forget()
    assert [send(backend).verdict for _ in range(3)] == ["accepted"] * 3
    assert (server.connections, len(server.requests)) == (3, 3)


@pytest.mark.parametrize("trouble", ["black_hole", "drip", "slow"])
def test_the_whole_exchange_ends_in_time_whatever_the_server_does(
    backend: LangfuseBackend, server: OtlpServer, trouble: str
) -> None:
    if trouble == "drip":
        server.drip(0.1)
    elif trouble == "slow":
        server.slow(LONG_S)
    else:
        server.black_hole()
    began_s = time.monotonic()
    answer = send(backend, timeout_s=0.5)
    assert time.monotonic() - began_s < 5
    assert answer == Answer("later", None, "no whole answer within 0.5 s")
    server.heal()
    assert send(backend).verdict == "accepted"


def test_a_server_that_does_not_read_ends_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        backend = OtlpBackend(f"http://127.0.0.1:{deaf.getsockname()[1]}/v1/traces")
        items = backend.encode(event(input="x" * 30_000_000))
        began_s = time.monotonic()
        assert backend.send(items, 0.5).verdict == "later"
        assert time.monotonic() - began_s < 5


def test_no_time_left_is_no_exchange(backend: LangfuseBackend, server: OtlpServer) -> None:
    assert send(backend, timeout_s=0).verdict == "later"
    assert server.requests == []


def test_an_endless_answer_is_read_only_so_far(backend: LangfuseBackend, server: OtlpServer) -> None:
    server.fail(400, "x" * 5_000_000)
    answer = send(backend)
    assert answer.verdict == "refused" and len(answer.text) <= 1000


def test_an_answer_that_is_no_http_is_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def speak() -> None:
            connection, _ = listener.accept()
            connection.recv(100)
            connection.sendall(b"SSH-2.0-OpenSSH\r\n\r\n")
            connection.close()

        threading.Thread(target=speak, daemon=True).start()
        backend = OtlpBackend(f"http://127.0.0.1:{listener.getsockname()[1]}/v1/traces")
        assert backend.send(backend.encode(event()), LONG_S).verdict == "later"


@pytest.mark.parametrize(
    "url",
    ["http://no-such-host.invalid/v1/traces", "http://[::1/v1", "http://a b/", "http://127.0.0.1:99999/"],
)
def test_an_address_that_leads_nowhere_is_later(url: str) -> None:
    backend = OtlpBackend("http://127.0.0.1:1/")
    posting = Posting({})
    assert posting.post(url, b"", "text/plain", 5).verdict == "later"
    assert backend.send(backend.encode(event()), 5).verdict == "later"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(backend: LangfuseBackend, server: OtlpServer, status: int) -> None:
    with OtlpServer() as other:
        server.fail(status, headers={"Location": f"{other.url}/v1/traces"})
        assert send(backend).verdict == "later"
        assert other.requests == []


def test_spans_that_were_rejected_in_a_good_answer_are_a_refusal(
    backend: LangfuseBackend, server: OtlpServer
) -> None:
    server.reject_partly(2)
    answer = send(backend)
    assert (answer.verdict, answer.status) == ("refused", 200)
    assert "2 spans were rejected: too old" in answer.text


def test_the_same_said_in_json_is_one_too(backend: LangfuseBackend, server: OtlpServer) -> None:
    server.fail(200, '{"partialSuccess":{"rejectedSpans":"1","errorMessage":"no"}}')
    assert send(backend).verdict == "refused"
    server.fail(200, '{"partialSuccess":{}}')
    assert send(backend).verdict == "accepted"


def test_a_body_that_is_too_large_and_one_that_is_poisonous_are_refused(
    backend: LangfuseBackend, server: OtlpServer
) -> None:
    server.limit(5_000)
    assert send(backend).verdict == "accepted"
    assert send(backend, name="x" * 9_000).verdict == "refused"
    server.refuse(ID)
    assert send(backend).verdict == "refused"


def test_no_credential_stands_in_an_answers_text(backend: LangfuseBackend, server: OtlpServer) -> None:
    send(backend)
    header = server.requests[0].headers["authorization"]
    server.fail(400, f"you sent {header} for sk-lf-secret\x1b[31m and\n more")
    text = send(backend).text
    assert "[hidden]" in text and "more" in text
    assert "sk-lf-secret" not in text and header.split()[1] not in text
    assert "\x1b" not in text and "\n" not in text


def test_a_netrc_file_does_not_replace_our_credentials(
    backend: LangfuseBackend, server: OtlpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert send(backend).verdict == "accepted"


def test_our_own_posts_are_not_traced(
    backend: LangfuseBackend, server: OtlpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from opentelemetry.instrumentation.utils import is_http_instrumentation_enabled

    seen = []
    unwatched = HTTPAdapter.send

    def watched(adapter: HTTPAdapter, request: requests.PreparedRequest, **options: object) -> object:
        seen.append(is_http_instrumentation_enabled())
        return unwatched(adapter, request, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(HTTPAdapter, "send", watched)
    before = trace.get_current_span()
    assert send(backend).verdict == "accepted"
    assert seen == [False]
    assert is_http_instrumentation_enabled() and trace.get_current_span() is before
