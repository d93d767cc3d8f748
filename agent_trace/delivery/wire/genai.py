"""What an OpenTelemetry backend is told of an observation: attributes by the GenAI semantic conventions.

By the conventions as of 1.44.0, whose names `opentelemetry-semantic-conventions` 0.66 has. What they have no name for
stands under `agent_trace.`. They are still in development: another version of them becomes another module.
"""

from typing import Any, Final

from agent_trace.delivery.backend import Record
from agent_trace.delivery.wire.genai_messages import generation_content
from agent_trace.delivery.wire.genai_models import provider_of, request_parameters
from agent_trace.delivery.wire.protobuf import Value, attribute
from agent_trace.delivery.wire.shared import ModelParts, Shared, SharedParts
from agent_trace.delivery.wire.spans import CLIENT, INTERNAL, MAX_ATTRIBUTES, Resources, named
from agent_trace.delivery.wire.values import json_bytes, mapping, nanoseconds, str_of

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.44.0"

OPERATIONS: Final = {
    "generation": "chat",
    "embedding": "embeddings",
    "agent": "invoke_agent",
    "tool": "execute_tool",
    "retriever": "retrieval",
    "chain": "invoke_workflow",
}
"""Types of observation that the conventions have a word for."""

_CALLS: Final = frozenset({"generation", "embedding", "retriever"})
"""Types that ask somebody else, most often over a network."""

_NAMES: Final = {
    "user_id": "user.id",
    "session_id": "session.id",
    "tenant_id": "agent_trace.tenant.id",
    "agent_id": "gen_ai.agent.id",
    "agent_name": "gen_ai.agent.name",
    "agent_type": "agent_trace.agent.type",
    "entry_point": "agent_trace.entry_point",
    "type": "agent_trace.observation.type",
}
_AS_JSON: Final = ("reported_usage", "cost", "redactions", "truncated")
_SUMS: Final = {
    "input": "gen_ai.usage.input_tokens",
    "cache_read": "gen_ai.usage.input_tokens",
    "cache_write": "gen_ai.usage.input_tokens",
    "audio_input": "gen_ai.usage.input_tokens",
    "output": "gen_ai.usage.output_tokens",
    "reasoning": "gen_ai.usage.output_tokens",
    "audio_output": "gen_ai.usage.output_tokens",
}
_COUNTS: Final = {
    "cache_read": "gen_ai.usage.cache_read.input_tokens",
    "cache_write": "gen_ai.usage.cache_creation.input_tokens",
    "reasoning": "gen_ai.usage.reasoning.output_tokens",
}
_OF_TOOL: Final = {"input": "gen_ai.tool.call.arguments", "output": "gen_ai.tool.call.result"}
_OF_OTHERS: Final = {"input": "agent_trace.input", "output": "agent_trace.output"}
_INT64: Final = 1 << 63


class GenAiAttributes:
    """Makes attributes of records, and keeps those that will be needed again."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._shared = SharedParts(self._make)
        self._models = ModelParts(_model)

    def of(self, record: Record, line: bytes | None) -> tuple[bytes, list[bytes]]:
        """The record's resource, and its name, kind and attributes encoded: no more than 128, and nothing left out."""
        shared = self._shared.of(record, line)
        model, model_count = self._models.of(record)
        count = shared.attributes + model_count
        found = _content(record, shared.type)
        if usage := record.get("usage"):
            found.update(_usage(mapping(usage)))
        if record.get("finish_reason"):
            found["gen_ai.response.finish_reasons"] = [str_of(record["finish_reason"])]
        if record.get("tags"):
            found.update(_tags(record["tags"]))
        if record.get("first_token_ns"):
            waited_ns = nanoseconds(record["first_token_ns"]) - nanoseconds(record.get("start_ns"))
            found["gen_ai.response.time_to_first_chunk"] = max(waited_ns, 0) / 1e9
        if record.get("error") is not None or record.get("level") or record.get("status_message"):
            found.update(_end(record))
        for name in _AS_JSON:
            if record.get(name):
                found[f"agent_trace.{name}"] = json_bytes(record[name])
        free = {**_free(record, "signal"), **_free(record, "metadata")}
        if count + len(found) + len(free) > MAX_ATTRIBUTES:
            found["agent_trace.more"] = _take_rest(free, MAX_ATTRIBUTES - count - len(found) - 1)
        found.update({name: _plain(value) for name, value in free.items()})
        return shared.resource, [shared.fields, model, *_encoded(found)]

    def _make(self, record: Record, is_root: bool) -> Shared:
        """Of the fields that many records share."""
        found: dict[str, Value] = {
            name: str_of(record[field]) for field, name in _NAMES.items() if record.get(field)
        }
        kind = str_of(record.get("type"))
        if operation := OPERATIONS.get(kind):
            found["gen_ai.operation.name"] = operation
        if kind == "tool":
            found["gen_ai.tool.name"] = str_of(record.get("name") or "")
        fields = [named(record, CLIENT if kind in _CALLS else INTERNAL), *_encoded(found)]
        return Shared(self._resources.of(record), b"".join(fields), len(found), kind)


