"""What a stream has said so far, gathered in bounded memory: text, reasoning, tool calls, usage, its end."""

from collections.abc import Mapping
from typing import Any, Final

from agent_trace.recording.capturing.cutting import Excerpt
from agent_trace.recording.reading.parts import parts_of, text_of
from agent_trace.recording.reading.token_usage import read_usage

_MOST_CHARS: Final = 4 * 1_048_576
_PIECE_OVERHEAD: Final = 8
_MOST_TOOLS: Final = 256
_MOST_CHOICES: Final = 64


class Pieces:
    """Pieces of one text, kept by reference up to a bound; the rest is counted."""

    __slots__ = ("kept", "not_kept", "room")

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.room = _MOST_CHARS
        self.not_kept = 0

    def add(self, piece: str) -> None:
        """The next piece."""
        self.room -= len(piece) + _PIECE_OVERHEAD
        if self.room >= 0:
            self.kept.append(piece)
        else:
            self.not_kept += len(piece)

    def text(self) -> str:
        """All of it, or the beginning with its true length."""
        text = "".join(self.kept)
        return Excerpt.of(text, len(text) + self.not_kept) if self.not_kept else text


class ToolCall:
    """One tool call, its arguments arriving in pieces."""

    __slots__ = ("arguments", "call_id", "name")

    def __init__(self) -> None:
        self.call_id: str | None = None
        self.name: str | None = None
        self.arguments = Pieces()

    def named(self, call_id: object, name: object) -> "ToolCall":
        """The same call, with id and name if this piece has them."""
        self.call_id = text_of(call_id) or self.call_id
        self.name = text_of(name) or self.name
        return self

    def written(self) -> dict[str, object]:
        """`id`, `name` and `arguments` (a text, mostly JSON), as far as they are known."""
        known = {"id": self.call_id, "name": self.name, "arguments": self.arguments.text()}
        return {name: part for name, part in known.items() if part is not None}


class Gathered:
    """The answer of a streaming model, chunk by chunk, whatever its protocol."""

    __slots__ = ("choices", "finish_reason", "model", "reasoning", "summed", "text", "tools", "usage")

    def __init__(self) -> None:
        self.text = Pieces()
        self.reasoning = Pieces()
        self.choices: dict[int, Pieces] = {}
        self.tools: dict[object, ToolCall] = {}
        self.model: str | None = None
        self.finish_reason: str | None = None
        self.usage: dict[str, Any] = {}
        self.summed: dict[str, int] = {}

    def say(self, piece: object, choice: object = 0) -> None:
        """Text of the answer; anything but text is passed over."""
        if type(piece) is not str or not piece:
            return
        if not choice:
            self.text.add(piece)
        elif type(choice) is int and len(self.choices) < _MOST_CHOICES:
            self.choices.setdefault(choice, Pieces()).add(piece)

    def think(self, piece: object) -> None:
        """Text of the reasoning before the answer."""
        if type(piece) is str and piece:
            self.reasoning.add(piece)

    def tool(self, key: object) -> ToolCall:
        """The call with that key, a new one if it is the first piece of it; the last one beyond a bound."""
        call = self.tools.get(key)
        if call is None:
            call = ToolCall()
            if len(self.tools) < _MOST_TOOLS:
                self.tools[key] = call
        return call

    def note_model(self, model: object) -> None:
        """The model that answers: the first one named."""
        if self.model is None and model is not None:
            self.model = text_of(model)

    def note_end(self, reason: object) -> None:
        """Why the answer ended: the last reason named."""
        if reason is not None:
            self.finish_reason = text_of(reason, 100) or self.finish_reason

    def note_usage(self, usage: object) -> None:
        """Counts so far: later ones replace earlier ones, those not repeated stay."""
        parts: Mapping[str, Any] = parts_of(usage) if usage is not None else {}
        self.usage.update({name: part for name, part in parts.items() if part is not None})

    def add_usage(self, usage: object) -> None:
        """Counts of this chunk alone, to be added up."""
        for name, count in (read_usage(usage) or {}).items():
            self.summed[name] = self.summed.get(name, 0) + count

    def counts(self) -> dict[str, int] | None:
        """Disjoint token counts; `None` when the stream reported none."""
        return self.summed or (read_usage(self.usage) if self.usage else None)

    def written(self) -> object:
        """A text when there is nothing but text, an object with what there is otherwise; `None` for nothing."""
        whole: dict[str, object] = {}
        if self.text.kept:
            whole["content"] = self.text.text()
        if self.reasoning.kept:
            whole["reasoning"] = self.reasoning.text()
        if self.choices:
            whole["other_choices"] = [self.choices[index].text() for index in sorted(self.choices)]
        if self.tools:
            whole["tool_calls"] = [call.written() for call in self.tools.values()]
        if not whole:
            return None
        return whole["content"] if len(whole) == 1 and "content" in whole else whole
