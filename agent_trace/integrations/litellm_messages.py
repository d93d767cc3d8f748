"""Answers in a provider's own form, which LiteLLM hands out as dicts and as the raw bytes of a stream: whole, and priced."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any, Final

import orjson

from agent_trace.recording.reading.parts import parts_of

_GROWING: Final = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
    "input_json_delta": "partial_json",
}
"""Of each kind of delta, where it has its piece."""
_CHUNK: Final = "chat.completion.chunk"
_ENDS: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})


class StreamFailed(Exception):
    """What a server said in the middle of a stream, in the place of the rest: `overloaded_error: Overloaded`."""


def is_message(answer: object) -> bool:
    """Whether this is an answer in Anthropic's form."""
    return isinstance(answer, dict) and answer.get("type") == "message" and "usage" in answer


def is_response(answer: object) -> bool:
    """Whether this is one of the responses API, of which LiteLLM tells with counts as chat completions have them."""
    return getattr(answer, "object", None) == "response"


def answer_of_event(told: Any) -> Any:
    """The answer that the last event of a stream of responses is about; anything else is what it is."""
    answer = getattr(told, "response", None) if getattr(told, "type", None) in _ENDS else None
    return told if answer is None or isinstance(answer, dict) else answer


def whole_message(pieces: Iterable[bytes]) -> dict[str, Any] | None:
    """The message that a stream of server-sent events amounts to; None when its end is not among them."""
    message: dict[str, Any] | None = None
    blocks: dict[Any, _Block] = {}
    for event in events_in(b"".join(pieces)):
        kind, index = event.get("type"), event.get("index")
        if kind == "message_start":
            message = dict(parts_of(event.get("message")))
        elif kind == "content_block_start":
            blocks[index] = _Block(parts_of(event.get("content_block")))
        elif kind == "content_block_delta" and index in blocks:
            blocks[index].add(parts_of(event.get("delta")))
        elif kind == "message_delta" and message is not None:
            message.update(parts_of(event.get("delta")))
            message["usage"] = _added(parts_of(message.get("usage")), parts_of(event.get("usage")))
        elif kind == "message_stop" and message is not None:
            return {**message, "content": [each.whole() for each in blocks.values()]}
    return None


def whole_answer(pieces: Iterable[bytes]) -> dict[str, Any] | None:
    """The answer in OpenAI's form, of chat completions or responses, that a stream amounts to; None without one."""
    events = list(events_in(b"".join(pieces)))
    for event in events:
        if event.get("type") in _ENDS:
            return dict(parts_of(event.get("response")))
    litellm: Any = import_module("litellm")
    chunks = [litellm.ModelResponseStream(**each) for each in events if each.get("object") == _CHUNK]
    if not chunks:
        return None
    whole: dict[str, Any] = litellm.stream_chunk_builder(chunks).model_dump()
    if not any(each.get("usage") for each in events):
        del whole["usage"]  # an estimate, without the question
    return whole


def failure_in(pieces: Iterable[bytes]) -> StreamFailed | None:
    """The error that a stream of server-sent events ended with; None when it did not."""
    for event in events_in(b"".join(pieces)):
        if event.get("type") == "error":
            said = parts_of(event.get("error"))
            return StreamFailed(": ".join(str(said[part]) for part in ("type", "message") if said.get(part)))
    return None


def priced_form(message: Mapping[str, Any], model: object) -> Any:
    """What LiteLLM's price calculation understands: an answer in its own form with the same counts."""
    litellm: Any = import_module("litellm")
    usage = litellm.AnthropicConfig().calculate_usage(usage_object=message["usage"], reasoning_content=None)
    return litellm.ModelResponse(model=model, usage=usage)


def events_in(content: bytes) -> Iterator[Mapping[str, Any]]:
    """What the server-sent events of a stream say."""
    for line in content.splitlines():
        if line.startswith(b"data:"):
            try:
                yield parts_of(orjson.loads(line[5:]))
            except orjson.JSONDecodeError:
                continue


class _Block:
    """One part of a message: as it began, and the pieces that came after."""

    def __init__(self, begun: Mapping[str, Any]) -> None:
        self._begun = begun
        self._pieces: dict[str, list[str]] = {}

    def add(self, delta: Mapping[str, Any]) -> None:
        name = _GROWING.get(str(delta.get("type")))
        if name is not None:
            self._pieces.setdefault(name, []).append(str(delta.get(name) or ""))

    def whole(self) -> dict[str, Any]:
        grown: dict[str, Any] = {name: "".join(pieces) for name, pieces in self._pieces.items()}
        called_with = grown.pop("partial_json", None)
        if called_with:
            grown["input"] = _arguments(called_with)
        return {**self._begun, **grown}


def _arguments(text: str) -> Any:
    """What a tool is to be called with; as text when the model was cut off in the midst of it."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _added(counts: Mapping[str, Any], newer: Mapping[str, Any]) -> dict[str, Any]:
    return {**counts, **{name: count for name, count in newer.items() if count is not None}}
