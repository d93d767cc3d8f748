"""What an object says of itself without being asked: which agent it is, what it trades, how its model is set.

Everything is read statically, from what the object holds and its class declares: no property of anybody's runs.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, cast

from agent_trace.recording.capturing.attributes import (
    MISSING,
    PerClass,
    class_line,
    instance_attributes,
    slot_names,
    static_attribute,
)
from agent_trace.recording.current_context import get_context
from agent_trace.recording.guard import attempt
from agent_trace.recording.reading.parts import text_of
from agent_trace.recording.recorder import enter_scope, leave_scope
from agent_trace.recording.scope import scope_of
from agent_trace.recording.text import as_text

if TYPE_CHECKING:
    from agent_trace.recording.recorder import Recorder
    from agent_trace.recording.span import Span
    from agent_trace.recording.target import Target

_TYPES: Final = ("agent_type", "type", "role")
_NAMES: Final = ("agent_name", "name")
_IDS: Final = ("agent_id", "id")
_TOLD: Final = (
    "exchange symbol symbols market strategy timeframe interval base_asset quote_asset run_id round version "
    "model_type model_name"
).split()
_MODEL_TOLD: Final = ("model_type", "provider", "provider_name")
_PARAMETERS: Final = ("temperature", "max_tokens", "max_output_tokens", "max_completion_tokens", "top_p")
_TELLING: Final = ("key", "secret", "token", "passw", "passphrase", "mnemonic", "seed", "credential", "auth")
_MOST_ATTRIBUTES: Final = 16
_TEXT_CHARS: Final = 200
_LARGEST: Final = 1 << 53

_declared: PerClass[tuple[str, ...]] = PerClass()
_class_side: PerClass[frozenset[str]] = PerClass()


def agent_scope(instance: object) -> dict[str, object]:
    """The scope that an agent opens: `agent_type`, `agent_name`, and `agent_id` where it has one."""
    name = _class_name(instance)
    id_ = next(iter(_plain(instance, _IDS).values()), None)
    return {
        "agent_type": next(iter(_plain(instance, _TYPES).values()), name),
        "agent_name": next(iter(_plain(instance, _NAMES).values()), name),
        "agent_id": str(id_) if type(id_) in (str, int) else None,
    }


def agent_metadata(instance: object) -> dict[str, object]:
    """Simple attributes that agents are asked for (`exchange`, `symbol`, …) or that the class declares, 16 at most."""
    kind = instance if isinstance(instance, type) else type(instance)
    declared = _declared.get(kind)
    if declared is None:
        found = attempt("reading what a class declares", _declared_names, kind)
        declared = _declared.put(kind, tuple(dict.fromkeys((*_TOLD, *(found or ())))))
    told = _plain(instance, declared)
    return {
        name: told[name] for name in list(told)[:_MOST_ATTRIBUTES] if name not in (*_TYPES, *_NAMES, *_IDS)
    }


def model_metadata(instance: object) -> dict[str, object]:
    """Which kind of model it is: `model_type` of the object or its class, else the class."""
    return {"model_type": _class_name(instance), **_plain(instance, _MODEL_TOLD)}


def model_parameters(instance: object) -> dict[str, object] | None:
    """Temperature and token limits that the object is set to."""
    found = _plain(instance, _PARAMETERS)
    return (
        {name: value for name, value in found.items() if type(value) in (int, float)} or None
        if found
        else None
    )


def open_in_scope(recorder: Recorder, name: str, target: Target, scope: dict[str, object]) -> Span:
    """Start an observation that has a scope of its own, which everything below inherits."""
    token = enter_scope(scope)
    try:
        span = recorder.open(name, target.type, target.entry_point)
    finally:
        leave_scope(token)
    # What is opened below finds the outer scope in the context, and has to take the span's.
    span.opened_in = scope_of(get_context())
    return span


def _class_name(instance: object) -> str:
    return (instance if isinstance(instance, type) else type(instance)).__name__


def _plain(instance: object, names: tuple[str, ...] | list[str]) -> dict[str, object]:
    """Those of the named attributes that are short texts, numbers or truth values; enum members by their text."""
    own, kind = instance_attributes(instance), type(instance)
    side = _class_side.get(kind)
    if side is None:
        side = _class_side.put(kind, _class_names(kind))
    found: dict[str, object] = {}
    for name in names:
        value = own[name] if name in own else static_attribute(instance, name) if name in side else MISSING
        kind_of_value = type(value)
        if kind_of_value is bool or kind_of_value is float:
            found[name] = value
        elif kind_of_value is int:
            found[name] = value if abs(cast(int, value)) < _LARGEST else str(value)[:_TEXT_CHARS]
        elif value is not MISSING and value is not None:
            text = text_of(value, _TEXT_CHARS)
            if text is not None:
                found[name] = as_text(text)
    return found


def _class_names(kind: type) -> frozenset[str]:
    """Names that have to be looked for on the class: its own attributes, and slots."""
    return frozenset(
        name for ancestor in class_line(kind) for name in type.__dict__["__dict__"].__get__(ancestor)
    )


def _declared_names(kind: type) -> list[str]:
    names = slot_names(kind)
    for ancestor in reversed(class_line(kind)[:-1]):
        names += _annotated(ancestor)
    return [name for name in names if not name.startswith("_") and not _is_telling(name)]


def _annotated(kind: type) -> Any:
    if sys.version_info >= (3, 14):
        import annotationlib

        return annotationlib.get_annotations(kind, format=annotationlib.Format.STRING)
    found = type.__dict__["__dict__"].__get__(kind).get("__annotations__")
    return found if type(found) is dict else ()


def _is_telling(name: str) -> bool:
    return any(word in name.lower() for word in _TELLING)
