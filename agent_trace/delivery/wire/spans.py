"""From a record to an OTLP span: ids, times, status and exception events, around attributes that a backend chose."""

import hashlib
import struct
from collections.abc import Iterable, Mapping
from typing import Any, Final

from agent_trace.delivery.backend import SPANS, Item, Record
from agent_trace.delivery.wire.protobuf import attribute, event, field, resource, utf8
from agent_trace.delivery.wire.values import (
    MAX_NS,
    identity,
    json_bytes,
    mapping,
    nanoseconds,
    str_of,
    text_or_none,
)

INTERNAL: Final = b"\x30\x01"
CLIENT: Final = b"\x30\x03"
"""Kinds of span, as encoded fields."""

MAX_ATTRIBUTES: Final = 128
"""What OpenTelemetry's own SDK keeps of a span by default, and what servers reckon with."""

_OF_PROCESS: Final = ("service.name", "host.name", "deployment.environment.name", "service.version")
_MOST_RESOURCES: Final = 1_000
_MOST_EVENTS: Final = 20
_STATUS_ERROR: Final = b"\x18\x02"
_HEAD: Final = struct.Struct("<2s16s2s8scQcQ")


def span_item(record: Record, resource_message: bytes, fields: Iterable[bytes]) -> Item:
    """The span of an observation with its resource, ready to be sent; name and kind are among the fields given."""
    # Joined at once: kept in pieces until they are sent, they would cost more than this copy does.
    message = b"".join(_pieces(record, fields))
    own_id = record.get("id")
    name = own_id if type(own_id) is str and own_id else span_id(record).hex()
    return Item(name, SPANS, (resource_message, message), len(message) + 4)


def _pieces(record: Record, fields: Iterable[bytes]) -> list[bytes]:
    ids, (start_ns, end_ns) = _ids(record), times(record)
    pieces = [_HEAD.pack(b"\x0a\x10", ids, b"\x12\x08", ids[16:], b"\x39", start_ns, b"\x41", end_ns)]
    parent_id = record.get("parent_id")
    if parent_id is not None:
        pieces += (b"\x22\x08", identity(parent_id, 8))
    pieces += fields
    if record.get("error") is not None or record.get("level") == "ERROR":
        pieces += _error_parts(record, end_ns)
    return pieces


def _ids(record: Record) -> bytes:
    """Trace id and span id, one behind the other: read in one step where they are what we write."""
    try:
        trace, own = record["trace_id"], record["id"]
        ids = bytes.fromhex(trace + own)
    except (KeyError, TypeError, ValueError):
        ids = b""
    if len(ids) == 24 and ids[0] and ids[16] and len(trace) == 32 and len(own) == 16:
        return ids
    return trace_id(record) + span_id(record)


def named(record: Record, kind: bytes = INTERNAL) -> bytes:
    """Name and kind of a span, as encoded fields."""
    return field(b"\x2a", utf8(str_of(record.get("name") or "")) or b"(no name)") + kind


def reduced(record: Record) -> Item:
    """A record that could not be encoded, as far as it goes: that it was there, and what it was called."""
    told = attribute(
        "agent_trace.reduced", "this observation could not be encoded; the journal has all of it"
    )
    name = record.get("name")
    known = {key: record.get(key) for key in ("trace_id", "id", "parent_id", "start_ns", "end_ns")}
    known["name"] = name if isinstance(name, str) else None
    return span_item(known, resource({"service.name": "unknown_service"}), [named(known), told])


def trace_id(record: Record) -> bytes:
    """The record's trace id, or one made of the record when it has none."""
    given = record.get("trace_id")
    return identity(given, 16) if given else _digest(record)[:16]


def span_id(record: Record) -> bytes:
    """The record's own id, or one made of the record when it has none."""
    given = record.get("id")
    return identity(given, 8) if given else _digest(record)[16:24]


def times(record: Record) -> tuple[int, int]:
    """Start and end in nanoseconds; an end that is missing or too early is the start."""
    start_ns, end_ns = record.get("start_ns"), record.get("end_ns")
    if type(start_ns) is type(end_ns) is int and 0 <= start_ns <= end_ns <= MAX_NS:
        return start_ns, end_ns
    end_ns = nanoseconds(end_ns, default=-1)
    start_ns = nanoseconds(start_ns, default=max(end_ns, 0))
    return start_ns, end_ns if end_ns > start_ns else start_ns


def status_message(record: Record) -> str | None:
    """What the record says of its end; for an error that says nothing, what the error is."""
    given = text_or_none(record.get("status_message"))
    error = mapping(record.get("error"))
    if given is not None or not error:
        return given
    return ": ".join(str_of(error[part]) for part in ("type", "message") if error.get(part)) or None


def _digest(record: Record) -> bytes:
    return hashlib.sha256(json_bytes(record)).digest()


def _error_parts(record: Record, end_ns: int) -> list[bytes]:
    parts = [_exception(error, end_ns) for error in _errors(record.get("error"))]
    if record.get("level") == "ERROR":
        message = field(b"\x12", utf8(status_message(record) or ""))
        parts.append(field(b"\x7a", message + _STATUS_ERROR))
    return parts


def _errors(error: Any) -> list[Any]:
    """An error and those before it, oldest first."""
    if error is None:
        return []
    earlier = mapping(error).get("earlier")
    return [*(earlier if isinstance(earlier, list) else ()), error][-_MOST_EVENTS:]


def _exception(error: Any, time_ns: int) -> bytes:
    described = mapping(error) or {"message": error}
    names = {"type": "exception.type", "message": "exception.message", "stack": "exception.stacktrace"}
    given = {name: described[key] for key, name in names.items() if described.get(key)}
    return event("exception", time_ns, {name: str_of(value) for name, value in given.items()})


class Resources:
    """Resource messages, made once for each process that recorded."""

    def __init__(self, attributes: Mapping[str, str], sdk_version: str) -> None:
        self._attributes = attributes
        self._sdk = {
            "telemetry.sdk.name": "agent_trace",
            "telemetry.sdk.language": "python",
            "telemetry.sdk.version": sdk_version,
        }
        self._made: dict[tuple[tuple[str | None, ...], int | None], bytes] = {}

    def of(self, record: Record) -> bytes:
        """The Resource message of a record."""
        process = mapping(record.get("process"))
        own = (
            text_or_none(process.get("service")),
            text_or_none(process.get("host")),
            text_or_none(record.get("environment")),
            text_or_none(record.get("release")),
        )
        pid = process.get("pid")
        key = own, pid if isinstance(pid, int) and not isinstance(pid, bool) else None
        return self._made.get(key) or self._make(*key)

    def _make(self, texts: tuple[str | None, ...], pid: int | None) -> bytes:
        own = {name: text for name, text in zip(_OF_PROCESS, texts, strict=True) if text}
        attributes: dict[str, Any] = {**self._attributes, **own}
        attributes.setdefault("service.name", "unknown_service")
        if pid is not None:
            attributes["process.pid"] = pid
        if len(self._made) >= _MOST_RESOURCES:
            self._made.clear()
        made = self._made[texts, pid] = resource({**attributes, **self._sdk})
        return made
