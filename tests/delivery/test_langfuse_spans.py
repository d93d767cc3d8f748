"""Observations as Langfuse gets them, on a real server that decodes them with OpenTelemetry's own package."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from agent_trace.delivery.wire.langfuse import SPOKEN_VERSION, LangfuseBackend
from tests.support.observed import END_NS, ID, PARENT_ID, START_NS, TRACE_ID, event, generation
from tests.support.otlp_server import OtlpServer, Span

METADATA = "langfuse.observation.metadata"


@pytest.fixture
def server() -> Iterator[OtlpServer]:
    with OtlpServer("pk-lf-1", "sk-lf-1") as server:
        yield server


@pytest.fixture
def backend(server: OtlpServer) -> Iterator[LangfuseBackend]:
    backend = LangfuseBackend("pk-lf-1", "sk-lf-1", server.url, {"team": "desk", "service.name": "fallback"})
    yield backend
    backend.close()


def sent(backend: LangfuseBackend, server: OtlpServer, *records: dict[str, Any]) -> list[Span]:
    items = [item for record in records for item in backend.encode(record) if item.channel == "spans"]
    assert backend.send(items, 5.0).verdict == "accepted"
    return server.arrivals[-len(records) :]


def told(backend: LangfuseBackend, server: OtlpServer, **fields: Any) -> dict[str, Any]:
    return sent(backend, server, generation(**fields))[0].attributes


def test_the_request_is_the_one_that_langfuses_sdk_makes(
    backend: LangfuseBackend, server: OtlpServer
) -> None:
    sent(backend, server, generation())
    (request,) = server.requests
    assert request.path == "/api/public/otel/v1/traces"
    wanted = {
        "content-type": "application/x-protobuf",
        "x-langfuse-sdk-name": "python",
        "x-langfuse-sdk-version": SPOKEN_VERSION,
        "x-langfuse-public-key": "pk-lf-1",
        "x-langfuse-ingestion-version": "4",
    }
    assert request.headers.items() >= wanted.items()
    assert server.arrivals[0].scope == "langfuse-sdk"
    assert server.arrivals[0].scope_attributes == {"public_key": "pk-lf-1"}


def test_ids_times_and_name_arrive_as_they_are(backend: LangfuseBackend, server: OtlpServer) -> None:
    (span,) = sent(backend, server, generation())
    assert (span.trace_id, span.id, span.parent_id) == (TRACE_ID, ID, PARENT_ID)
    assert (span.start_ns, span.end_ns, span.name) == (START_NS, END_NS, "ChatModel.complete")
    assert (span.status, span.events) == (0, [])


def test_parameters_that_python_takes_for_equal_stay_apart(
    backend: LangfuseBackend, server: OtlpServer
) -> None:
    for given in ("1", "1.0", "true", '"1"', "1"):
        attributes = told(backend, server, model_parameters={"other": json.loads(given)})
        assert attributes["langfuse.observation.model.parameters"] == f'{{"other":{given}}}'


def test_every_field_of_a_generation_has_its_attribute(backend: LangfuseBackend, server: OtlpServer) -> None:
    record = generation()
    attributes = told(backend, server)
    as_json = {
        "langfuse.observation.input": record["input"],
        "langfuse.observation.output": record["output"],
        "langfuse.observation.model.parameters": record["model_parameters"],
        "langfuse.observation.usage_details": {
            "input": 174,
            "output": 43,
            "input_cached_tokens": 1024,
            "output_reasoning_tokens": 7,
        },
        "langfuse.observation.completion_start_time": "2026-11-22T08:44:53.763868Z",
        f"{METADATA}.symbol": "AAPL",
        f"{METADATA}.attempt": 2,
        f"{METADATA}.agent_id": "desk-analyst",
        f"{METADATA}.agent_type": "analyst",
        f"{METADATA}.agent_name": "market analyst",
        f"{METADATA}.tenant_id": "demo-desk",
        f"{METADATA}.entry_point": record["entry_point"],
        f"{METADATA}.finish_reason": "stop",
        f"{METADATA}.process": record["process"],
    }
    assert {name: json.loads(attributes.pop(name)) for name in as_json} == as_json
    assert attributes == {
        "langfuse.observation.type": "generation",
        "langfuse.observation.model.name": "gpt-4o",
        "langfuse.environment": "production",
        "langfuse.release": "2026.11",
        "langfuse.trace.tags": ["signal:SELL", "agent:desk-analyst", "tenant:demo-desk"],
        "user.id": "demo-desk",
        "session.id": "desk-1",
    }


def test_a_root_is_marked_as_one_and_names_the_trace(backend: LangfuseBackend, server: OtlpServer) -> None:
    attributes = told(backend, server, parent_id=None)
    assert attributes["langfuse.internal.is_app_root"] is True
    assert attributes["langfuse.trace.name"] == "ChatModel.complete"
    assert server.arrivals[0].parent_id is None


def test_a_user_goes_before_the_tenant(backend: LangfuseBackend, server: OtlpServer) -> None:
    assert told(backend, server, user_id="ada")["user.id"] == "ada"


def test_text_goes_as_it_is_and_a_metadata_text_in_quotes(
    backend: LangfuseBackend, server: OtlpServer
) -> None:
    attributes = told(backend, server, input="10", metadata={"n": "10"})
    assert (attributes["langfuse.observation.input"], attributes[f"{METADATA}.n"]) == ("10", '"10"')


def test_a_cost_is_sent_only_when_the_record_has_one_and_then_with_its_total(
    backend: LangfuseBackend, server: OtlpServer
) -> None:
    name = "langfuse.observation.cost_details"
    assert name not in told(backend, server)
    cost = {"input": 0.5, "cache_read": 0.25, "currency": "USD", "source": "provider"}
    expected = {"input": 0.5, "input_cached_tokens": 0.25, "total": 0.75}
    assert json.loads(told(backend, server, cost=cost)[name]) == expected
    assert json.loads(told(backend, server, cost={**cost, "total": 0.9})[name])["total"] == 0.9


def test_an_error_is_level_status_metadata_and_an_exception_event_with_its_stack(
    backend: LangfuseBackend, server: OtlpServer
) -> None:
    error = {"type": "ValueError", "message": "no JSON", "stack": "Traceback …", "context": {"attempt": 1}}
    older = {"type": "TimeoutError", "message": ""}
    record = generation(
        level="ERROR", status_message="ValueError: no JSON", error={**error, "earlier": [older]}
    )
    (span,) = sent(backend, server, record)
    assert (span.status, span.status_message) == (2, "ValueError: no JSON")
    assert span.attributes["langfuse.observation.level"] == "ERROR"
    assert span.attributes["langfuse.observation.status_message"] == "ValueError: no JSON"
    assert json.loads(span.attributes[f"{METADATA}.error"]) == record["error"]
    assert span.events == [
        ("exception", END_NS, {"exception.type": "TimeoutError"}),
        (
            "exception",
            END_NS,
            {
                "exception.type": "ValueError",
                "exception.message": "no JSON",
                "exception.stacktrace": "Traceback …",
            },
        ),
    ]


def test_signal_redactions_cuts_and_reported_usage_are_metadata(
    backend: LangfuseBackend, server: OtlpServer
) -> None:
    fields = {
        "signal": {"action": "SELL", "confidence": 0.73},
        "redactions": [{"rule": "jwt", "path": "input.a"}],
        "truncated": [{"path": "input", "kept": 1, "of": 2, "unit": "items"}],
        "reported_usage": {"input": 3},
    }
    attributes = told(backend, server, **fields)
    assert {name: json.loads(attributes[f"{METADATA}.{name}"]) for name in fields} == fields


def test_a_users_own_key_is_not_overwritten_by_ours(backend: LangfuseBackend, server: OtlpServer) -> None:
    usual = told(backend, server)
    attributes = told(backend, server, metadata={"agent_id": "mine", "signal": 1}, signal={"action": "BUY"})
    assert told(backend, server) == usual
    assert attributes[f"{METADATA}.agent_id"] == '"mine"'
    assert attributes[f"{METADATA}.agent_trace.agent_id"] == '"desk-analyst"'
    assert attributes[f"{METADATA}.signal"] == "1"
    assert json.loads(attributes[f"{METADATA}.agent_trace.signal"]) == {"action": "BUY"}


@pytest.mark.parametrize("count", [100, 109, 110, 111, 200, 3000])
def test_no_more_than_128_attributes_and_no_metadata_lost(
    backend: LangfuseBackend, server: OtlpServer, count: int
) -> None:
    metadata = {f"key {number}": number for number in range(count)}
    attributes = told(backend, server, metadata=metadata)
    assert len(attributes) <= 128
    single = {
        name.removeprefix(f"{METADATA}."): json.loads(value)
        for name, value in attributes.items()
        if name.startswith(f"{METADATA}.key")
    }
    rest = json.loads(attributes.get(METADATA, "{}"))
    assert {**single, **rest} == metadata and len(single) + len(rest) == count
    assert bool(rest) == (count > 109)


def test_spans_of_several_processes_keep_their_own_resource(
    backend: LangfuseBackend, server: OtlpServer
) -> None:
    other = {"pid": 43, "host": "other", "service": "worker"}
    spans = sent(
        backend,
        server,
        generation(),
        generation(id="1" * 16, process=other, environment="staging", release=None),
        generation(id="2" * 16),
        generation(id="3" * 16, process=None, environment=None, release=None),
    )
    by_id = {span.id: span.resource for span in spans}
    assert len(server.requests) == 1
    assert by_id[ID] == by_id["2" * 16]
    same = {"team": "desk", "telemetry.sdk.name": "agent_trace", "telemetry.sdk.language": "python"}
    own = {
        "service.name": "desk",
        "host.name": "vm",
        "process.pid": 42,
        "deployment.environment.name": "production",
        "service.version": "2026.11",
    }
    assert by_id[ID].items() >= {**same, **own}.items()
    assert by_id["1" * 16]["service.name"] == "worker" and "service.version" not in by_id["1" * 16]
    assert by_id["3" * 16]["service.name"] == "fallback"


def test_what_needs_no_sending_gives_nothing(backend: LangfuseBackend) -> None:
    for kind in ("opened", "amendment", "something newer"):
        assert backend.encode({**event(), "kind": kind}) == []


def test_records_that_share_all_but_one_field_are_not_taken_for_one_another(
    backend: LangfuseBackend, server: OtlpServer
) -> None:
    variants = {
        "type": "tool",
        "model": "other",
        "user_id": "u",
        "session_id": "s2",
        "environment": "e",
        "release": "r",
        "agent_id": "a2",
        "agent_type": "t2",
        "agent_name": "n2",
        "tenant_id": "t3",
        "entry_point": "x:y",
        "finish_reason": "length",
        "tags": ["other"],
        "process": {"pid": 1, "host": "h", "service": "s"},
    }
    first = told(backend, server)
    for name, value in variants.items():
        changed = told(backend, server, **{name: value})
        assert changed != first, name
        assert told(backend, server) == first
