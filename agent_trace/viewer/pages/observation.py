"""One observation: what it was given and gave, what it cost, what went wrong; beside its trace or on a page of its own."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from agent_trace.observation import Observation
from agent_trace.store import Store
from agent_trace.store.rows import token_counts
from agent_trace.viewer.page import Content, Page, Question
from agent_trace.viewer.showing import Excerpt, Room, show

_MOST_NOTES: Final = 50
"""Of a list that can be as long as somebody likes: what was hidden, what was cut, what was added."""


@dataclass(frozen=True, slots=True)
class TokenClass:
    """Tokens of one class and what they cost, in the currency of the observation's cost."""

    name: str
    tokens: int | None
    cost: Decimal | None


def content(question: Question) -> Content:
    """The observation, by its id or the start of it."""
    return content_of(question.store, question.path["id"], question.query)


def content_of(store: Store, id: str, query: Mapping[str, str]) -> Content:
    """What the page of an observation says. `raw` in the query: input and output as JSON, messages or not."""
    found = store.observation(id)
    room = Room(found.id)
    raw = bool(query.get("raw"))
    given, gave = show(found, raw=raw)
    amendments = store.amendments(found.id)
    return {
        "observation": found,
        "raw": raw,
        "is_chat": not raw and bool((given and given.messages) or (gave and gave.messages)),
        "input": given,
        "output": gave,
        "errors": _with_earlier(found.error),
        "signals": _with_earlier(found.signal),
        "tokens": sum(token_counts(found.usage).values()) or None,
        "token_classes": _token_classes(found),
        "metadata": room.excerpt(found.metadata, ("metadata",)) if found.metadata else None,
        "parameters": room.excerpt(found.model_parameters, ("model_parameters",))
        if found.model_parameters
        else None,
        "redactions": _counted(found.redactions),
        "truncated": found.truncated[:_MOST_NOTES],
        "scores": [each for each in store.scores(found.trace_id) if each.observation_id == found.id],
        "amendments": [_added(each, room, place) for place, each in enumerate(amendments[:_MOST_NOTES])],
        "first_token_ns": found.first_token_ns and found.first_token_ns - found.start_ns,
    }


def _with_earlier(entry: dict[str, Any] | None) -> list[dict[str, Any]]:
    """All errors, or signals, of one observation, the newest first."""
    earlier = entry.get("earlier") if entry else None
    return [entry, *reversed(earlier if isinstance(earlier, list) else [])] if entry else []


def _token_classes(found: Observation) -> list[TokenClass]:
    """Each class of tokens that was used or paid for, and the total."""
    usage, cost = token_counts(found.usage), found.cost or {}
    amounts = {name: _amount(value) for name, value in cost.items() if name not in ("currency", "source")}
    names = [*usage, *(name for name in amounts if name not in usage and name != "total")]
    rows = [TokenClass(name, usage.get(name), amounts.get(name)) for name in names]
    total = found.total_cost
    if len(rows) > 1 or (total is not None and not rows):
        rows.append(TokenClass("total", sum(usage.values()) if usage else None, total))
    return rows


def _amount(value: object) -> Decimal | None:
    return (
        Decimal(str(value))
        if isinstance(value, int | float | Decimal) and not isinstance(value, bool)
        else None
    )


def _counted(redactions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Which rule hid something, where, and how often there."""
    counts = Counter((str(each.get("rule")), str(each.get("path") or "")) for each in redactions)
    found = [{"rule": rule, "path": path, "times": times} for (rule, path), times in counts.items()]
    return found[:_MOST_NOTES]


def _added(amendment: Mapping[str, Any], room: Room, place: int) -> dict[str, Any]:
    """When something was added, and what."""
    ids = ("v", "kind", "trace_id", "id", "at_ns")
    said = {key: value for key, value in amendment.items() if key not in ids}
    excerpt: Excerpt = room.excerpt(said, ("amendments", place))
    return {"at_ns": amendment.get("at_ns"), "fields": list(said), "said": excerpt}


PAGE: Final = Page("observation", "/observations/{id}", "observation.html", content)
