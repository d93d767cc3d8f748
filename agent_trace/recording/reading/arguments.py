"""Model and model parameters, read from how a client is called and from the object it is called on.

Attributes are read statically: no property of the user's runs.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Any, Final

from agent_trace.recording.capturing.attributes import (
    MISSING,
    PerClass,
    class_attribute,
    class_line,
    is_descriptor,
    static_attribute,
    type_name,
)
from agent_trace.recording.reading.parts import first_of, parts_of, text_of

_PARAMETERS: Final = frozenset(
    {
        *("temperature", "top_p", "top_k", "min_p", "seed", "n", "candidate_count", "truncation"),
        *(
            "max_tokens",
            "max_completion_tokens",
            "max_output_tokens",
            "max_new_tokens",
            "num_ctx",
            "num_predict",
        ),
        *("stop", "stop_sequences", "presence_penalty", "frequency_penalty", "repetition_penalty"),
        *("reasoning_effort", "verbosity", "thinking", "response_format", "service_tier", "stream"),
        *("tool_choice", "parallel_tool_calls", "logprobs", "top_logprobs"),
    }
)
_BAGS: Final = frozenset(
    {
        *(
            "kwargs",
            "request",
            "payload",
            "model_kwargs",
            "llm_kwargs",
            "params",
            "parameters",
            "model_parameters",
            "options",
            "settings",
        ),
        *(
            "config",
            "generation_config",
            "generate_config",
            "inference_config",
            "inferenceConfig",
            "extra_body",
        ),
    }
)
"""Arguments that hold further arguments."""

_MODEL_ARGUMENTS: Final = ("model", "model_name", "model_id", "modelId", "deployment", "engine")
WORTH_READING: Final = _PARAMETERS | _BAGS | frozenset(_MODEL_ARGUMENTS)
"""Names of arguments that say something of the model."""

_PARAMETER_CHARS: Final = 200
_MOST_STOPS: Final = 16


def read_parameters(arguments: Mapping[str, object]) -> tuple[str | None, dict[str, Any] | None]:
    """Model name and model parameters among the arguments of a call, also inside a `kwargs`-like argument.

    Values are numbers, truth values, short texts, or lists of those; of a structured one only its type.
    """
    model: str | None = None
    found: dict[str, Any] = {}
    for name, value in arguments.items():
        if name not in WORTH_READING:
            continue
        if name in _MODEL_ARGUMENTS:
            model = text_of(value) or model
        elif name in _PARAMETERS:
            _put_parameter(found, name, value)
        elif value is not None:
            inner, more = _read_bag(parts_of(value))
            model = model or inner
            found = {**more, **found}
    return model, found or None


def _read_bag(bag: Mapping[str, Any]) -> tuple[str | None, dict[str, Any]]:
    found: dict[str, Any] = {}
    for name in _PARAMETERS & bag.keys():
        _put_parameter(found, name, bag[name])
    return text_of(first_of(bag, *_MODEL_ARGUMENTS)), dict(sorted(found.items()))


def _put_parameter(found: dict[str, Any], name: str, value: object) -> None:
    kind = type(value)
    if kind is bool or (kind is int and abs(value) < 2**63) or (kind is float and isfinite(value)):  # type: ignore[arg-type]
        found[name] = value
    elif kind is list or kind is tuple:
        texts = [text_of(item, _PARAMETER_CHARS) for item in value[:_MOST_STOPS]]  # type: ignore[index]
        found[name] = [text for text in texts if text is not None]
    elif value is not None:
        text = text_of(value, _PARAMETER_CHARS) or text_of(parts_of(value).get("type"), _PARAMETER_CHARS)
        if text is not None:
            found[name] = text


_INSTANCE_NAMES: Final = (
    "model_name",
    "model",
    "model_id",
    "_model_name",
    "_model",
    "deployment_name",
    "llm_model",
)
_INNER_MODELS: Final = ("model", "llm", "_model", "_llm")
_NAMED_BY_ID: Final = "agno.models.base.Model"
_has_id: PerClass[bool] = PerClass()


def read_instance(instance: object) -> str | None:
    """The model that a bound object (or class) is made for, by its attributes; one object further in, too."""
    named = _named_model(instance)
    if named is not None or instance is None:
        return named
    for name in _INNER_MODELS:
        inner = _attribute(instance, name)
        if inner is not MISSING and inner is not None and type(inner) is not str:
            named = _named_model(inner)
            if named is not None:
                return named
    return text_of(_attribute(instance, "id")) if _is_named_by_id(instance) else None


def _is_named_by_id(instance: object) -> bool:
    kind = type(instance)
    known = _has_id.get(kind)
    if known is None:
        known = _has_id.put(kind, any(type_name(each) == _NAMED_BY_ID for each in class_line(kind)))
    return known


def _named_model(holder: object) -> str | None:
    for name in _INSTANCE_NAMES:
        found = _attribute(holder, name)
        text = None if found is MISSING or found is None else text_of(found)
        if text is not None:
            return text
    return None


def _attribute(holder: object, name: str) -> object:
    if issubclass(type(holder), type):
        found = class_attribute(holder, name)  # type: ignore[arg-type]
        return MISSING if is_descriptor(found) else found
    return static_attribute(holder, name)
