"""What users add to an observation: to the live span, or later as an amendment. It accumulates, nothing is replaced."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import orjson

from agent_trace.observation import LEVELS
from agent_trace.recording.capturing.capture import Limits, capture
from agent_trace.recording.failures import describe, level_of, summary
from agent_trace.recording.process import redact_text
from agent_trace.recording.text import as_text

_MAX_TAGS: Final = 100
_SHALLOW: Final = Limits(max_bytes=65_536, max_nodes=2_000, max_depth=16)


class Additions:
    """Record fields gathered so far. `fields` goes into the record as it is, once it is written."""

    __slots__ = ("fields",)

    def __init__(self) -> None:
        self.fields: dict[str, Any] = {}

    def add_metadata(self, items: Mapping[str, object], limits: Limits = _SHALLOW) -> None:
        """Merge keys into `metadata`; a value given again for a key is the one that stays."""
        metadata = self.fields.setdefault("metadata", {})
        for name, value in items.items():
            key = as_text(name)
            metadata[key] = self._captured(value, f"metadata.{key}", limits)

    def add_tags(self, tags: Iterable[object]) -> None:
        """Append tags that are not there yet, up to a hundred."""
        known: list[str] = self.fields.setdefault("tags", [])
        for tag in map(as_text, tags):
            if tag not in known and len(known) < _MAX_TAGS:
                known.append(tag)

    def add_signal(self, signal: Mapping[str, object]) -> None:
        """Make `signal` the observation's signal; one that it had is kept in `earlier`."""
        self._push("signal", {key: self._captured(value, f"signal.{key}") for key, value in signal.items()})

    def add_error(self, error: object, context: object = None) -> None:
        """Make `error` the observation's error; one that it had is kept in `earlier`."""
        described = describe(error)
        self.raise_level(level_of(error))
        self.fields["status_message"] = summary(described)
        if context is not None:
            described["context"] = self._captured(context, "error.context")
        self._push("error", described)

    def raise_level(self, level: str, message: str | None = None) -> None:
        """Take the higher of the level so far and `level`."""
        if LEVELS.index(level) > LEVELS.index(self.fields.get("level", "DEFAULT")):
            self.fields["level"] = level
        if message:
            self.fields["status_message"] = as_text(message)

    def _push(self, field: str, entry: dict[str, Any]) -> None:
        former = self.fields.get(field)
        if former is not None:
            entry["earlier"] = [*former.pop("earlier", []), former]
        self.fields[field] = entry

    def _captured(self, value: object, path: str, limits: Limits = _SHALLOW) -> orjson.Fragment:
        """The value as it is now: agents go on changing what they hand us."""
        content, cuts = capture(value, limits, path, redact_text)
        if cuts:
            self.fields.setdefault("truncated", []).extend(cuts)
        return orjson.Fragment(content)
