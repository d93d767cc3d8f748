"""Whatever stands in a record, encoding it raises nothing and gives what a decoder takes. For both backends."""

import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent_trace.delivery.backend import Backend
from agent_trace.delivery.wire.langfuse import LangfuseBackend
from agent_trace.delivery.wire.otlp import OtlpBackend
from agent_trace.delivery.wire.protobuf import request
from agent_trace.recording import guard
from tests.support.observed import generation
from tests.support.otlp_server import Span, decode

BACKENDS: list[Backend] = [
    LangfuseBackend("pk", "sk", "http://127.0.0.1:9"),
    OtlpBackend("http://127.0.0.1:9/v1/traces"),
]
BOTH = pytest.mark.parametrize("backend", BACKENDS, ids=["langfuse", "otlp"])
FIELDS = [*generation(), "user_id", "signal", "error", "level", "status_message", "cost", "reported_usage"]
ODD: list[Any] = [
    None,
    True,
    -1,
    1 << 70,
    10**5000,
    0.5,
    math.nan,
    math.inf,
    "",
    "text",
    "0" * 16,
    "ab" * 20,
    "\ud800 half a pair",
    b"bytes",
    [],
    [None, [1], {"a": "\udfff"}],
    {},
    {1: 2, None: "x", "\ud800": "\ud800"},
    {"role": 1, "messages": [{"role": "user", "content": {"a": math.nan}, "tool_calls": [1, None]}]},
    {"choices": [{"message": {"content": [1, {"type": "tool_use"}], "tool_calls": "x"}}]},
    {"earlier": [None, 1, {"outcome": 1, "message": 5}], "outcome": [1], "type": ["x"], "message": 0},
    {"pid": [1], "host": {}, "service": 1},
    object(),
]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6) | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)


def span_of(backend: Backend, record: dict[str, Any]) -> Span:
    items = [item for item in backend.encode(record) if item.channel == "spans"]
    (span,) = decode(request(b"", [item.payload for item in items]))
    assert len(span.trace_id) == 32 and len(span.id) == 16 and span.name
    assert int(span.trace_id, 16) and int(span.id, 16) and span.start_ns <= span.end_ns
    assert len(span.attributes) <= 128
    return span


@BOTH
@pytest.mark.parametrize("field", FIELDS)
def test_an_odd_value_in_any_field_is_encoded(backend: Backend, field: str) -> None:
    for value in ODD:
        record = {**generation(), field: value}
        if field != "kind":
            span = span_of(backend, record)
            assert "agent_trace.reduced" not in span.attributes, value
        else:
            backend.encode(record)


@BOTH
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
@given(changes=st.dictionaries(st.sampled_from(FIELDS), values, max_size=6))
def test_any_values_in_any_fields_are_encoded(backend: Backend, changes: dict[str, Any]) -> None:
    span_of(backend, {**generation(), **changes, "kind": "observation"})


@BOTH
def test_an_empty_record_is_encoded_and_always_under_the_same_ids(backend: Backend) -> None:
    first, second = span_of(backend, {}), span_of(backend, {})
    other = span_of(backend, {"name": "other"})
    assert (first.trace_id, first.id) == (second.trace_id, second.id)
    assert first.trace_id != other.trace_id and first.id != other.id


@BOTH
@pytest.mark.parametrize(
    ("given_id", "expected"),
    [
        ("00f067aa0ba902b7", "00f067aa0ba902b7"),
        ("00F067AA0BA902B7", "00f067aa0ba902b7"),
        ("a902b7", "0000000000a902b7"),
    ],
)
def test_an_id_of_any_hexadecimal_form_is_kept(backend: Backend, given_id: str, expected: str) -> None:
    assert span_of(backend, generation(id=given_id)).id == expected
    assert span_of(backend, generation(parent_id=given_id)).parent_id == expected


@BOTH
def test_half_a_surrogate_pair_is_replaced_wherever_it_stands(backend: Backend) -> None:
    half = "a\ud83db"
    span = span_of(
        backend, generation(name=half, input={half: half}, tags=[half], metadata={half: half}, agent_id=half)
    )
    assert span.name == "a?b"
    assert "a?b" in str(span.attributes) and "\\ud83d" not in str(span.attributes)


@BOTH
def test_numbers_that_a_server_would_round_are_spelled_as_text(backend: Backend) -> None:
    big = 2**60
    span = span_of(backend, generation(input={"n": big, "small": 7, "nan": [1, big]}))
    (found,) = [json.loads(value) for name, value in span.attributes.items() if name.endswith(".input")]
    assert found == {"n": str(big), "small": 7, "nan": [1, str(big)]}


@BOTH
def test_a_value_nested_as_deep_as_a_journal_can_hold_is_encoded(backend: Backend) -> None:
    deep: Any = "bottom"
    for _ in range(900):
        deep = [deep]
    span_of(backend, generation(input=deep))


@BOTH
def test_a_huge_record_is_encoded_whole(backend: Backend) -> None:
    span = span_of(backend, generation(input="x" * 5_000_000, output=None))
    assert max(len(str(value)) for value in span.attributes.values()) >= 5_000_000
    (item,) = backend.encode(generation(input="x" * 5_000_000))
    assert 5_000_000 < item.size_bytes < 5_010_000


@BOTH
def test_what_fails_for_a_reason_of_ours_is_sent_reduced_and_counted(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(record: dict[str, Any]) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(backend, "_encode", fails)
    failed = guard.failures.get("encoding an observation", 0)
    span = span_of(backend, generation())
    assert "agent_trace.reduced" in span.attributes
    assert (span.id, span.name) == (generation()["id"], "ChatModel.complete")
    assert guard.failures["encoding an observation"] == failed + 1


@BOTH
def test_an_odd_score_raises_nothing(backend: Backend) -> None:
    for field in ("trace_id", "id", "at_ns", "score", "environment"):
        for value in ODD:
            for item in backend.encode({"kind": "score", "score": {"name": "a", "value": 1}, field: value}):
                json.loads(item.payload)
    for value in ODD:
        for item in backend.encode(
            {"kind": "score", "score": {"name": value, "value": value, "comment": value}}
        ):
            json.loads(item.payload)
