"""The named parts of what a client returned: the keys of a dict, the fields of a model, the slots of an object.

Read without running properties, but for the few client libraries whose objects have nothing but those.
"""

from collections.abc import Callable, Mapping
from types import MemberDescriptorType
from typing import Any, Final

from agent_trace.recording.capturing.attributes import (
    PerClass,
    class_attribute,
    instance_attributes,
    module_root,
    shown_fields,
    slot_names,
)
from agent_trace.recording.encodable import encodable
from agent_trace.recording.guard import guarded

_MOST_KEYS: Final = 500
_COMPUTED_BY: Final = frozenset({"google", "proto", "vertexai"})
"""Protocol-buffer wrappers: every field is computed on access, from data that is already there."""

_COMPUTED_NAMES: Final = (
    "model_version",
    "usage_metadata",
    "prompt_token_count",
    "candidates_token_count",
    "cached_content_token_count",
    "thoughts_token_count",
    "total_token_count",
    "candidates",
    "content",
    "parts",
    "text",
    "finish_reason",
)
_NOTHING: Final[dict[str, Any]] = {}

_ways: PerClass[Callable[[Any], Mapping[str, Any]]] = PerClass()


def parts_of(value: object) -> Mapping[str, Any]:
    """Parts by name; empty for text, numbers, and whatever has none. Not a copy: not to be changed."""
    kind = type(value)
    if kind is dict:
        return value  # type: ignore[return-value]
    way = _ways.get(kind)
    if way is None:
        way = _ways.put(kind, _way_for(kind))
    return way(value)


def first_of(parts: Mapping[str, Any], *names: str) -> Any:
    """The first of the named parts that is there and not `None`."""
    for name in names:
        found = parts.get(name)
        if found is not None:
            return found
    return None


def first_item(parts: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The parts of the first item of a list; empty when there is none."""
    items = parts.get(name)
    if type(items) in (list, tuple) and items:
        return parts_of(items[0])
    return _NOTHING


def text_of(found: object, most_chars: int = 200) -> str | None:
    """A short text, also as the value or the name of an enum member; `None` for anything else."""
    if type(found) is not str:
        own = instance_attributes(found)
        is_text = issubclass(type(found), str) and "_value_" not in own
        found = (
            found if is_text else own.get("_value_") if _is_text(own.get("_value_")) else own.get("_name_")
        )
        found = str.__str__(found) if _is_text(found) else None
    if type(found) is not str or not 0 < len(found) <= most_chars:
        return None
    return encodable(found)


def _is_text(found: object) -> bool:
    return issubclass(type(found), str)


def _nothing(value: object) -> Mapping[str, Any]:
    return _NOTHING


for _kind in (str, int, float, bool, bytes, bytearray, type(None), list, tuple, set):
    _ways.put(_kind, _nothing)


def _way_for(kind: type) -> Callable[[Any], Mapping[str, Any]]:
    if issubclass(kind, dict):
        return lambda value: dict(dict.items(value)) if dict.__len__(value) <= _MOST_KEYS else _NOTHING
    extra = class_attribute(kind, "__pydantic_extra__")
    if isinstance(extra, MemberDescriptorType):
        private = class_attribute(kind, "__pydantic_private__")
        return lambda value: _model(value, extra, private)
    if module_root(kind) in _COMPUTED_BY:
        return _computed
    slots = tuple(slot_names(kind))
    if slots:
        return lambda value: instance_attributes(value) | shown_fields(value, slots)
    return instance_attributes


def _model(value: object, extra: MemberDescriptorType, private: Any) -> Mapping[str, Any]:
    """Fields of a pydantic model with what it was given beyond them, and the cost that LiteLLM hides on it."""
    own: Mapping[str, Any] = instance_attributes(value)
    try:
        more, hidden = extra.__get__(value), private.__get__(value)
    except AttributeError:  # built without validation
        return own
    if more:
        own = {**own, **more}
    if hidden and "_hidden_params" in hidden:
        own = {**own, "_hidden_params": hidden["_hidden_params"]}
    return own


def _computed(value: object) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    with guarded("reading a client's object"):
        for name in _COMPUTED_NAMES:
            found[name] = getattr(value, name, None)
    return found
