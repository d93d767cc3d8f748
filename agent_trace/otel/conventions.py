"""From attributes and events of a foreign span to their meaning: the conventions, asked one after the other."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from agent_trace.otel import genai, langfuse, openinference
from agent_trace.otel.meaning import Attributes, Meaning
from agent_trace.otel.shapes import parsed

_CONVENTIONS: Final[tuple[tuple[frozenset[str], Callable[[Attributes, Meaning], None]], ...]] = (
    (langfuse.ROOTS, langfuse.read),
    (openinference.ROOTS, openinference.read),
    (genai.ROOTS, genai.read),
)
SCOPE_ATTRIBUTES: Final = {
    "user.id": "user_id",
    "session.id": "session_id",
    "gen_ai.conversation.id": "session_id",
    "agent.name": "agent_name",
    "gen_ai.agent.name": "agent_name",
    "gen_ai.agent.id": "agent_id",
}
"""What of a span's attributes is inherited by the observations below it."""

_FIRST_TOKEN_EVENTS: Final = frozenset({"First Token Stream Event", "gen_ai.content.completion.chunk"})
_MOST_EVENTS: Final = 128
_MOST_TAGS: Final = 100


class Event(NamedTuple):
    """Something that happened during a span. Times are nanoseconds since the epoch."""

    name: str
    at_ns: int
    attributes: Mapping[str, Any]


def type_of(attributes: Mapping[str, Any]) -> str | None:
    """The type that a span has by the attributes it starts with; `None` when they don't tell."""
    return (
        openinference.type_of(attributes.get(openinference.KIND))
        or genai.type_of(attributes.get(genai.OPERATION))
        or langfuse.type_of(attributes.get(langfuse.TYPE))
    )


def meaning_of(attributes: Mapping[str, Any], events: Iterable[Event]) -> tuple[Meaning, Attributes]:
    """What a span says, and everything else about it by name, for its metadata. Exceptions are not for here."""
    rest: Attributes = dict(attributes)
    meaning = Meaning()
    roots = {name.partition(".")[0] for name in rest}
    for own, read in _CONVENTIONS:
        if not roots.isdisjoint(own):
            read(rest, meaning)
    _read_common(rest, meaning)
    _read_events(events, rest, meaning)
    return meaning, rest


def _read_common(rest: Attributes, meaning: Meaning) -> None:
    for name, field in SCOPE_ATTRIBUTES.items():
        if name in rest:
            meaning.put_scope(**{field: rest.pop(name)})
    tags = rest.pop("tag.tags", None)
    if isinstance(tags, list | tuple):
        meaning.tags.extend(tags[:_MOST_TAGS])
    given = parsed(rest.get("metadata"))
    if isinstance(given, dict):
        del rest["metadata"]
        rest.update(given)


def _read_events(events: Iterable[Event], rest: Attributes, meaning: Meaning) -> None:
    messages = genai.Messages()
    kept = 0
    for event in events:
        if event.name in _FIRST_TOKEN_EVENTS and meaning.first_token_ns is None:
            meaning.first_token_ns = event.at_ns
        elif not genai.read_event(event.name, event.attributes, messages) and kept < _MOST_EVENTS:
            kept += 1
            rest[_free(f"event.{event.name}", rest)] = {"at_ns": event.at_ns, **event.attributes}
    messages.tell(meaning)


def _free(name: str, taken: Mapping[str, object]) -> str:
    """The name, with a number when there is such an event already."""
    if name not in taken:
        return name
    return next(each for number in range(2, _MOST_EVENTS + 2) if (each := f"{name}.{number}") not in taken)
