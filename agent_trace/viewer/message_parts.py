"""What one message holds: text, reasoning, calls of tools and their results, media; in whichever form a client has them.

Read are the content blocks of OpenAI (chat and responses), Anthropic, Gemini, Bedrock, LangChain and OpenTelemetry's
conventions. A block of an unknown form is a `value`: nothing that was said is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import orjson

from agent_trace.viewer.pointers import At

Kind = Literal["text", "reasoning", "call", "result", "media", "value"]


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a message. `value` is text, or what a tool was called with or gave, as JSON values."""

    kind: Kind
    value: Any
    at: At
    name: str = ""
    """The tool's, or what kind of media it is."""
    call_id: str = ""


_TEXT: Final = frozenset({"text", "input_text", "output_text", "summary_text", "refusal"})
_CALLS: Final = frozenset({"tool_use", "server_tool_use", "mcp_tool_use", "tool_call", "function_call"})
_RESULTS: Final = frozenset({"tool_result", "tool_call_response", "function_call_output"})
_REASONING: Final = frozenset({"thinking", "reasoning", "reasoning_content"})
_MEDIA: Final = frozenset(
    {"image", "image_url", "input_image", "document", "file", "input_file", "audio", "input_audio", "video"}
)
_MEDIA_KEYS: Final = ("inline_data", "inlineData", "file_data", "fileData", "image", "document", "video")
_CALL_KEYS: Final = ("function_call", "functionCall", "toolUse")
_RESULT_KEYS: Final = ("function_response", "functionResponse", "toolResult")


def parts_of(content: Any, at: At) -> list[Part]:
    """The parts of a message's content: a text, a block, or a list of both."""
    if content is None or content == "":
        return []
    if isinstance(content, list):
        return [part for place, each in enumerate(content) for part in _block(each, (*at, place))]
    return _block(content, at)


def calls_of(message: Mapping[str, Any], at: At) -> list[Part]:
    """The calls that a message has beside its content: `tool_calls`, or the older `function_call`."""
    calls = message.get("tool_calls")
    found = []
    if isinstance(calls, list):
        found = [_tool_call(each, (*at, "tool_calls", place)) for place, each in enumerate(calls)]
    if isinstance(message.get("function_call"), Mapping):
        found.append(_tool_call(message["function_call"], (*at, "function_call")))
    return found


def result(value: Any, at: At, call_id: Any = "", name: Any = "") -> Part:
    """What a tool gave; blocks of nothing but text are the text."""
    texts = [_plain_text(each) for each in value] if isinstance(value, list) and value else [None]
    joined = value if None in texts else "\n".join(text or "" for text in texts)
    return Part("result", _parsed(joined), at, _word(name), _word(call_id))


def _block(block: Any, at: At) -> list[Part]:
    if isinstance(block, str):
        return [Part("text", block, at)] if block else []
    if not isinstance(block, Mapping):
        return [Part("value", block, at)]
    kind = block.get("type")
    return _typed(kind, block, at) if isinstance(kind, str) else _keyed(block, at)


def _typed(kind: str, block: Mapping[str, Any], at: At) -> list[Part]:
    """A block that says what it is."""
    if kind in _TEXT:
        return _text(block, at)
    if kind in _REASONING:
        return _reasoning(kind, block, at)
    if kind in _CALLS:
        return [_tool_call(block, at)]
    if kind in _RESULTS or kind.endswith("_tool_result"):
        key = next((each for each in ("content", "output", "response", "result") if each in block), "")
        id = block.get("tool_use_id") or block.get("call_id") or block.get("id")
        return [result(block.get(key), (*at, key) if key else at, id, block.get("name"))]
    if kind in _MEDIA:
        return [Part("media", block, at, kind)]
    return [Part("value", block, at)]


def _keyed(block: Mapping[str, Any], at: At) -> list[Part]:
    """A block that is known by its one key, as Gemini and Bedrock have them; keys that are null are not there."""
    if isinstance(block.get("text"), str) and block["text"]:
        return [Part("reasoning" if block.get("thought") is True else "text", block["text"], (*at, "text"))]
    for key in _CALL_KEYS:
        if isinstance(block.get(key), Mapping):
            return [_tool_call(block[key], (*at, key))]
    for key in _RESULT_KEYS:
        given = block.get(key)
        if isinstance(given, Mapping):
            held = "content" if "content" in given else "response"
            return [result(given.get(held), (*at, key, held), given.get("toolUseId"), given.get("name"))]
    for key in _MEDIA_KEYS:
        if isinstance(block.get(key), Mapping):
            return [Part("media", block[key], (*at, key), key.replace("_data", "").replace("Data", ""))]
    return [Part("value", block, at)]


def _text(block: Mapping[str, Any], at: At) -> list[Part]:
    for key in ("text", "refusal", "content"):
        if isinstance(block.get(key), str):
            return [Part("text", block[key], (*at, key))] if block[key] else []
    return [Part("value", block, at)]


def _reasoning(kind: str, block: Mapping[str, Any], at: At) -> list[Part]:
    for key in ("thinking", "text", "reasoning", "content", "summary"):
        given = block.get(key)
        if isinstance(given, str) and given:
            return [Part("reasoning", given, (*at, key))]
        if isinstance(given, list) and given:
            return [Part("reasoning", part.value, part.at) for part in parts_of(given, (*at, key))]
    # Reasoning that a provider keeps to itself: an id or a signature, and no word.
    return []


def _tool_call(call: Any, at: At) -> Part:
    """A call as OpenAI, Anthropic, Gemini or LangChain has it. Arguments that are JSON in a text are read."""
    if not isinstance(call, Mapping):
        return Part("value", call, at)
    function = call.get("function")
    inner, inner_at = (function, (*at, "function")) if isinstance(function, Mapping) else (call, at)
    key = next((each for each in ("arguments", "input", "args") if inner.get(each) is not None), "")
    id = call.get("call_id") or call.get("id") or call.get("toolUseId")
    arguments = _parsed(inner.get(key)) if key else None
    return Part("call", arguments, (*inner_at, key) if key else inner_at, _word(inner.get("name")), _word(id))


def _plain_text(block: Any) -> str | None:
    if isinstance(block, Mapping) and block.get("type", "text") in _TEXT:
        text = block.get("text")
        return text if isinstance(text, str) else None
    return block if isinstance(block, str) else None


def _parsed(value: Any) -> Any:
    """JSON objects and lists that were written into a text; anything else as it is."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "["):
        return value
    try:
        return orjson.loads(value)
    except ValueError:
        return value


def _word(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)
