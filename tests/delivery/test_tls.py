"""Over TLS: whose certificate is accepted, what is said of one that is not, and that time is kept there too."""

import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from agent_trace.delivery.standing.ledger import delivery_ledgers
from agent_trace.delivery.wire.backends import backends
from agent_trace.delivery.wire.langfuse import LangfuseBackend
from agent_trace.delivery.wire.otlp import OtlpBackend
from agent_trace.settings import load
from tests.support.backends import StandingClock, forwarder_of
from tests.support.observed import event
from tests.support.otlp_server import OtlpServer
from tests.support.segments import record, write_segment


@dataclass
class Company:
    """An authority of its own, as a file, and one that signed nothing here."""

    authority: trustme.CA
    trusted: str
    stranger: str

    def server(self, *hosts: str) -> OtlpServer:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.authority.issue_cert(*hosts).configure_cert(context)
        return OtlpServer(tls=context)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Company:
    folder = tmp_path_factory.mktemp("certificates")
    authority, stranger = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "trusted.pem"))
    stranger.cert_pem.write_to_path(str(folder / "stranger.pem"))
    return Company(authority, str(folder / "trusted.pem"), str(folder / "stranger.pem"))


@pytest.fixture
def server(company: Company) -> Iterator[OtlpServer]:
    with company.server("127.0.0.1") as server:
        yield server


def otlp(server: OtlpServer, certificates: str | None) -> OtlpBackend:
    return OtlpBackend(f"{server.url}/v1/traces", certificates=certificates)


def test_the_certificate_of_an_authority_that_is_given_is_accepted_and_the_connection_kept(
    company: Company, server: OtlpServer
) -> None:
    backend = otlp(server, company.trusted)
    for _ in range(3):
        assert backend.send(backend.encode(event()), 10).verdict == "accepted"
    assert (len(server.arrivals), server.connections) == (3, 1)
    backend.close()


def test_the_setting_for_the_collector_names_the_authority(
    company: Company, server: OtlpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", company.trusted)
    (backend,) = backends(load(cwd=tmp_path))
    assert backend.send(backend.encode(event()), 10).verdict == "accepted"
    backend.close()


def test_langfuse_is_reached_by_the_authorities_that_requests_goes_by(
    company: Company, server: OtlpServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = LangfuseBackend("pk", "sk", server.url)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", company.stranger)
    answer = backend.send(backend.encode(event()), 10)
    assert (answer.verdict, answer.status) == ("later", None)
    assert "its certificate is not accepted" in answer.text
    assert "REQUESTS_CA_BUNDLE" in answer.text and "LANGFUSE_BASE_URL" in answer.text
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", company.trusted)
    assert backend.send(backend.encode(event()), 10).verdict == "accepted"
    backend.close()


def test_with_a_certificate_that_is_not_accepted_everything_is_kept_until_the_right_one_is_named(
    company: Company, server: OtlpServer, tmp_path: Path
) -> None:
    write_segment(tmp_path, [record(id=f"{number:x}") for number in range(1, 31)])
    clock = StandingClock()
    wrong = forwarder_of(tmp_path, otlp(server, company.stranger), clock=clock.clock)  # type: ignore[arg-type]
    assert not wrong.run_once().delivered
    (ledger,) = delivery_ledgers(tmp_path)
    assert (ledger.pending, ledger.delivered, ledger.dead_lettered) == (30, 0, 0)
    assert "OTEL_EXPORTER_OTLP_CERTIFICATE" in (ledger.problem or "")
    wrong.close()
    right = forwarder_of(tmp_path, otlp(server, company.trusted), clock=clock.clock)  # type: ignore[arg-type]
    assert right.run_once().delivered
    assert len(server.spans) == len(server.arrivals) == 30
    assert delivery_ledgers(tmp_path)[0].problem is None
    right.close()


def test_a_certificate_for_another_name_is_not_accepted(company: Company) -> None:
    with company.server("collector.example.org") as server:
        backend = otlp(server, company.trusted)
        answer = backend.send(backend.encode(event()), 10)
        assert answer.verdict == "later" and "127.0.0.1" in answer.text
        assert "OTEL_EXPORTER_OTLP_ENDPOINT" in answer.text


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_without_certificates_is_named_with_its_variable(
    server: OtlpServer, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "company.pem"
    if content is not None:
        path.write_text(content)
    backend = otlp(server, str(path))
    answer = backend.send(backend.encode(event()), 10)
    assert answer.verdict == "later" and "OTEL_EXPORTER_OTLP_CERTIFICATE" in answer.text


def test_a_server_that_speaks_no_tls_is_named_with_its_variable(company: Company) -> None:
    with OtlpServer() as plain:
        backend = OtlpBackend(plain.url.replace("http:", "https:"), certificates=company.trusted)
        answer = backend.send(backend.encode(event()), 10)
        assert answer.verdict == "later" and "OTEL_EXPORTER_OTLP_ENDPOINT" in answer.text


@pytest.mark.parametrize("trouble", ["black_hole", "drip"])
def test_the_whole_exchange_ends_in_time_over_tls_too(
    company: Company, server: OtlpServer, trouble: str
) -> None:
    backend = otlp(server, company.trusted)
    server.drip(0.1) if trouble == "drip" else server.black_hole()
    began_s = time.monotonic()
    assert backend.send(backend.encode(event()), 0.5).verdict == "later"
    assert time.monotonic() - began_s < 5
    server.heal()
    assert backend.send(backend.encode(event()), 10).verdict == "accepted"
    backend.close()
