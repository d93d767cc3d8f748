"""A trace as a conversation: what each generation was told and answered, in reading order, nothing twice.

An agent sends its whole history with every call. Of each call, only those messages are shown that were not there
before: one that comes a second time in the same call was said twice, one that comes again in a later call was not.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from agent_trace.observation import Observation
from agent_trace.viewer.messages import Message, read_input, read_output
from agent_trace.viewer.showing import Room, ShownMessage


@dataclass(frozen=True, slots=True)
class Turn:
    """What one generation adds. `repeated`: messages that it was given and that were shown before."""

    observation: Observation
    messages: list[ShownMessage]
    repeated: int


def turns(generations: Iterable[Observation], characters: int) -> Iterator[Turn]:
    """One turn for each generation, in the order given; `characters` is the room for all texts of one turn."""
    known: Counter[bytes] = Counter()
    for each in generations:
        given = read_input(each.input, is_generation=True)
        answer = read_output(each.output, is_generation=True)
        told = given.messages if given else []
        new = _not_known(told, known)
        said = answer.messages if answer else []
        known.update(_digest(message) for message in said)
        room = Room(each.id, characters)
        shown = [room.message(message) for message in (*new, *said)]
        yield Turn(each, shown, len(told) - len(new))


def _not_known(messages: list[Message], known: Counter[bytes]) -> list[Message]:
    """The messages that were said more often by now than before; they are known from here on."""
    times: Counter[bytes] = Counter()
    new = []
    for message in messages:
        digest = _digest(message)
        times[digest] += 1
        if times[digest] > known[digest]:
            known[digest] = times[digest]
            new.append(message)
    return new


def _digest(message: Message) -> bytes:
    """Equal for the same words of the same side. Ids differ from client to client, and reasoning is not sent again."""
    said = [
        [part.kind, part.name if part.kind == "call" else "", _comparable(part.value)]
        for part in message.parts
        if part.kind != "reasoning"
    ]
    told = orjson.dumps(
        [message.role, said], default=str, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS
    )
    return hashlib.blake2b(told, digest_size=16).digest()


def _comparable(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def innermost(generations: Iterable[str], parents: Mapping[str, str | None]) -> set[str]:
    """Of generations inside one another, those that no other lies in: an outer one repeats what they say.

    `parents`: the parent of every observation of the trace, by id.
    """
    found = set(generations)
    outer: set[str] = set()
    for id in list(found):
        above = parents.get(id)
        passed = {id}
        while above is not None and above not in passed and above not in outer:
            passed.add(above)
            if above in found:
                outer.add(above)
            above = parents.get(above)
    return found - outer
