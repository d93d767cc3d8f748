"""What Langfuse is told of an observation: its span attributes, by the names and encodings of its own SDK, version 5.

The names stand in `langfuse.LangfuseOtelSpanAttributes`, which takes half a second to import; a test compares.
"""

from collections.abc import Collection
from typing import Any, Final

from agent_trace.delivery.backend import Record
from agent_trace.delivery.wire.protobuf import attribute, text_attribute, text_head, utf8
from agent_trace.delivery.wire.shared import SHARED, ModelParts, Shared, SharedParts
from agent_trace.delivery.wire.spans import MAX_ATTRIBUTES, Resources, named, status_message
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

_SHARED_METADATA: Final = ("agent_id", "agent_type", "agent_name", "tenant_id", "entry_point", "process")
_OWN_METADATA: Final = ("signal", "error", "reported_usage", "redactions", "truncated")
_NONE: Final[dict[Any, Any]] = {}
_OURS: Final = frozenset({*_SHARED_METADATA, *_OWN_METADATA, "finish_reason"})
_EVERYDAY: Final = frozenset(
    {"v", "kind", "trace_id", "id", "parent_id", "start_ns", "end_ns", "input", "output", "tags"}
    | {"model", "model_parameters", "usage", "finish_reason", *SHARED}
)
"""Fields of records that have neither metadata of any sort nor anything to say of their end: of all of them at once,
`SharedParts` says what a dozen questions would."""


class LangfuseAttributes:
    """Makes attributes of records, and keeps those that will be needed again."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._shared = SharedParts(self._make, _EVERYDAY)
        self._models = ModelParts(_model)

    def of(self, record: Record, line: bytes | None) -> tuple[bytes, list[bytes]]:
        """The record's resource, and its name, kind and attributes encoded: no more than 128, and nothing left out."""
        shared = self._shared.of(record, line)
        metadata = _NONE if shared.is_everyday else mapping(record.get("metadata"))
        if metadata and not _OURS.isdisjoint(metadata):
            shared = self._make(record, record.get("parent_id") is None, metadata)
        model, model_count = self._models.of(record)
        own, said = _own(record, shared, metadata), _said(record)
        if not shared.is_everyday:
            own += _end(record)
            places = MAX_ATTRIBUTES - shared.attributes - model_count - len(own) - len(said) // 2
            own += _metadata(record, metadata, places)
        return shared.resource, [shared.fields, model, *own, *said]

    def _make(self, record: Record, is_root: bool, metadata: Collection[Any] = ()) -> Shared:
        """Of the fields that many records share; `metadata` has the user's own keys, which ours must not take."""
        texts = {
            TYPE: record.get("type") or "span",
            USER_ID: record.get("user_id") or record.get("tenant_id"),
            SESSION_ID: record.get("session_id"),
            ENVIRONMENT: record.get("environment"),
            RELEASE: record.get("release"),
        }
        parts = [_text(key, value) for key, value in texts.items() if text_or_none(value)]
        for name in _SHARED_METADATA:
            if record.get(name):
                parts.append(text_attribute(_metadata_key(name, metadata), json_bytes(record[name])))
        if is_root:
            parts += (attribute(IS_APP_ROOT, True), _text(TRACE_NAME, record.get("name") or ""))
        tags = _found_by(record)
        return Shared(
            self._resources.of(record),
            b"".join([named(record), *parts]),
            len(parts),
            str_of(record.get("type")),
            tags,
            attribute(TRACE_TAGS, tags) if tags else b"",
        )


def _found_by(record: Record) -> tuple[str, ...]:
    """The tags that agent and tenant are found by."""
    names = {"agent": "agent_id", "tenant": "tenant_id"}
    return tuple(f"{name}:{str_of(record[field])}" for name, field in names.items() if record.get(field))


def _tags(given: Any, shared: Shared) -> bytes:
    if not isinstance(given, list) or not given:
        return shared.tags_alone
    return attribute(TRACE_TAGS, list(dict.fromkeys([*map(str_of, given), *shared.tags])))


def _said(record: Record) -> list[bytes]:
    """Input and output, the long ones: each as what stands before it, and itself."""
    pieces: list[bytes] = []
    for key, value in ((INPUT, record.get("input")), (OUTPUT, record.get("output"))):
        if value is not None:
            content = utf8(value) if type(value) is str else json_bytes(value)
            pieces += (text_head(key, len(content)), content)
    return pieces


def _model(model: Any, parameters: Any, is_answered: bool) -> tuple[bytes, int]:
    parts = [_text(MODEL, model)] if model else []
    if parameters:
        parts.append(text_attribute(MODEL_PARAMETERS, json_bytes(parameters)))
    return b"".join(parts), len(parts)


def _own(record: Record, shared: Shared, metadata: Collection[Any]) -> list[bytes]:
    """Tags, usage, why a model stopped."""
    parts = []
    if tags := _tags(record.get("tags"), shared):
        parts.append(tags)
    if usage := record.get("usage"):
        parts.append(text_attribute(USAGE_DETAILS, json_bytes(_numbers(usage))))
    if reason := record.get("finish_reason"):
        parts.append(text_attribute(_metadata_key("finish_reason", metadata), json_bytes(reason)))
    return parts


def _end(record: Record) -> list[bytes]:
    """Cost, first token, level, message."""
    get = record.get
    parts = []
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


def _metadata(record: Record, metadata: dict[Any, Any], places: int) -> list[bytes]:
    """The user's metadata, and what Langfuse has no place of its own for, as no more than so many attributes."""
    found = {str_of(key): value for key, value in metadata.items() if value is not None}
    for name in _OWN_METADATA:
        if record.get(name):
            found[_metadata_key(name, metadata).removeprefix(f"{METADATA}.")] = record[name]
    if len(found) <= places:
        return [text_attribute(f"{METADATA}.{key}", json_bytes(value)) for key, value in found.items()]
    return _crowded(found, places)


def _metadata_key(name: str, metadata: Collection[Any]) -> str:
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
