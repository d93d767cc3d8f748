"""Which backends a program's settings ask for, and where they lead."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agent_trace.delivery.wire.backends import backends, wanted
from agent_trace.settings import Settings, load
from agent_trace.settings_table import TABLE
from tests.support.observed import event
from tests.support.otlp_server import OtlpServer


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for setting in TABLE:
        for variable in setting.variables:
            monkeypatch.delenv(variable, raising=False)


def loaded(monkeypatch: pytest.MonkeyPatch, path: Path, **variables: str) -> Settings:
    (path / ".git").mkdir(exist_ok=True)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return load(cwd=path)


def addresses(settings: Settings) -> dict[str, str]:
    made = backends(settings)
    assert tuple(each.name for each in made) == wanted(settings)
    return {each.name: each.address for each in made}


def test_nothing_is_wanted_without_keys_or_an_endpoint(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert addresses(loaded(monkeypatch, tmp_path, LANGFUSE_PUBLIC_KEY="pk")) == {}


def test_keys_ask_for_langfuse_and_an_endpoint_for_otlp(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = loaded(
        monkeypatch,
        tmp_path,
        LANGFUSE_PUBLIC_KEY="pk",
        LANGFUSE_SECRET_KEY="sk",
        LANGFUSE_BASE_URL="http://u:p@lf:3000/",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://collector:4318/",
    )
    assert addresses(found) == {"langfuse": "http://lf:3000", "otlp": "http://collector:4318/v1/traces"}


@pytest.mark.parametrize(
    ("variables", "address"),
    [
        ({"ENDPOINT": "http://c:4318"}, "http://c:4318/v1/traces"),
        ({"ENDPOINT": "https://c/otlp/"}, "https://c/otlp/v1/traces"),
        ({"ENDPOINT": "http://c/x?token=1"}, "http://c/x/v1/traces?token=1"),
        ({"TRACES_ENDPOINT": "http://c/as/it/is"}, "http://c/as/it/is"),
        ({"TRACES_ENDPOINT": "http://c/t", "ENDPOINT": "http://d"}, "http://c/t"),
    ],
)
def test_the_traces_endpoint_is_used_as_it_is_and_the_general_one_with_a_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variables: dict[str, str], address: str
) -> None:
    given = {f"OTEL_EXPORTER_OTLP_{name}": value for name, value in variables.items()}
    assert addresses(loaded(monkeypatch, tmp_path, **given)) == {"otlp": address}


def test_a_protocol_that_is_not_spoken_is_a_problem_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    protocol = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    assert loaded(monkeypatch, tmp_path, **protocol).problems == ()
    found = loaded(monkeypatch, tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT="http://c:4317")
    (problem,) = found.problems
    assert (
        "OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc'" in problem and "http/protobuf" in problem and "4318" in problem
    )
    assert wanted(found) == ()
    fixed = loaded(monkeypatch, tmp_path, OTEL_EXPORTER_OTLP_TRACES_PROTOCOL="http/protobuf")
    assert (fixed.problems, wanted(fixed)) == ((), ("otlp",))


def test_headers_are_decoded_and_sent_and_never_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with OtlpServer("user", "secret word") as server:
        found = loaded(
            monkeypatch,
            tmp_path,
            OTEL_EXPORTER_OTLP_ENDPOINT=server.url,
            OTEL_EXPORTER_OTLP_HEADERS="Authorization=Basic%20dXNlcjpzZWNyZXQgd29yZA==, x%2Dscope = a%2Cb",
        )
        assert "dXNlc" not in repr(found)
        (backend,) = backends(found)
        assert backend.send(backend.encode(event()), 5.0).verdict == "accepted"
        assert server.requests[0].headers["x-scope"] == "a,b"
        server.fail(400, "dXNlcjpzZWNyZXQgd29yZA== is 'secret word'")
        text = backend.send(backend.encode(event()), 5.0).text
        assert text.count("[hidden]") == 2 and "dXNlc" not in text and "secret" not in text


@pytest.mark.parametrize("given", ["no-equals", "=x", "a b=c", "a=b%0d%0aX: y", "a=%E2%82%AC"])
def test_headers_that_cannot_be_sent_are_a_problem_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: str
) -> None:
    found = loaded(monkeypatch, tmp_path, OTEL_EXPORTER_OTLP_HEADERS=given)
    (problem,) = found.problems
    assert "OTEL_EXPORTER_OTLP_HEADERS: (hidden)" in problem and found.otlp_headers == {}


def test_resource_attributes_stand_in_for_what_is_not_set(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = "service.name=desk,deployment.environment.name=staging,service.version=1.2,team=a%20b"
    found = loaded(monkeypatch, tmp_path, OTEL_RESOURCE_ATTRIBUTES=text)
    assert (found.service_name, found.environment, found.release) == ("desk", "staging", "1.2")
    assert found.origin("service_name") == "OTEL_RESOURCE_ATTRIBUTES"
    assert found.resource_attributes["team"] == "a b"
    found = loaded(monkeypatch, tmp_path, OTEL_SERVICE_NAME="own", AGENT_TRACE_ENVIRONMENT="live")
    assert (found.service_name, found.environment, found.release) == ("own", "live", "1.2")


def test_an_older_name_of_the_environment_is_understood(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = loaded(monkeypatch, tmp_path, OTEL_RESOURCE_ATTRIBUTES="deployment.environment=qa")
    assert found.environment == "qa"


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("AGENT_TRACE_SAMPLE_RATE", "0.25", "sample_rate", 0.25),
        ("LANGFUSE_SAMPLE_RATE", "0", "sample_rate", 0.0),
        ("AGENT_TRACE_SAMPLE_RATE", "1.5", "sample_rate", 1.0),
        ("AGENT_TRACE_SAMPLE_RATE", "nan", "sample_rate", 1.0),
        ("AGENT_TRACE_SAMPLE_SLOW_S", "30", "sample_slow_s", 30.0),
        ("AGENT_TRACE_SAMPLE_COST", "0.5", "sample_cost", 0.5),
        ("AGENT_TRACE_SAMPLE_COST", "-1", "sample_cost", None),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip", "otlp_compression", "gzip"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "otlp_compression", "none"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "otlp_endpoint", None),
    ],
)
def test_values_are_read_and_impossible_ones_are_problems(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, text: str, name: str, value: Any
) -> None:
    found = loaded(monkeypatch, tmp_path, **{variable: text})
    assert getattr(found, name) == value
    assert bool(found.problems) == (value in (1.0, None, "none"))


def test_asking_what_is_wanted_imports_nothing_heavy(tmp_path: Path) -> None:
    program = """
