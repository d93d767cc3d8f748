"""Long texts that were searched already and found clean, so that they are not searched again in every record.

Agents send the same system prompt, and the whole history, with every call: the very same string objects. What is
searched then is the record without the middles of those texts. Both ends of each stay in, longer than anything that
a rule wants to see of a value beside a label outside it, so that what is found in the whole line is found in the
text alone or in what stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import orjson

from agent_trace.recording.redaction.matching import SetMatch

_KEPT_BYTES: Final = 64
_Known = tuple[bytes, bytes, int]
"""Of a clean text: the beginning of its JSON, all of it, and where its middle ends."""

_MAX_TEXTS: Final = 2_000
_MAX_BYTES: Final = 4 << 20


class KnownTexts:
    """Texts that a gate had nothing to say about, by their JSON. Forgotten all at once when they get too many."""

    __slots__ = ("_bytes", "_known", "_match")

    def __init__(self, match: SetMatch) -> None:
        self._match = match
        self._known: dict[str, _Known] = {}
        self._bytes = 0

    def left_over(self, line: bytes, texts: Sequence[str]) -> bytes:
        """What of `line` has still to be searched. `texts` are long strings that stand in it."""
        pieces = []
        done = 0
        for text in texts:
            known = self._known.get(text) or self._learned(text)
            if known is None:
                return line
            start_of, encoded, middle_ends = known
            start = line.find(start_of, done)
            if start < 0 or not line.startswith(encoded, start):
                return self._out_of_order(line, texts)
            pieces.append(line[done : start + _KEPT_BYTES])
            done = start + middle_ends
        pieces.append(line[done:])
        return b"".join(pieces)

    def _out_of_order(self, line: bytes, texts: Sequence[str]) -> bytes:
        """The same for texts of different depths, which are met in another order than they stand in."""
        spans = []
        for text in texts:
            known = self._known.get(text) or self._learned(text)
            start = -1 if known is None else line.find(known[1])
            if known is None or start < 0:
                return line
            spans.append((start, start + len(known[1])))
        spans.sort()
        return _without_middles(line, spans)

    def _learned(self, text: str) -> _Known | None:
        """What is to be known of a text that is clean by itself; None for one that needs its surroundings."""
        encoded = orjson.dumps(text)
        if self._match(encoded) is not None:
            return None
        self._bytes += len(encoded)
        if self._bytes > _MAX_BYTES or len(self._known) >= _MAX_TEXTS:
            self._known.clear()
            self._bytes = len(encoded)
        known = self._known[text] = encoded[:_KEPT_BYTES], encoded, len(encoded) - _KEPT_BYTES
        return known


def _without_middles(line: bytes, spans: Sequence[tuple[int, int]]) -> bytes:
    pieces = []
    done = 0
    for start, end in spans:
        if start < done:  # the same place twice: these are not the places of the texts
            return line
        pieces.append(line[done : start + _KEPT_BYTES])
        done = end - _KEPT_BYTES
    pieces.append(line[done:])
    return b"".join(pieces)