def _encoded(found: dict[str, Value]) -> list[bytes]:
    return [attribute(name, value) for name, value in found.items()]


def _model(model: Any, parameters: Any, is_answered: bool) -> tuple[bytes, int]:
    found: dict[str, Value] = request_parameters(mapping(parameters))
    if model:
        name = str_of(model)
        found["gen_ai.request.model"] = name
        if is_answered:
            found["gen_ai.response.model"] = name
        if provider := provider_of(name):
            found["gen_ai.provider.name"] = provider
    return b"".join(_encoded(found)), len(found)


def _tags(tags: Any) -> dict[str, Value]:
    return {"agent_trace.tags": [str_of(tag) for tag in tags]} if isinstance(tags, list) else {}


def _usage(usage: dict[Any, Any]) -> dict[str, Value]:
    """Token counts; by the conventions, input includes what was cached, and output what was reasoned."""
    found: dict[str, Value] = {}
    sums: dict[str, int] = {}
    for part, count in usage.items():
        if type(count) is int:
            if part in _SUMS:
                sums[_SUMS[part]] = sums.get(_SUMS[part], 0) + count
            if part not in ("input", "output"):
                found[_COUNTS.get(part) or f"agent_trace.usage.{str_of(part)}"] = count
    return {**sums, **found}


def _content(record: Record, kind: str) -> dict[str, Value]:
    """Input and output: as messages where they are such, as a tool's arguments and result, else as they are."""
    if kind == "generation":
        return generation_content(record)
    names = _OF_TOOL if kind == "tool" else _OF_OTHERS
    given = {name: record[field] for field, name in names.items() if record.get(field) is not None}
    return {name: value if isinstance(value, str) else json_bytes(value) for name, value in given.items()}


def _end(record: Record) -> dict[str, Value]:
    """How it ended: error, level, message."""
    found: dict[str, Value] = {}
    error = mapping(record.get("error"))
    if error or record.get("level") == "ERROR":
        found["error.type"] = str_of(error.get("type") or "_OTHER")
    if error.get("context") is not None:
        found["agent_trace.error.context"] = json_bytes(error["context"])
    if record.get("level") not in (None, "DEFAULT"):
        found["agent_trace.level"] = str_of(record["level"])
    if record.get("status_message"):
        found["agent_trace.status_message"] = str_of(record["status_message"])
    return found


def _free(record: Record, field: str) -> dict[str, Any]:
    """An object whose keys are the user's: an attribute for each."""
    given = mapping(record.get(field))
    return {f"agent_trace.{field}.{str_of(key)}": value for key, value in given.items() if value is not None}


def _take_rest(free: dict[str, Any], places: int) -> bytes:
    """Take out what there are no places for, as one object."""
    names = list(free)[max(places, 0) :]
    return json_bytes({name.removeprefix("agent_trace."): free.pop(name) for name in names})


def _plain(value: Any) -> Value:
    if isinstance(value, (str, bool, float)):
        return value
    return value if isinstance(value, int) and -_INT64 <= value < _INT64 else json_bytes(value)
