"""The careful way through a value that is foreign or too big: written piece by piece, within bounds.

Two passes at most. The first cuts nothing but what is too deep, and gives up when a bound is hit; the second
shares the room out: the beginning of each container and its end (the newest message) are kept.
"""

from collections.abc import Callable
from typing import Any, Final

import orjson

from agent_trace.recording.capturing.cutting import (
    Cut,
    Excerpt,
    Limits,
    RedactText,
    cut_text,
    encode_text,
    note_cut,
)
from agent_trace.recording.capturing.ends import Ends, ends_of_fields, ends_of_items, flat_and_short, reserves
from agent_trace.recording.capturing.forms import (
    Unknown,
    attributes_shown,
    bounded_repr,
    form,
    marker_for,
)
from agent_trace.recording.capturing.keys import distinct_name
from agent_trace.recording.capturing.numbers import float_json, integer_json
from agent_trace.recording.capturing.page import LEAST_ROOM_BYTES, Page, TooBig
from agent_trace.recording.capturing.plain import survey
from agent_trace.recording.capturing.quick import write_quickly
from agent_trace.recording.guard import guarded

_KEY_CHARS: Final = 512
_REPR_BYTES: Final = 4096
_ATTRIBUTE_NODES: Final = 256


def walk(
    value: object, limits: Limits, path: str, redact_text: RedactText | None = None
) -> tuple[bytes, list[Cut]]:
    """JSON of a value within limits and the cuts made. Foreign failures become markers in place."""
    encoded = write_quickly(value, limits)
    if encoded is not None:
        return encoded, []
    try:
        whole = _Walker(limits, path, redact_text, cutting=False)
        return whole.write(value), whole.cuts
    except TooBig:
        shared = _Walker(limits, path, redact_text, cutting=True)
        return shared.write(value), shared.cuts


