"""What Langfuse is told of an observation: its span attributes, by the names and encodings of its own SDK, version 5.

The names stand in `langfuse.LangfuseOtelSpanAttributes`, which takes half a second to import; a test compares.
"""

from typing import Any, Final

from agent_trace.delivery.backend import Record
from agent_trace.delivery.wire.protobuf import attribute, text_attribute, utf8
from agent_trace.delivery.wire.spans import MAX_ATTRIBUTES, status_message
from agent_trace.delivery.wire.values import (
    iso_time,
    json_bytes,
    mapping,
    nanoseconds,
    str_of,
    text_or_none,
)

TRACE_NAME: Final = "langfuse.trace.name"
TRACE_TAGS: Final = "langfuse.trace.tags"
USER_ID: Final = "user.id"
SESSION_ID: Final = "session.id"
TYPE: Final = "langfuse.observation.type"
METADATA: Final = "langfuse.observation.metadata"
LEVEL: Final = "langfuse.observation.level"
STATUS_MESSAGE: Final = "langfuse.observation.status_message"
INPUT: Final = "langfuse.observation.input"
OUTPUT: Final = "langfuse.observation.output"
COMPLETION_START_TIME: Final = "langfuse.observation.completion_start_time"
MODEL: Final = "langfuse.observation.model.name"
MODEL_PARAMETERS: Final = "langfuse.observation.model.parameters"
USAGE_DETAILS: Final = "langfuse.observation.usage_details"
COST_DETAILS: Final = "langfuse.observation.cost_details"
ENVIRONMENT: Final = "langfuse.environment"
RELEASE: Final = "langfuse.release"
IS_APP_ROOT: Final = "langfuse.internal.is_app_root"

USAGE_NAMES: Final = {
    "cache_read": "input_cached_tokens",
    "cache_write": "input_cache_creation",
    "reasoning": "output_reasoning_tokens",
    "audio_input": "input_audio_tokens",
    "audio_output": "output_audio_tokens",
}
"""Our classes of usage by the names that Langfuse's price list has; those not named here are the same in both."""

_SAME: Final = (
    "type",
    "model",
    "user_id",
    "tenant_id",
    "session_id",
    "environment",
    "release",
    "agent_id",
    "agent_type",
    "agent_name",
    "entry_point",
    "finish_reason",
)
"""Fields that are the same in many records: their attributes are encoded once."""

_SAME_METADATA: Final = (
    "agent_id",
    "agent_type",
    "agent_name",
    "tenant_id",
    "entry_point",
    "finish_reason",
    "process",
)
_OWN_METADATA: Final = ("signal", "error", "reported_usage", "redactions", "truncated")
_OURS: Final = frozenset({*_SAME_METADATA, *_OWN_METADATA})
_MOST_CONSTANTS: Final = 2_000


class LangfuseAttributes:
    """Makes attributes of records, and keeps those that will be needed again."""

    def __init__(self) -> None:
        self._constants: dict[tuple[Any, ...], tuple[bytes, int]] = {}

    def of(self, record: Record) -> list[bytes]:
        """The encoded attributes of an observation: no more than 128, and nothing left out."""
        metadata = mapping(record.get("metadata"))
        constant, count = self._constant(record, metadata)
        parts = _content(record)
        found = _metadata(record, metadata)
        if count + len(parts) + len(found) <= MAX_ATTRIBUTES:
            parts += [text_attribute(f"{METADATA}.{key}", json_bytes(found[key])) for key in found]
        else:
            parts += _crowded(found, MAX_ATTRIBUTES - count - len(parts))
        parts.append(constant)
        return parts

    def _constant(self, record: Record, metadata: dict[Any, Any]) -> tuple[bytes, int]:
        """Encoded attributes that many records share, and how many they are."""
        if metadata and not _OURS.isdisjoint(metadata):
            return _constant(record, metadata)
        tags, process = record.get("tags"), mapping(record.get("process"))
        key = (
            *map(record.get, _SAME),
            record.get("name") if record.get("parent_id") is None else None,
            *process,
            *process.values(),
            *(tags if isinstance(tags, list) else ()),
        )
        try:
            known = self._constants.get(key)
        except TypeError:  # one of them is an object or a list, in a record that we did not write
            return _constant(record, metadata)
        if known is None:
            if len(self._constants) >= _MOST_CONSTANTS:
                self._constants.clear()
            known = self._constants[key] = _constant(record, metadata)
        return known


