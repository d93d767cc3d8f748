"""What `ObservabilityContext` does: find the observation that is meant, and add to it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from agent_trace.recording.additions import Additions
from agent_trace.recording.process import steps
from agent_trace.recording.reading.signals import read_signal
from agent_trace.recording.recent import Identity, last_finished
from agent_trace.recording.recorder import Recorder, current_span
from agent_trace.recording.scope import SCOPE_FIELDS, widened
from agent_trace.recording.text import as_text

Change = Callable[[Additions], None]


_adding = threading.RLock()


def _renew_lock() -> None:
    global _adding
    _adding = threading.RLock()


os.register_at_fork(after_in_child=_renew_lock)


def add(change: Change) -> None:
    """Apply a change to the live span, else to the observation finished last here, else to nothing.

    One at a time: several threads may add to one span.
    """
    with _adding:
        _add(change)


def _add(change: Change) -> None:
    span = current_span()
    if span is not None and not span.is_finished:
        change(span.added())
        return
    identity = _meant()
    if identity is not None:
        additions = Additions()
        change(additions)
        steps().recorder.amend(identity, additions)


def _meant() -> Identity | None:
    """The observation that is current here, finished or not, else the one that finished last."""
    span = current_span()
    return last_finished() if span is None else (span.trace_id, span.id)


def add_agent(fields: Mapping[str, object]) -> None:
    """Say which agent this is. What the live span opens from here on belongs to it as well."""
    scope = {name: value for name, value in fields.items() if name in SCOPE_FIELDS}
    metadata = {name: value for name, value in fields.items() if name not in SCOPE_FIELDS}
    span = current_span()
    if span is not None and not span.is_finished:
        span.scope = widened(span.scope, scope)
        scope = {}

    def change(additions: Additions) -> None:
        additions.fields.update(widened({}, scope))
        if metadata:
            additions.add_metadata(metadata)

    if scope or metadata:
        add(change)


def add_signal(
    action: object, confidence: object, reasoning: object, symbol: object, extra: Mapping[str, object]
) -> None:
    """Attach a decision, with tags to find it by."""
    signal, tags = read_signal(action, confidence, reasoning, symbol, extra)

    def change(additions: Additions) -> None:
        additions.add_signal(signal)
        additions.add_tags(tags)

    add(change)


def add_error(error: object, context: object) -> None:
    """Attach an error that the program has dealt with itself."""
    add(lambda additions: additions.add_error(error, context))


def add_handoff(source: object, target: object, valid: bool, fields: Mapping[str, object]) -> None:
    """Record an event below the current span: who hands over to whom."""
    below = _meant()
    if below is None:
        return
    recorder: Recorder = steps().recorder
    source_agent, target_agent = as_text(source), as_text(target)
    span = recorder.open_event(f"handoff:{source_agent}->{target_agent}", below)
    known: dict[str, Any] = {"source_agent": source_agent, "target_agent": target_agent, "valid": valid}
    known["tenant_id"] = span.scope.get("tenant_id")
    given = {**known, **fields}
    span.added().add_metadata({name: value for name, value in given.items() if value is not None})
    if not valid:
        span.added().raise_level("WARNING", f"handoff rejected: {fields.get('reason') or 'no reason given'}")
    span.end()


def add_score(name: object, value: object, comment: object) -> None:
    """Score the observation that is meant."""
    identity = _meant()
    if identity is None:
        return
    score: dict[str, object] = {"name": as_text(name), **_scored(value)}
    if comment is not None:
        score["comment"] = as_text(comment)
    steps().recorder.score(identity, score)


def _scored(value: object) -> dict[str, object]:
    """A score's value with its type, in Langfuse's words."""
    if isinstance(value, bool):
        return {"value": value, "data_type": "BOOLEAN"}
    if isinstance(value, int | float):
        return {"value": float(value), "data_type": "NUMERIC"}
    return {"value": as_text(value), "data_type": "CATEGORICAL"}
