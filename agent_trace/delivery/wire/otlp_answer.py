"""What an OTLP server says about spans that it did not take, in an answer that is otherwise a good one."""

from typing import Any

import orjson

from agent_trace.delivery.wire.connection import Reply
from agent_trace.delivery.wire.values import mapping, str_of


def partly_rejected(reply: Reply) -> str | None:
    """How many spans were rejected, and why; None when all were taken."""
    if not reply.body.strip():
        return None
    rejected, message = _protobuf(reply.body) if "protobuf" in reply.content_type else _json(reply.body)
    return f"{rejected} spans were rejected: {message}" if rejected > 0 else None


def _protobuf(body: bytes) -> tuple[int, str]:
    # Only here, where it is seldom needed: the package takes longer to import than all of this one.
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    try:
        partial = ExportTraceServiceResponse.FromString(body).partial_success
    except DecodeError:
        return 0, ""
    return partial.rejected_spans, partial.error_message


def _json(body: bytes) -> tuple[int, str]:
    partial = mapping(json_object(body).get("partialSuccess"))
    count = str_of(partial.get("rejectedSpans") or "0")  # protobuf's JSON form has 64-bit integers as text
    return int(count) if count.isdecimal() else 0, str_of(partial.get("errorMessage") or "")


def json_object(body: bytes) -> dict[Any, Any]:
    """The JSON object that a body holds, or an empty one."""
    try:
        return mapping(orjson.loads(body))
    except orjson.JSONDecodeError:
        return {}