def tags_of(record: Record) -> list[str]:
    """The record's tags, and those that agent and tenant are found by."""
    given = record.get("tags")
    tags = [str_of(tag) for tag in given] if isinstance(given, list) else []
    for name, field in (("agent", "agent_id"), ("tenant", "tenant_id")):
        if record.get(field):
            tags.append(f"{name}:{str_of(record[field])}")
    return list(dict.fromkeys(tags))


def _constant(record: Record, metadata: dict[Any, Any]) -> tuple[bytes, int]:
    texts = {
        TYPE: record.get("type") or "span",
        MODEL: record.get("model"),
        USER_ID: record.get("user_id") or record.get("tenant_id"),
        SESSION_ID: record.get("session_id"),
        ENVIRONMENT: record.get("environment"),
        RELEASE: record.get("release"),
    }
    parts = [_text(key, value) for key, value in texts.items() if text_or_none(value)]
    if tags := tags_of(record):
        parts.append(attribute(TRACE_TAGS, tags))
    if record.get("parent_id") is None:
        parts += (attribute(IS_APP_ROOT, True), _text(TRACE_NAME, record.get("name") or ""))
    for name in _SAME_METADATA:
        if record.get(name):
            parts.append(text_attribute(_metadata_key(name, metadata), json_bytes(record[name])))
    return b"".join(parts), len(parts)


def _content(record: Record) -> list[bytes]:
    """What is different in each: input, output, usage, the end."""
    get, parts = record.get, []
    for key, value in ((INPUT, get("input")), (OUTPUT, get("output"))):
        if value is not None:
            parts.append(text_attribute(key, utf8(value) if isinstance(value, str) else json_bytes(value)))
    if parameters := get("model_parameters"):
        parts.append(text_attribute(MODEL_PARAMETERS, json_bytes(parameters)))
    if usage := get("usage"):
        parts.append(text_attribute(USAGE_DETAILS, json_bytes(_numbers(usage))))
    if cost := get("cost"):
        parts.append(text_attribute(COST_DETAILS, json_bytes(_with_total(_numbers(cost)))))
    if first_ns := get("first_token_ns"):
        # In quotes, as the SDK sends it.
        parts.append(
            text_attribute(COMPLETION_START_TIME, b'"%b"' % iso_time(nanoseconds(first_ns)).encode())
        )
    if get("level") not in (None, "DEFAULT"):
        parts.append(_text(LEVEL, record["level"]))
    if (get("status_message") or get("error")) and (message := status_message(record)):
        parts.append(_text(STATUS_MESSAGE, message))
    return parts


def _numbers(given: Any) -> dict[str, int | float]:
    """Counts or amounts under Langfuse's names; what is no number is left out."""
    return {
        USAGE_NAMES.get(name) or str_of(name): value
        for name, value in mapping(given).items()
        if type(value) is int or type(value) is float
    }


def _with_total(parts: dict[str, int | float]) -> dict[str, int | float]:
    """Without a total, Langfuse would add up `input` and `output` only."""
    return {**parts, "total": parts.get("total", sum(parts.values()))} if parts else parts


def _metadata(record: Record, metadata: dict[Any, Any]) -> dict[str, Any]:
    """The user's metadata, and what Langfuse has no place of its own for."""
    found = {str_of(key): value for key, value in metadata.items() if value is not None}
    for name in _OWN_METADATA:
        if record.get(name):
            found[_metadata_key(name, metadata).removeprefix(f"{METADATA}.")] = record[name]
    return found


def _metadata_key(name: str, metadata: dict[Any, Any]) -> str:
    """Where a field of ours goes: beside the user's own key of that name, not over it."""
    return f"{METADATA}.agent_trace.{name}" if name in metadata else f"{METADATA}.{name}"


def _crowded(metadata: dict[str, Any], places: int) -> list[bytes]:
    """More keys than there are places: the last place holds the rest as one object, whose keys Langfuse takes out again."""
    names = list(metadata)
    single, rest = names[: max(places - 1, 0)], names[max(places - 1, 0) :]
    parts = [text_attribute(f"{METADATA}.{key}", json_bytes(metadata[key])) for key in single]
    return [*parts, text_attribute(METADATA, json_bytes({key: metadata[key] for key in rest}))]


def _text(key: str, value: Any) -> bytes:
    return text_attribute(key, utf8(str_of(value)))
