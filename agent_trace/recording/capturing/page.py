"""The page that a value is written on: the room left, the way to where the writing is, what was cut."""

from typing import Final

from agent_trace.recording.capturing.cutting import (
    Cut,
    Excerpt,
    Limits,
    RedactText,
    cut_marker,
    cut_text,
    encode_text,
    note_cut,
)

LEAST_ROOM_BYTES: Final = 64
"""With less room than this nothing new is begun: it would be all marker."""


class TooBig(Exception):
    """A bound was hit in the pass that cuts nothing."""


class Page:
    """`room` (bytes), `nodes` and `depth` are what is left; `trail` leads to where the writing is.

    `cutting`: whether parts may be cut. `in_unknown`: among the attributes of an object nobody described, of which
    only a few nodes are shown in any case. `open`: containers begun and not finished, by id, with their level.
    """

    def __init__(self, limits: Limits, path: str, redact_text: RedactText | None, *, cutting: bool) -> None:
        self.room, self.nodes, self.depth = limits
        self.cutting = cutting
        self.in_unknown = False
        self.cuts: list[Cut] = []
        self.trail: list[int | str] = []
        self.open: dict[int, int] = {}
        self.redact_text = redact_text
        self._path = path

    def insist(self) -> None:
        """Give up the pass that cuts nothing; the few attributes shown of unknown objects are cut in either."""
        if not self.cutting and (self.room < LEAST_ROOM_BYTES or not self.in_unknown):
            raise TooBig

    def spend(self, encoded: bytes) -> bytes:
        """Account for what is written."""
        self.room -= len(encoded)
        return encoded

    def cut(self, kept: int, of: int, unit: str, why: str = "") -> bytes:
        """Note a cut here, and give the marker that stands in its place."""
        note_cut(self.cuts, self.where(), kept, of, unit)
        return self.spend(encode_text(cut_marker(kept, of, unit + why)))

    def where(self, steps: int | None = None) -> str:
        """The path to here, or to the container that many steps from the top."""
        trail = self.trail[:steps]
        return self._path + "".join(f"[{step}]" if type(step) is int else f".{step}" for step in trail)

    def text(self, text: str, most: int | None = None) -> bytes:
        """A text in the room there is, at the `most` in that many bytes."""
        room = self.room if most is None else min(most, self.room)
        if len(text) <= room:
            encoded = encode_text(text)
            if len(encoded) <= room:
                return self.spend(encoded)
        if not self.cutting and (most is None or room < most):
            raise TooBig
        encoded, kept = cut_text(text, room, self.redact_text)
        note_cut(self.cuts, self.where(), kept, len(text), "characters")
        return self.spend(encoded)

    def excerpt(self, text: Excerpt) -> bytes:
        """A text that had been cut before it came here."""
        encoded, kept = cut_text(text, self.room, self.redact_text, text.characters)
        note_cut(self.cuts, self.where(), kept, text.characters, "characters")
        return self.spend(encoded)
