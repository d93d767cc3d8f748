"""What an observation's values look like on a page: messages as a chat, other values as JSON, long texts cut.

A text of megabytes would make a page that no browser shows: what is longer than a page has room for is cut, says how
long it is, and links to where the whole of it is.
"""

from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlencode

import orjson

from agent_trace.observation import Observation
from agent_trace.viewer.message_parts import Part
from agent_trace.viewer.messages import Conversation, Message, read_input, read_output
from agent_trace.viewer.pointers import At, pointer

PAGE_CHARACTERS: Final = 64_000
"""Of all texts of one observation together."""
TEXT_CHARACTERS: Final = 16_000
"""Of one text."""
LEAST_CHARACTERS: Final = 400
"""Of a text for which there is no room any more."""
MOST_MESSAGES: Final = 80
"""Of a longer conversation, the first few and the last ones are shown."""
_FIRST_MESSAGES: Final = 4


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A text, or the beginning of it. `url`: where the whole of it is."""

    text: str
    bytes: int
    """Of the whole, in UTF-8."""
    is_cut: bool
    url: str
    is_json: bool = False


@dataclass(frozen=True, slots=True)
class ShownPart:
    """One part of a message. `name`: of the tool, or what kind of media it is."""

    kind: str
    excerpt: Excerpt
    name: str = ""
    call_id: str = ""


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """One message; `left_out` is the number of messages before it that are not shown."""

    role: str
    name: str
    parts: list[ShownPart]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Shown:
    """A value: as messages with what was given beside them, or else as JSON. `whole`: where all of it is as text."""

    whole: str
    messages: list[ShownMessage] = field(default_factory=list)
    rest: Excerpt | None = None
    value: Excerpt | None = None


class Room:
    """How much text still fits on the page of one observation."""

    def __init__(self, observation_id: str, characters: int = PAGE_CHARACTERS) -> None:
        self._id = observation_id
        self._left = characters

    def excerpt(self, value: Any, at: At) -> Excerpt:
        """A text as it is, anything else as JSON; cut to what there is room for."""
        is_json = not isinstance(value, str)
        text = pretty(value) if is_json else value
        most = min(TEXT_CHARACTERS, max(self._left, LEAST_CHARACTERS))
        shown = text if len(text) <= most else text[:most]
        self._left -= len(shown)
        size = len(text.encode("utf-8", "backslashreplace"))
        return Excerpt(shown, size, len(shown) < len(text), text_url(self._id, at), is_json)

    def message(self, message: Message, left_out: int = 0) -> ShownMessage:
        """A message with as much of it as there is room for."""
        parts = [self._part(part) for part in message.parts]
        return ShownMessage(message.role, message.name, parts, left_out)

    def _part(self, part: Part) -> ShownPart:
        return ShownPart(part.kind, self.excerpt(part.value, part.at), part.name, part.call_id)


def show(observation: Observation, *, raw: bool = False) -> tuple[Shown | None, Shown | None]:
    """Input and output as they are shown, None for one that there is not; with `raw` both as JSON."""
    room = Room(observation.id)
    is_generation = observation.type == "generation"
    # The answer first: of a long conversation it is what has to be seen.
    told = None if raw else read_output(observation.output, is_generation=is_generation)
    output = _shown(observation.output, told, ("output",), room)
    told = None if raw else read_input(observation.input, is_generation=is_generation)
    return _shown(observation.input, told, ("input",), room), output


def _shown(value: Any, told: Conversation | None, at: At, room: Room) -> Shown | None:
    if value is None:
        return None
    whole = text_url(room._id, at)
    if told is None:
        return Shown(whole, value=room.excerpt(value, at))
    chosen = _chosen(told.messages)
    # From the last one back: that is where room is spent best.
    messages = [room.message(message, left_out) for message, left_out in reversed(chosen)][::-1]
    rest = None if told.rest is None else room.excerpt(told.rest, at)
    return Shown(whole, messages, rest)


def _chosen(messages: list[Message]) -> list[tuple[Message, int]]:
    """The messages that are shown, each with the number of those left out before it."""
    left_out = max(len(messages) - MOST_MESSAGES, 0)
    if not left_out:
        return [(message, 0) for message in messages]
    last = messages[_FIRST_MESSAGES + left_out :]
    return [
        *((message, 0) for message in messages[:_FIRST_MESSAGES]),
        (last[0], left_out),
        *((message, 0) for message in last[1:]),
    ]


def pretty(value: Any) -> str:
    """A value as JSON, indented."""
    return orjson.dumps(value, default=str, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode()


def text_url(observation_id: str, at: At) -> str:
    """Where a value of an observation is as plain text."""
    return f"/observations/{quote(observation_id, safe='')}/text?{urlencode({'at': pointer(at)})}"
