"""One short function for each streaming protocol: from the parts of a chunk to what it adds to the answer."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from agent_trace.recording.capturing.capture import Limits, capture
from agent_trace.recording.process import redact_text
from agent_trace.recording.reading.gathered import Gathered
from agent_trace.recording.reading.parts import first_item, first_of, parts_of
from agent_trace.recording.reading.results import read_result

Parts = Mapping[str, Any]
Fold = Callable[[Gathered, Parts], None]

_ARGUMENT_LIMITS: Final = Limits(max_bytes=65_536, max_nodes=2_000, max_depth=16)


def fold_for(parts: Parts) -> Fold | None:
    """The protocol that a chunk belongs to; `None` when it is no chunk of a known one."""
    if "choices" in parts:
        return _chat
    kind = parts.get("type")
    if type(kind) is str:
        if kind.startswith("response."):
            return _responses
        if kind in _BY_TYPE:
            return _BY_TYPE[kind]
        if (
            "snapshot" in parts
        ):  # helper events of the OpenAI and Anthropic clients repeat what raw events said
            return _repeated
    for sign, fold in _BY_SIGN.items():
        if sign in parts:
            return fold
    if len(parts) == 1 and "usage" in parts_of(parts.get("metadata")):
        return _bedrock
    if "done" in parts and ("message" in parts or "response" in parts):
        return _ollama
    return _text if parts and parts.keys() <= _TEXT_PARTS and not _TEXTS.isdisjoint(parts.keys()) else None


def _chat(gathered: Gathered, parts: Parts) -> None:
    """OpenAI chat completion chunks and the many that copy them; legacy completions have `text`."""
    for choice in parts["choices"] or ():
        choice_parts = parts_of(choice)
        delta = parts_of(choice_parts.get("delta"))
        index = choice_parts.get("index")
        content = delta.get("content")
        if content:
            gathered.say(content, index)
        elif not delta:
            gathered.say(choice_parts.get("text"), index)
        gathered.think(first_of(delta, "reasoning_content", "reasoning"))
        for call in delta.get("tool_calls") or ():
            _chat_tool(gathered, parts_of(call), index)
        if choice_parts.get("finish_reason") is not None:
            gathered.note_end(choice_parts["finish_reason"])
    if gathered.model is None:
        gathered.note_model(parts.get("model"))
    if parts.get("usage") is not None:
        gathered.note_usage(parts["usage"])


def _chat_tool(gathered: Gathered, call: Parts, choice: object) -> None:
    function = parts_of(call.get("function"))
    tool = gathered.tool((choice, call.get("index"))).named(call.get("id"), function.get("name"))
    _add_arguments(tool.arguments.add, function.get("arguments"))


def _add_arguments(add: Callable[[str], None], arguments: object) -> None:
    if type(arguments) is str:
        add(arguments)
    elif arguments:
        add(capture(arguments, _ARGUMENT_LIMITS, "arguments", redact_text)[0].decode())


def _responses(gathered: Gathered, parts: Parts) -> None:
    kind = parts["type"]
    if kind in ("response.output_text.delta", "response.refusal.delta"):
        gathered.say(parts.get("delta"))
    elif kind in ("response.reasoning_text.delta", "response.reasoning_summary_text.delta"):
        gathered.think(parts.get("delta"))
    elif kind == "response.function_call_arguments.delta":
        _add_arguments(gathered.tool(parts.get("output_index")).arguments.add, parts.get("delta"))
    elif kind == "response.output_item.added":
        item = parts_of(parts.get("item"))
        if item.get("type") == "function_call":
            gathered.tool(parts.get("output_index")).named(item.get("call_id"), item.get("name"))
    elif kind in ("response.completed", "response.incomplete", "response.failed", "response.created"):
        response = parts_of(parts.get("response"))
        gathered.note_model(response.get("model"))
        gathered.note_usage(response.get("usage"))
        reading = read_result(parts.get("response")) if kind != "response.created" else None
        gathered.note_end(reading.finish_reason if reading else None)


def _message_start(gathered: Gathered, parts: Parts) -> None:
    message = parts_of(parts.get("message"))
    gathered.note_model(message.get("model"))
    gathered.note_usage(message.get("usage"))


def _block_start(gathered: Gathered, parts: Parts) -> None:
    block = parts_of(parts.get("content_block"))
    if block.get("type") in ("tool_use", "server_tool_use"):
        gathered.tool(parts.get("index")).named(block.get("id"), block.get("name"))
    gathered.say(block.get("text"))
    gathered.think(block.get("thinking"))


def _block_delta(gathered: Gathered, parts: Parts) -> None:
    delta = parts_of(parts.get("delta"))
    gathered.say(delta.get("text"))
    gathered.think(delta.get("thinking"))
    if delta.get("partial_json"):
        _add_arguments(gathered.tool(parts.get("index")).arguments.add, delta["partial_json"])


def _message_delta(gathered: Gathered, parts: Parts) -> None:
    gathered.note_end(parts_of(parts.get("delta")).get("stop_reason"))
    gathered.note_usage(parts.get("usage"))


def _wrapped_chat(gathered: Gathered, parts: Parts) -> None:
    chunk = parts_of(parts.get("chunk"))
    if "choices" in chunk:
        _chat(gathered, chunk)


def _repeated(gathered: Gathered, parts: Parts) -> None:
    pass


def _langchain(gathered: Gathered, parts: Parts) -> None:
    content = parts.get("content")
    for block in content if isinstance(content, list) else (content,):
        gathered.say(block if type(block) is str else parts_of(block).get("text"))
    for call in parts.get("tool_call_chunks") or ():
        piece = parts_of(call)
        tool = gathered.tool(piece.get("index")).named(piece.get("id"), piece.get("name"))
        _add_arguments(tool.arguments.add, piece.get("args"))
    said = parts_of(parts.get("response_metadata"))
    gathered.note_model(first_of(said, "model_name", "model"))
    gathered.note_end(first_of(said, "finish_reason", "stop_reason", "done_reason"))
    gathered.add_usage(parts.get("usage_metadata"))


def _gemini(gathered: Gathered, parts: Parts) -> None:
    candidate = first_item(parts, "candidates")
    for part in parts_of(candidate.get("content")).get("parts") or ():
        piece = parts_of(part)
        (gathered.think if piece.get("thought") is True else gathered.say)(piece.get("text"))
        called = parts_of(first_of(piece, "function_call", "functionCall"))
        if called:
            tool = gathered.tool(len(gathered.tools)).named(called.get("id"), called.get("name"))
            _add_arguments(tool.arguments.add, called.get("args"))
    gathered.note_end(first_of(candidate, "finish_reason", "finishReason"))
    gathered.note_model(first_of(parts, "model_version", "modelVersion"))
    gathered.note_usage(first_of(parts, "usage_metadata", "usageMetadata"))


def _ollama(gathered: Gathered, parts: Parts) -> None:
    message = parts_of(parts.get("message"))
    gathered.say(first_of(message, "content") or parts.get("response"))
    gathered.think(first_of(message, "thinking") or parts.get("thinking"))
    for call in message.get("tool_calls") or ():
        function = parts_of(parts_of(call).get("function"))
        tool = gathered.tool(len(gathered.tools)).named(None, function.get("name"))
        _add_arguments(tool.arguments.add, function.get("arguments"))
    gathered.note_model(parts.get("model"))
    gathered.note_end(parts.get("done_reason"))
    gathered.note_usage({name: parts.get(name) for name in ("prompt_eval_count", "eval_count")})


def _bedrock(gathered: Gathered, parts: Parts) -> None:
    begun, changed = parts_of(parts.get("contentBlockStart")), parts_of(parts.get("contentBlockDelta"))
    called = parts_of(parts_of(begun.get("start")).get("toolUse"))
    if called:
        gathered.tool(begun.get("contentBlockIndex")).named(called.get("toolUseId"), called.get("name"))
    delta = parts_of(changed.get("delta"))
    gathered.say(delta.get("text"))
    gathered.think(parts_of(delta.get("reasoningContent")).get("text"))
    more = parts_of(delta.get("toolUse")).get("input")
    if more:
        _add_arguments(gathered.tool(changed.get("contentBlockIndex")).arguments.add, more)
    gathered.note_end(parts_of(parts.get("messageStop")).get("stopReason"))
    gathered.note_usage(parts_of(parts.get("metadata")).get("usage"))


def _text(gathered: Gathered, parts: Parts) -> None:
    gathered.say(first_of(parts, *_TEXT_ORDER), parts.get("index"))
    gathered.note_model(parts.get("model"))
    gathered.note_end(parts.get("finish_reason"))
    gathered.note_usage(parts.get("usage"))


_TEXT_ORDER: Final = ("content", "text", "delta", "token")
_TEXTS: Final = frozenset(_TEXT_ORDER)
_TEXT_PARTS: Final = _TEXTS | {"role", "index", "finish_reason", "usage", "model", "id"}

_BY_TYPE: Final[dict[str, Fold]] = {
    "message_start": _message_start,
    "content_block_start": _block_start,
    "content_block_delta": _block_delta,
    "content_block_stop": _repeated,
    "message_delta": _message_delta,
    "message_stop": _repeated,
    "ping": _repeated,
    "chunk": _wrapped_chat,
    "AIMessageChunk": _langchain,
}
_BY_SIGN: Final[dict[str, Fold]] = {
    "candidates": _gemini,
    "usageMetadata": _gemini,
    "contentBlockDelta": _bedrock,
    "contentBlockStart": _bedrock,
    "contentBlockStop": _bedrock,
    "messageStart": _bedrock,
    "messageStop": _bedrock,
}
