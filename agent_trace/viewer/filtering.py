"""What a URL filters by: its parts, how each is read, and what may be offered for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from agent_trace.display import moments
from agent_trace.observation import LEVELS, OBSERVATION_TYPES
from agent_trace.store.answers import Status
from agent_trace.store.filter import Filter
from agent_trace.store.words import terms_of
from agent_trace.viewer.page import BadQuestion

_MOST: Final = 1 << 62
"""SQLite's numbers end soon after it."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the query that filters. `field`: of `Filter`; `choices`: all there are; `offers`: of `Store.names()`."""

    name: str
    label: str
    field: str
    read: Callable[[str], Any] = str
    choices: tuple[str, ...] = ()
    offers: str = ""
    example: str = ""

    def value_of(self, text: str) -> Any:
        """What `Filter` is given for it. Raises BadQuestion."""
        if self.choices and text.lower() not in map(str.lower, self.choices):
            raise BadQuestion(f"{self.name}={text!r} is not known; say {', '.join(self.choices)}")
        try:
            return self.read(text)
        except ValueError as error:
            raise BadQuestion(f"{self.name}: {error}") from None


def _within(read: Callable[[str], Any], units: int) -> Callable[[str], Any]:
    """Read a number of which the index keeps `units` for one, and refuse what it has no place for."""

    def reading(text: str) -> Any:
        value = read(text)
        if abs(value) * units >= _MOST:
            raise ValueError(f"{text!r} is out of range")
        return value

    return reading


def _words(text: str) -> str:
    """A text to look for; half of all words begin with one of a few letters, and all of those would be put together."""
    for term in terms_of(text):
        if term.is_begun and len(term.words[-1]) == 1:
            raise ValueError(f"{term.words[-1]}* fits too much; say two letters of a word at least")
    return text


PARTS: Final = (
    Part("q", "Text", "text", _words, example='words, "a phrase", begin*'),
    Part("since", "Since", "since_ns", _within(moments.moment_ns, 1), example="2h, yesterday, 2026-11-22"),
    Part("until", "Until", "until_ns", _within(moments.moment_ns, 1), example="1h, today, 2026-11-23T09:30"),
    Part("status", "Status", "status", str.lower, choices=get_args(Status)),
    Part("level", "Level", "level", str.upper, choices=tuple(LEVELS)),
    Part("type", "Type", "type", str.lower, choices=tuple(OBSERVATION_TYPES)),
    Part("signal", "Signal", "signal", offers="signals", example="BUY"),
    Part("name", "Name", "name", offers="names"),
    Part("agent", "Agent", "agent", offers="agents"),
    Part("tenant", "Tenant", "tenant", offers="tenants"),
    Part("model", "Model", "model", offers="models"),
    Part("session", "Session", "session", offers="sessions"),
    Part("user", "User", "user"),
    Part("tag", "Tag", "tag"),
    Part("min_cost", "Cost from", "min_cost", _within(moments.dollars, 10**12), example="0.05"),
    Part(
        "min_duration", "Took from", "min_duration_s", _within(moments.duration_s, 10**9), example="2s, 500ms"
    ),
)
"""Every part, in the order in which a form asks for them."""


def asked(query: Mapping[str, str]) -> dict[str, str]:
    """The parts of a query that filter, as they were typed; blank ones do not."""
    return {part.name: query[part.name].strip() for part in PARTS if query.get(part.name, "").strip()}


def filter_of(query: Mapping[str, str]) -> Filter:
    """The Filter that a query asks for. Raises BadQuestion naming the part, its value and what would do."""
    typed = asked(query)
    return Filter(**{part.field: part.value_of(typed[part.name]) for part in PARTS if part.name in typed})
