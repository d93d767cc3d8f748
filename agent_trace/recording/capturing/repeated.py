"""Arguments of a call as JSON, with a memory of what comes again with every call: encoded once, searched once.

Agents send the same system prompt, and the whole history, with every call. A message or a long text that was met
before, and was found clean, is neither encoded nor searched again: what has still to be searched is the JSON without
the middles of those. Both ends of each stay in, longer than anything that a rule wants to see of a value beside a
label outside it, so that what is found in all of it is found in the piece alone or in what stays.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import orjson

from agent_trace.recording.capturing.cutting import Limits
from agent_trace.recording.capturing.plain import survey

IsClean = Callable[[bytes], bool]
"""Says of bytes whether no rule could have anything to say about them."""

Piece = tuple[bytes, bytes, int]
"""JSON of a value, what of it has still to be searched, and how many values it holds."""

Parts = tuple[list[bytes], list[bytes]]
"""Pieces of JSON, and what of each has still to be searched. Nobody joins them but who writes the line: each joining of
a large prompt is memory that the system has to find, which takes longer than copying does."""

Left = tuple[int, int]
"""Room and nodes that are left."""

KEPT_BYTES: Final = 64
WORTH_KEEPING: Final = 256
"""A shorter text by itself is written and searched as quickly as it is looked up."""

MOST_PIECES: Final = 4_000
MOST_BYTES: Final = 4 << 20
MOST_SEEN: Final = 20_000
MOST_LABELS: Final = 1_000
MOST_VALUES: Final = 8
"""What a message may hold, itself included, and what each is taken to hold: counting costs more than it is worth."""
LEAST_DEPTH: Final = 6
MOST_OBJECTS: Final = 1
"""How deep objects are looked through: what stands deeper is written as it is."""


class Repeated:
    """Clean pieces by their content. A piece is learned when it comes the second time; all are forgotten together."""

    __slots__ = ("_bytes", "_is_clean", "_known", "_labels", "_seen")

    def __init__(self, is_clean: IsClean) -> None:
        self._is_clean = is_clean
        self._known: dict[str | tuple[str, ...], Piece] = {}
        self._seen: set[int] = set()
        self._labels: dict[str, bytes] = {}
        self._bytes = 0

    def write(self, arguments: Mapping[str, object], limits: Limits) -> Parts | None:
        """JSON of arguments by name, and what of it has still to be searched: pieces, to be joined once.

        None for what has to be captured with more care: foreign types, or more than fits. Raises TypeError for what
        orjson refuses.
        """
        room, nodes, depth = limits
        if depth < LEAST_DEPTH:
            return None
        parts: Parts = [], []
        left = self._object(parts, arguments, room, nodes, depth, MOST_OBJECTS)
        return None if left is None else parts

    def _object(
        self, parts: Parts, values: Mapping[str, object], room: int, nodes: int, depth: int, levels: int
    ) -> Left | None:
        """Values by name: arguments, or what a call was given as `**kwargs`."""
        whole, searched = parts
        whole.append(b"{")
        searched.append(b"{")
        first = len(whole)
        for name, value in values.items():
            label = self._labels.get(name) or self._label(name)
            whole.append(label)
            searched.append(label)
            room -= len(label)
            kind = type(value)
            if kind is list and value and type(value[0]) is dict:  # type: ignore[index]
                left = self._list(parts, value, room, nodes, depth)  # type: ignore[arg-type]
            elif kind is dict and levels:
                left = self._object(parts, value, room, nodes - 1, depth - 1, levels - 1)  # type: ignore[arg-type]
            else:
                piece = self._text(value, room) if kind is str else _plain(value, room, nodes, depth)  # type: ignore[arg-type]
                if piece is None:
                    return None
                whole.append(piece[0])
                searched.append(piece[1])
                left = room - len(piece[0]), nodes - piece[2]
            if left is None:
                return None
            room, nodes = left
            if room < 1 or nodes < 0:
                return None
        if values:
            whole[first] = searched[first] = whole[first][1:]  # no comma before the first
        whole.append(b"}")
        searched.append(b"}")
        return room - 2, nodes

    def _label(self, name: str) -> bytes:
        if len(self._labels) >= MOST_LABELS:
            self._labels.clear()
        if type(name) is not str:
            raise TypeError(f"{name!r} is no name")
        label = self._labels[name] = b",%b:" % orjson.dumps(name)
        return label

    def _list(self, parts: Parts, items: list[Any], room: int, nodes: int, depth: int) -> Left | None:
        """A list that begins like one of messages; a message is a dict of texts."""
        whole, searched = parts
        known = self._known
        before = b"["
        room -= 1
        nodes -= 1 + MOST_VALUES * len(items)
        for item in items:
            piece = None
            if type(item) is dict:
                for value in item.values():
                    if type(value) is not str:
                        break
                else:
                    key = (*item, *item.values())
                    piece = known.get(key) or self._met(key, item, room)
            if piece is None:
                piece = _plain(item, room, nodes, depth - 1)
                if piece is None:
                    return None
                nodes -= piece[2]
            whole += (before, piece[0])
            searched += (before, piece[1])
            before = b","
            room -= len(piece[0]) + 1
        whole.append(b"]")
        searched.append(b"]")
        return None if room < 1 or nodes < 0 else (room, nodes)

    def _text(self, text: str, room: int) -> Piece | None:
        if len(text) < WORTH_KEEPING:
            encoded = orjson.dumps(text)
            return encoded, encoded, 1
        return self._known.get(text) or self._met(text, text, room)

    def _met(self, key: str | tuple[str, ...], value: str | dict[str, str], room: int) -> Piece | None:
        """A piece that is not known: learned if it was met before and is clean by itself; None for one too large."""
        if type(key) is tuple and len(key) > 2 * MOST_VALUES:
            return None
        if (len(key) if type(key) is str else sum(map(len, key))) > room:
            return None
        encoded = orjson.dumps(value)
        seen = self._seen
        count = len(seen)
        seen.add(hash(key))
        if len(seen) > count:
            if count >= MOST_SEEN:
                seen.clear()
        elif self._is_clean(encoded):
            return self._learn(key, encoded)
        return encoded, encoded, MOST_VALUES

    def _learn(self, key: str | tuple[str, ...], encoded: bytes) -> Piece:
        self._bytes += len(encoded)
        if self._bytes > MOST_BYTES or len(self._known) >= MOST_PIECES:
            self._known.clear()
            self._bytes = len(encoded)
        is_long = len(encoded) >= WORTH_KEEPING
        rest = encoded[:KEPT_BYTES] + encoded[-KEPT_BYTES:] if is_long else encoded
        piece = self._known[key] = encoded, rest, MOST_VALUES
        return piece


def _plain(value: object, room: int, nodes: int, depth: int) -> Piece | None:
    """Any other value of exact JSON types."""
    left = survey((value,), room, nodes, depth)
    if left is None:
        return None
    encoded = orjson.dumps(value)
    return encoded, encoded, nodes - left[1]