import sys
from agent_trace.delivery.wire.backends import wanted
from agent_trace.settings import load
print(wanted(load()))
print([name for name in ("requests", "urllib3", "google.protobuf", "opentelemetry.sdk", "langfuse", "sqlite3") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={
            "LANGFUSE_PUBLIC_KEY": "pk",
            "LANGFUSE_SECRET_KEY": "sk",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c",
        },
    )
    assert done.stdout == "('langfuse', 'otlp')\n[]\n", done.stderr


def test_sending_imports_neither_langfuse_nor_the_sdk(tmp_path: Path) -> None:
    program = """
import sys
from agent_trace.delivery.wire.backends import backends
from agent_trace.settings import load
for backend in backends(load()):
    print(backend.send(backend.encode({"kind": "observation", "name": "a"}), 5).verdict)
print([name for name in ("langfuse", "httpx", "opentelemetry.sdk", "sqlite3", "google.protobuf") if name in sys.modules])
"""
    with OtlpServer() as server:
        done = subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={
                "LANGFUSE_PUBLIC_KEY": "pk",
                "LANGFUSE_SECRET_KEY": "sk",
                "LANGFUSE_BASE_URL": server.url,
                "OTEL_EXPORTER_OTLP_ENDPOINT": server.url,
            },
        )
        assert done.stdout == "accepted\naccepted\n[]\n", done.stderr
