"""Model, usage, cost and finish reason, read from what LLM clients return.

Clients are recognised by the names of what they return, never imported. Nothing is guessed: what a result
does not say is `None`.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Any, Final, NamedTuple

from agent_trace.recording.reading.arguments import read_instance, read_parameters
from agent_trace.recording.reading.parts import first_item, first_of, parts_of, text_of
from agent_trace.recording.reading.token_usage import read_usage, usage_beside

__all__ = ["EMPTY", "Reading", "read_instance", "read_parameters", "read_result"]


class Reading(NamedTuple):
    """What a result says about itself. `usage`: disjoint token counts. `cost`: `total`, `currency`, `source`."""

    model: str | None = None
    usage: dict[str, int] | None = None
    cost: dict[str, Any] | None = None
    finish_reason: str | None = None

    def or_else(self, other: "Reading | None") -> "Reading":
        """This reading, with what it lacks taken from another."""
        if other is None:
            return self
        return Reading(
            self.model if self.model is not None else other.model,
            self.usage if self.usage is not None else other.usage,
            self.cost if self.cost is not None else other.cost,
            self.finish_reason if self.finish_reason is not None else other.finish_reason,
        )


EMPTY: Final = Reading()

_MOST_MEMBERS: Final = 4
_MOST_LEVELS: Final = 3

_MODEL: Final = ("model", "model_name", "model_id", "modelId", "model_version", "modelVersion")
_USAGE: Final = ("usage", "usage_metadata", "usageMetadata", "token_usage", "response_usage", "meta")
_FINISH: Final = ("finish_reason", "stop_reason", "done_reason", "stopReason", "finishReason")
_NESTED: Final = (
    "response_metadata",
    "llm_output",
    "response",
    "raw_response",
    "raw",
    "completion",
    "result",
    "llm_response",
    "message",
)
_ANSWERS: Final = (
    "content",
    "text",
    "choices",
    "output",
    "candidates",
    "message",
    "data",
    "embedding",
    "embeddings",
)
"""A model's name says which model answered only where there is an answer."""


def read_result(result: object) -> Reading | None:
    """What a result says about model, usage, cost and end; `None` for one that says nothing about any of them."""
    if result is None or type(result) is str:
        return None
    if type(result) is tuple:
        return _read_members(result)
    reading = _read(result, _MOST_LEVELS)
    return None if reading == EMPTY else reading


def _read_members(members: tuple[object, ...]) -> Reading | None:
    """A `(response, usage)` pair, or the like: each member may know a part."""
    if len(members) > _MOST_MEMBERS:
        return None
    reading = EMPTY
    for member in members:
        reading = reading.or_else(_read(member, _MOST_LEVELS))
        if reading.usage is None and type(member) is dict:
            reading = reading._replace(usage=usage_beside(member))
    return None if reading == EMPTY else reading


def _read(result: object, levels: int) -> Reading:
    parts = parts_of(result)
    if not parts:
        return EMPTY
    usage_object = first_of(parts, *_USAGE)
    usage = read_usage(usage_object) if usage_object is not None else usage_beside(parts)
    reading = Reading(None, usage, _cost(parts, usage_object), _finish_reason(parts))
    if levels > 1 and (usage is None or reading.finish_reason is None):
        for name in _NESTED:
            if parts.get(name) is not None:
                reading = reading.or_else(_read(parts[name], levels - 1))
    if reading != EMPTY or any(name in parts for name in _ANSWERS):
        model = text_of(first_of(parts, *_MODEL))
        return reading._replace(model=model) if model else reading
    return reading


def _cost(parts: Mapping[str, Any], usage: object) -> dict[str, Any] | None:
    """What the provider itself says the call cost, in US dollars: LiteLLM, OpenRouter, Claude's agent SDK."""
    # LiteLLM finds no tokens in Google's form, and hides a 0 on it.
    hidden = parts.get("_hidden_params") if "usageMetadata" not in parts else None
    amounts: tuple[Any, ...] = (
        parts_of(hidden).get("response_cost") if hidden is not None else None,
        parts.get("total_cost_usd"),
        parts_of(usage).get("cost") if usage is not None else None,
    )
    for amount in amounts:
        if type(amount) in (int, float) and isfinite(amount) and amount >= 0:
            return {"total": amount, "currency": "USD", "source": "provider"}
    return None


def _finish_reason(parts: Mapping[str, Any]) -> str | None:
    found = first_of(parts, *_FINISH)
    for name in ("choices", "candidates"):
        if found is None and name in parts:
            found = first_of(first_item(parts, name), *_FINISH)
    if found is None and parts.get("object") == "response":
        found = parts_of(parts.get("incomplete_details")).get("reason") or parts.get("status")
    return text_of(found, 100)
