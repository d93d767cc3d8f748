"""What we send beside what Langfuse's own SDK sends to the same server for the same observation."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from langfuse import Langfuse, LangfuseOtelSpanAttributes, propagate_attributes
from opentelemetry.sdk.trace import TracerProvider

from agent_trace.delivery.wire import langfuse_attributes
from agent_trace.delivery.wire.langfuse import LangfuseBackend
from tests.support.observed import generation, score
from tests.support.otlp_server import OtlpServer, Span

INPUT = {"messages": [{"role": "user", "content": "Größe? AAPL"}], "n": 3}
OUTPUT = {"action": "SELL", "confidence": 0.73}
METADATA = {"symbol": "AAPL", "attempt": 2, "nested": {"a": [1, None]}, "umlaut": "größer"}
FIRST_S = 1_795_337_093


@pytest.fixture(scope="module")
def server() -> Iterator[OtlpServer]:
    with OtlpServer("pk-lf-sdk", "sk-lf-sdk") as server:
        yield server


@pytest.fixture(scope="module")
def sdk(server: OtlpServer) -> Iterator[Langfuse]:
    client = Langfuse(
        public_key="pk-lf-sdk",
        secret_key="sk-lf-sdk",
        base_url=server.url,
        tracer_provider=TracerProvider(),
        environment="production",
        release="2026.11",
    )
    yield client
    client.shutdown()


@pytest.fixture(scope="module")
def theirs(sdk: Langfuse, server: OtlpServer) -> Span:
    """A generation, by the SDK: an application's root, with everything that it knows of."""
    with propagate_attributes(user_id="ada", session_id="desk-1", tags=["signal:SELL"], trace_name="ask"):
        observation = sdk.start_observation(
            name="ask",
            as_type="generation",
            input=INPUT,
            output=OUTPUT,
            metadata=METADATA,
            model="gpt-4o",
            model_parameters={"temperature": 0.2, "max_tokens": 300},
            usage_details={"input": 174, "output": 43},
            cost_details={"total": 0.5},
            completion_start_time=datetime.fromtimestamp(FIRST_S, UTC).replace(microsecond=763_868),
            level="ERROR",
            status_message="too late",
        )
        observation.end()
    sdk.flush()
    return server.arrivals[-1]


@pytest.fixture(scope="module")
def ours(server: OtlpServer) -> Span:
    """The same, by us."""
    backend = LangfuseBackend("pk-lf-sdk", "sk-lf-sdk", server.url)
    record = generation(
        parent_id=None,
        name="ask",
        input=INPUT,
        output=OUTPUT,
        metadata=METADATA,
        user_id="ada",
        usage={"input": 174, "output": 43},
        cost={"total": 0.5},
        first_token_ns=FIRST_S * 1_000_000_000 + 763_868_378,
        level="ERROR",
        status_message="too late",
        tenant_id=None,
        agent_id=None,
    )
    (item,) = backend.encode(record)
    assert backend.send([item], 5.0).verdict == "accepted"
    backend.close()
    return server.arrivals[-1]


def test_attributes_have_the_names_of_the_sdk() -> None:
    known = {value for name, value in vars(LangfuseOtelSpanAttributes).items() if not name.startswith("_")}
    ours = {
        value
        for name, value in vars(langfuse_attributes).items()
        if name.isupper() and not name.startswith("_") and isinstance(value, str)
    }
    assert len(ours) == 18 and ours <= known


def test_everything_that_the_sdk_sends_we_send_in_the_same_encoding(theirs: Span, ours: Span) -> None:
    # The SDK has release and environment in the resource of a provider that it makes itself only.
    missing = {
        name: value
        for name, value in theirs.attributes.items()
        if name not in ours.attributes or form(ours.attributes[name]) != form(value)
    }
    assert missing == {}
    assert len(theirs.attributes) >= 17
    assert (ours.scope, ours.scope_attributes) == (theirs.scope, theirs.scope_attributes)
    assert (ours.status, ours.status_message) == (theirs.status, theirs.status_message)
    assert (ours.kind, ours.name) == (theirs.kind, theirs.name)


def test_what_we_send_beyond_it_is_metadata_of_ours(theirs: Span, ours: Span) -> None:
    beyond = {
        name.removeprefix("langfuse.observation.metadata.")
        for name in ours.attributes.keys() - theirs.attributes.keys()
    }
    assert (
        beyond
        == {
            "langfuse.release",
            "agent_type",
            "agent_name",
            "entry_point",
            "finish_reason",
            "process",
        }
        - theirs.attributes.keys()
    )


def test_the_headers_are_those_of_the_sdk(theirs: Span, ours: Span, server: OtlpServer) -> None:
    by_agent = {
        request.headers["user-agent"].partition("/")[0]: request.headers for request in server.requests
    }
    own = by_agent.pop("agent-trace")
    (sdk,) = [headers for headers in by_agent.values() if "x-langfuse-ingestion-version" in headers]
    same = {
        name for name in sdk if name.startswith("x-langfuse") or name in ("authorization", "content-type")
    }
    assert len(same) == 6
    assert _without_minor(own, same) == _without_minor(sdk, same)


def _without_minor(headers: Mapping[str, str], names: set[str]) -> dict[str, str | None]:
    """Those of the names, with the SDK's major version only: any of that major may be installed here."""
    version = headers["x-langfuse-sdk-version"].partition(".")[0]
    return {name: headers.get(name) for name in names} | {"x-langfuse-sdk-version": version}


def test_a_score_has_the_form_of_the_sdk(sdk: Langfuse, server: OtlpServer) -> None:
    record = score(value=True, data_type="BOOLEAN")
    sdk.create_score(
        name="helpful",
        value=True,
        trace_id=record["trace_id"],
        observation_id=record["id"],
        data_type="BOOLEAN",
        comment="concise",
        score_id="theirs",
    )
    sdk.flush()
    backend = LangfuseBackend("pk-lf-sdk", "sk-lf-sdk", server.url)
    (item,) = backend.encode(record)
    assert backend.send([item], 5.0).verdict == "accepted"
    backend.close()
    theirs, ours = server.scores.pop("theirs"), server.scores[item.id]
    assert theirs.keys() == ours.keys()
    changing = {"id", "timestamp"}
    assert {key: theirs[key] for key in theirs.keys() - changing} == {
        key: ours[key] for key in ours.keys() - changing
    }


def form(value: Any) -> Any:
    """A value without regard to the spaces that JSON may have between its parts."""
    if isinstance(value, str) and value[:1] in ("{", "[", '"'):
        return json.loads(value)
    return value
