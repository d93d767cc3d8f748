"""Langfuse's own attributes, as `langfuse.observe`, `langfuse.openai` and its other integrations write them."""

from datetime import datetime
from typing import Any, Final

from agent_trace.observation import LEVELS, OBSERVATION_TYPES
from agent_trace.otel.meaning import Attributes, Meaning
from agent_trace.otel.shapes import parsed, parsed_any
from agent_trace.recording.reading.token_usage import read_usage

SCOPE_NAME: Final = "langfuse-sdk"
TYPE: Final = "langfuse.observation.type"
ROOTS: Final = frozenset({"langfuse"})
_HERE: Final = "langfuse.observation."
_METADATA: Final = ("langfuse.observation.metadata.", "langfuse.trace.metadata.")
_USAGE_NAMES: Final = {
    "input_cached_tokens": "cache_read",
    "input_cache_read": "cache_read",
    "cache_read_input_tokens": "cache_read",
    "input_cache_creation": "cache_write",
    "cache_creation_input_tokens": "cache_write",
    "output_reasoning": "reasoning",
    "output_reasoning_tokens": "reasoning",
}


def type_of(kind: object) -> str | None:
    """Our type for one of Langfuse's: ours are theirs."""
    return kind if isinstance(kind, str) and kind in OBSERVATION_TYPES else None


def read(rest: Attributes, meaning: Meaning) -> None:
    """Take what Langfuse says of a span out of its attributes."""

    def taken(name: str) -> Any:
        return rest.pop(_HERE + name, None)

    meaning.put_type(type_of(taken("type")))
    meaning.put_input(parsed_any(taken("input")))
    meaning.put_output(parsed_any(taken("output")))
    meaning.put_model(taken("model.name"))
    parameters = parsed(taken("model.parameters"))
    meaning.put_parameters(parameters if isinstance(parameters, dict) else None)
    meaning.put_usage(_usage(parsed(taken("usage_details"))))
    cost = parsed(taken("cost_details"))
    if isinstance(cost, dict):
        meaning.put_cost(**{str(name): part for name, part in cost.items()})
    level = taken("level")
    meaning.level = level if level in LEVELS else None
    meaning.status_message = taken("status_message")
    meaning.first_token_ns = _nanoseconds(parsed_any(taken("completion_start_time")))
    _trace(rest, meaning)


def _usage(details: object) -> dict[str, int] | None:
    """Counts by Langfuse's names are disjoint; a provider's own usage object may stand there as well."""
    if isinstance(details, dict) and not {"input", "output"}.isdisjoint(details):
        details = {_USAGE_NAMES.get(name, name): count for name, count in details.items()}
    return read_usage(details)


def _trace(rest: Attributes, meaning: Meaning) -> None:
    tags = parsed(rest.pop("langfuse.trace.tags", None))
    if isinstance(tags, list | tuple):
        meaning.tags.extend(tags)
    for start in _METADATA:
        for name in [name for name in rest if name.startswith(start)]:
            rest[name[len(start) :]] = parsed_any(rest.pop(name))
    rest.pop("langfuse.internal.is_app_root", None)


def _nanoseconds(moment: object) -> int | None:
    if not isinstance(moment, str):
        return None
    try:
        return int(datetime.fromisoformat(moment).timestamp() * 1e6) * 1_000
    except ValueError:
        return None
