"""The wire format that is written by hand, read by OpenTelemetry's own decoder."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from agent_trace.delivery.wire.protobuf import (
    attribute,
    event,
    key_value,
    request,
    resource,
    scope,
    text_attribute,
)

LENGTHS = [
    0,
    1,
    60,
    61,
    62,
    100,
    117,
    118,
    119,
    126,
    127,
    128,
    129,
    16_370,
    16_383,
    16_384,
    2_097_151,
    2_097_152,
]


@pytest.mark.parametrize("length", LENGTHS)
def test_a_text_of_any_length_is_read_back(length: int) -> None:
    for key in ("k", "langfuse.observation.input", "x" * 200):
        content = b"a" * length
        (read,) = Span.FromString(text_attribute(key, content)).attributes
        assert (read.key, read.value.string_value) == (key, content.decode())
        assert attribute(key, content.decode()) == attribute(key, content) == text_attribute(key, content)


@given(st.integers(-(1 << 63), (1 << 63) - 1))
def test_any_integer_of_64_bits_is_read_back(number: int) -> None:
    assert KeyValue.FromString(key_value("k", number)).value.int_value == number


@given(st.floats(allow_nan=False))
def test_any_float_is_read_back(number: float) -> None:
    assert KeyValue.FromString(key_value("k", number)).value.double_value == number


def test_truth_lists_and_larger_integers_are_read_back() -> None:
    assert KeyValue.FromString(key_value("k", True)).value.bool_value is True
    assert KeyValue.FromString(key_value("k", False)).value.WhichOneof("value") == "bool_value"
    values = KeyValue.FromString(key_value("k", ["a", "ü", 1, 0.5, True])).value.array_value.values
    assert [getattr(each, each.WhichOneof("value")) for each in values] == ["a", "ü", 1, 0.5, True]
    assert KeyValue.FromString(key_value("k", 1 << 64)).value.string_value == hex(1 << 64)


def test_an_event_is_read_back() -> None:
    (read,) = Span.FromString(event("exception", 1 << 62, {"a": "b"})).events
    assert (read.name, read.time_unix_nano, read.attributes[0].key) == ("exception", 1 << 62, "a")


def test_a_request_has_a_resource_once_and_spans_in_their_order() -> None:
    resources = [resource({"service.name": name}) for name in ("a", "b")]
    spans = [(resources[number % 2], b"\x2a\x01" + str(number).encode()) for number in range(6)]
    read = ExportTraceServiceRequest.FromString(request(scope("s", "1", {"k": "v"}), spans, "https://schema"))
    found = {
        each.resource.attributes[0].value.string_value: [span.name for span in each.scope_spans[0].spans]
        for each in read.resource_spans
    }
    assert found == {"a": ["0", "2", "4"], "b": ["1", "3", "5"]}
    scoped = read.resource_spans[1].scope_spans[0]
    assert (scoped.scope.name, scoped.scope.version, scoped.scope.attributes[0].key) == ("s", "1", "k")
    assert scoped.schema_url == read.resource_spans[1].schema_url == "https://schema"
