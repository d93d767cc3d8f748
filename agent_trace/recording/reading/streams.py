"""What a generator has yielded, folded while it is consumed: the text of a streaming model, or the items as a list."""

from collections import deque
from typing import Any, Final

import orjson

from agent_trace.recording.capturing.capture import Limits, capture
from agent_trace.recording.capturing.cutting import RedactText, cut_marker
from agent_trace.recording.guard import guarded
from agent_trace.recording.reading.folds import fold_for
from agent_trace.recording.reading.gathered import Gathered
from agent_trace.recording.reading.parts import parts_of
from agent_trace.recording.reading.results import EMPTY, Reading, read_result

_ITEM_LIMITS: Final = Limits(max_bytes=65_536, max_nodes=2_000, max_depth=16)
_FIRST_ITEMS: Final = 1_000
_FIRST_BYTES: Final = 786_432
_LAST_ITEMS: Final = 32


class StreamReading:
    """Add each item as it is yielded, then `finish()` once. Neither raises; memory is bounded.

    Text and the chunks of known clients become one answer. Anything else is captured as it is when added,
    for agents go on changing what they yield: the first ones and the last 32.
    """

    __slots__ = ("_answer", "_bytes", "_count", "_first", "_last", "_reading", "_redact_text", "_text")

    def __init__(self, redact_text: RedactText | None = None) -> None:
        self._answer = Gathered()
        self._text = self._answer.text
        self._redact_text = redact_text
        self._first: list[bytes] = []
        self._last: deque[bytes] = deque(maxlen=_LAST_ITEMS)
        self._bytes = 0
        self._count = 0
        self._reading = EMPTY

    def add(self, item: object) -> None:
        """Take note of one yielded item."""
        if type(item) is str:
            self._text.add(item)
            return
        with guarded("reading a streamed item"):
            parts = parts_of(item)
            fold = fold_for(parts) if parts else None
            if fold is not None:
                fold(self._answer, parts)
            else:
                self._keep(item)

    def finish(self) -> tuple[object, Reading]:
        """What was yielded, to be captured as output, and what the stream said about itself."""
        output: object = None
        with guarded("putting a stream together"):
            output = self._output()
        answer = self._answer
        said = Reading(answer.model, answer.counts(), None, answer.finish_reason)
        return output, said.or_else(self._reading)

    def _keep(self, item: object) -> None:
        if issubclass(type(item), str):
            self._text.add(str.__str__(item))
            return
        reading = read_result(item)
        if reading is not None:
            self._reading = reading.or_else(self._reading)
        encoded, _ = capture(item, _ITEM_LIMITS, "output", self._redact_text)
        self._count += 1
        if len(self._first) < _FIRST_ITEMS and self._bytes + len(encoded) <= _FIRST_BYTES:
            self._bytes += len(encoded)
            self._first.append(encoded)
        else:
            self._last.append(encoded)

    def _output(self) -> object:
        answer = self._answer.written()
        items = self._items()
        if not items:
            return "" if answer is None and self._text.not_kept == 0 and not self._count else answer
        if answer is None:
            return items
        return {**(answer if type(answer) is dict else {"content": answer}), "items": items}

    def _items(self) -> list[Any]:
        kept = len(self._first) + len(self._last)
        items = [orjson.loads(encoded) for encoded in self._first]
        if kept < self._count:
            items.append(cut_marker(kept, self._count, "items"))
        return items + [orjson.loads(encoded) for encoded in self._last]
