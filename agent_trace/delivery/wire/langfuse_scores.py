"""What Langfuse is told of scores, and of what became of signals: bodies for `POST /api/public/scores`.

An id is made of what a score is about, so that one that is sent again replaces itself.
"""

import hashlib
import math
import re
from collections.abc import Iterator
from typing import Any, Final

from agent_trace.delivery.backend import SCORES, Item, Record
from agent_trace.delivery.wire.spans import span_id, times, trace_id
from agent_trace.delivery.wire.values import iso_time, json_bytes, mapping, nanoseconds, str_of

OUTCOME: Final = "outcome"
_MAX_CATEGORY_CHARACTERS: Final = 500
_MAX_ENVIRONMENT_CHARACTERS: Final = 40


def score_item(record: Record) -> list[Item]:
    """The score that a record of kind `score` holds."""
    score = mapping(record.get("score"))
    at_ns = nanoseconds(record.get("at_ns"))
    subject = (str_of(record.get("trace_id")), str_of(record.get("id")), str_of(score.get("name")), at_ns)
    return _items(record, score.get("name"), score.get("value"), at_ns, subject, score.get("comment"))


def outcome_items(record: Record) -> list[Item]:
    """A score for each outcome of the observation's signals; the place of a signal among them never changes."""
    current = mapping(record.get("signal"))
    earlier = current.get("earlier")
    signals = [*(earlier if isinstance(earlier, list) else ()), current]
    items: list[Item] = []
    for place, signal in enumerate(map(mapping, signals)):
        for name, value, comment in _outcomes(signal.get(OUTCOME)):
            subject = (trace_id(record).hex(), span_id(record).hex(), name, place)
            items += _items(record, name, value, times(record)[1], subject, comment)
    return items


def _outcomes(outcome: Any) -> Iterator[tuple[str, Any, Any]]:
    """Name, value and comment of each score that an outcome gives: a value, or an object of values."""
    if not isinstance(outcome, dict):
        yield OUTCOME, outcome, None
    elif "value" in outcome:
        yield OUTCOME, outcome["value"], outcome.get("comment")
    else:
        for name, value in outcome.items():
            yield f"{OUTCOME}.{str_of(name)}", value, None


def _items(
    record: Record, name: Any, value: Any, at_ns: int, subject: tuple[Any, ...], comment: Any
) -> list[Item]:
    typed = _typed(value)
    if typed is None:
        return []
    score_id = hashlib.sha256(json_bytes(subject)).hexdigest()[:32]
    body = {
        "id": score_id,
        "traceId": trace_id(record).hex(),
        "name": str_of(name or "score"),
        **typed,
        # The same each time it is sent: an existing score is found by id and timestamp together.
        "timestamp": iso_time(at_ns),
    }
    if record.get("id"):
        body["observationId"] = span_id(record).hex()
    if comment is not None:
        body["comment"] = str_of(comment)
    if record.get("environment"):
        body["environment"] = environment_name(str_of(record["environment"]))
    payload = json_bytes(body)
    return [Item(score_id, SCORES, payload, len(payload) + 1)]


def _typed(value: Any) -> dict[str, Any] | None:
    """Value and data type in Langfuse's terms; None for nothing."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return {"value": float(value), "dataType": "BOOLEAN"}
    if isinstance(value, (int, float)) and _is_finite(value):
        return {"value": float(value), "dataType": "NUMERIC"}
    text = str_of(value) if isinstance(value, (str, int, float)) else json_bytes(value).decode()
    return {"value": text[:_MAX_CATEGORY_CHARACTERS], "dataType": "CATEGORICAL"}


def _is_finite(number: int | float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:
        return False


def environment_name(text: str) -> str:
    """The name that Langfuse gives an environment; where it only corrects a span's, it may refuse a score's."""
    name = re.sub(r"^(?:langfuse[-_]?)+", "", text.lower())[:_MAX_ENVIRONMENT_CHARACTERS]
    return name if re.fullmatch(r"[a-z0-9_-]+", name) else "default"