class _Walker(Page):
    """One pass over one value."""

    def write(self, value: object) -> bytes:
        self.nodes -= 1
        if self.nodes < 0 or self.room < 0:
            self.insist()
        kind = type(value)
        if kind is str:
            return self.text(value)  # type: ignore[arg-type]
        if value is None or kind is bool:
            return self.spend(orjson.dumps(value))
        if kind is int:
            return self.spend(integer_json(value))  # type: ignore[arg-type]
        if kind is float:
            return self.spend(float_json(value))  # type: ignore[arg-type]
        return self._nested(value)

    def _plain(self, value: object) -> bytes | None:
        """A part that fits as it is, in one go."""
        try:
            left = survey(value, self.room, self.nodes, self.depth)
            if left is None:
                return None
            encoded = orjson.dumps(value)
        except (TypeError, RuntimeError):  # see capture(): the rest of the way copes with all of these
            return None
        if len(encoded) > self.room:
            return None
        self.nodes = left[1]
        return self.spend(encoded)

    def _nested(self, value: object) -> bytes:
        kind = type(value)
        if kind is dict or kind is list or kind is tuple:
            plain = self._plain(value)
            if plain is not None:
                return plain
        seen_at = self.open.get(id(value))
        if seen_at is not None:
            return self.text(f"<circular: {self.where(seen_at)}>")
        if kind is Excerpt:
            return self.excerpt(value)  # type: ignore[arg-type]
        shape: object = None
        with guarded("the form of a captured value"):
            shape = form(value, self.nodes)
        if shape is None:
            return self.text(marker_for(value, "not captured"))
        if type(shape) is Unknown:
            return self._unknown(value)
        return self._parts_of(value, shape)

    def _shape(self, shape: object) -> bytes:
        """Write what `form` made of a value: a JSON type of its own, ends of a container, or one more value."""
        kind = type(shape)
        if kind is dict or kind is list:
            plain = self._plain(shape)
            if plain is not None:
                return plain
            shape = (ends_of_fields if kind is dict else ends_of_items)(shape, self.nodes)  # type: ignore[arg-type]
        if type(shape) is Ends:
            return self._container(shape)
        if self.depth <= 0:  # forms of forms of forms: they count as levels
            return self.text("<nested too deep>")
        self.nodes += 1
        self.depth -= 1
        encoded = self.write(shape)
        self.depth += 1
        return encoded

    def _unknown(self, value: object) -> bytes:
        """An object nobody described: its own `repr`; failing that its public attributes, one object deep."""
        text = bounded_repr(value)
        if text is not None:
            return self.text(text, _REPR_BYTES)
        shown = None if self.in_unknown else attributes_shown(value)
        if not shown:
            return self.text(marker_for(value, "object"))
        spared = max(0, self.nodes - _ATTRIBUTE_NODES)
        self.nodes -= spared
        self.in_unknown = True
        encoded = self._parts_of(value, shown)
        self.in_unknown = False
        self.nodes += spared
        return encoded

    def _parts_of(self, value: object, shape: object) -> bytes:
        self.open[id(value)] = len(self.trail)
        encoded = self._shape(shape)
        del self.open[id(value)]
        return encoded

    def _container(self, ends: Ends) -> bytes:
        if self.depth <= 0:
            return self.cut(0, ends.total, ends.unit, " nested too deep")
        if flat_and_short(ends):
            return self._whole_or_nothing(ends)
        if ends.total > self.nodes:
            self.insist()
        self.depth -= 1
        encoded = self._members(ends)
        self.depth += 1
        return encoded

    def _whole_or_nothing(self, ends: Ends) -> bytes:
        """A short list of numbers or words may be a key or a mnemonic: half of it would not be recognised."""
        encoded = orjson.dumps(ends.head)
        if len(encoded) <= self.room and len(ends.head) <= self.nodes:
            self.nodes -= len(ends.head)
            return self.spend(encoded)
        self.insist()
        return self.cut(0, ends.total, ends.unit)

    def _members(self, ends: Ends) -> bytes:
        self.room -= 2
        names: set[str] = set()
        write = self._entry_writer(names) if ends.unit == "entries" else self._item
        sharing = self.cutting or self.in_unknown
        front, first_left = self._front(ends, write) if sharing else self._whole(ends, write)
        back, last_left = self._back(ends, first_left, write)
        left_out = last_left - first_left + 1
        middle: list[bytes] = []
        if left_out > 0:
            marker = self.cut(ends.total - left_out, ends.total, ends.unit)
            middle = [b'"\xe2\x80\xa6":' + marker if ends.unit == "entries" else marker]
        inner = b",".join(front + middle + back[::-1])
        return b"{" + inner + b"}" if ends.unit == "entries" else b"[" + inner + b"]"

    def _whole(self, ends: Ends, write: Callable[[int, object], bytes]) -> tuple[list[bytes], int]:
        written = [write(position, entry) for position, entry in enumerate(ends.head)]
        if self.room < 0 or self.nodes < 0:
            self.insist()
        return written, len(written)

    def _front(self, ends: Ends, write: Callable[[int, object], bytes]) -> tuple[list[bytes], int]:
        """Entries from the beginning, leaving room for the end. Also the position of the first left out."""
        third = (self.room // 3, self.nodes // 3)
        needs = reserves(ends, *third)
        written: list[bytes] = []
        for position, entry in enumerate(ends.head):
            room, nodes = needs.get(position, third)
            self.room -= room
            self.nodes -= nodes
            full = self.room < LEAST_ROOM_BYTES or self.nodes <= 0
            if not full:
                written.append(write(position, entry))
            self.room += room
            self.nodes += nodes
            if full:
                break
        return written, len(written)

    def _back(self, ends: Ends, first: int, write: Callable[[int, object], bytes]) -> tuple[list[bytes], int]:
        """Entries from the end backwards until the room is used up, the first one met, or none is at hand."""
        written: list[bytes] = []
        position = ends.total - 1
        if first < ends.total:
            self.insist()
        for entry in reversed(ends.tail):
            if position < first or self.room < LEAST_ROOM_BYTES or self.nodes <= 0:
                break
            written.append(write(position, entry))
            position -= 1
        return written, position

    def _item(self, position: int, item: object) -> bytes:
        self.trail.append(position)
        encoded = self.write(item)
        self.trail.pop()
        self.room -= 1
        return encoded

    def _entry_writer(self, names: set[str]) -> Callable[[int, object], bytes]:
        """Writes `key: value` pairs; keys that read the same after conversion stay apart."""

        def write(_: int, entry: Any) -> bytes:
            key, value = entry
            name = distinct_name(key, names)
            self.trail.append(name)
            encoded_name = encode_text(name)
            if len(encoded_name) > _KEY_CHARS:
                encoded_name, kept = cut_text(name, _KEY_CHARS, self.redact_text)
                note_cut(self.cuts, self.where(), kept, len(name), "characters")
            self.room -= len(encoded_name) + 2
            encoded = self.write(value)
            self.trail.pop()
            return encoded_name + b":" + encoded

        return write
