"""Input and output of an observation as a conversation: who said what, and what else was given beside it.

Read are the forms in which OpenAI's chat and responses, Anthropic, Gemini, Ollama, LangChain and those modelled on
them have messages, and plain prompts. What is of no such form has no conversation: it is shown as the value it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from agent_trace.viewer.message_parts import Part, calls_of, parts_of, result
from agent_trace.viewer.pointers import At


@dataclass(frozen=True, slots=True)
class Message:
    """What one side said. `role` is `system`, `user`, `assistant`, `tool`, or the word that was given instead."""

    role: str
    parts: tuple[Part, ...]
    name: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages in their order; `rest` is what was given beside them, None when that is nothing."""

    messages: list[Message]
    rest: Any = None


_ROLES: Final = {
    "human": "user",
    "ai": "assistant",
    "model": "assistant",
    "developer": "system",
    "function": "tool",
    "HumanMessage": "user",
    "AIMessage": "assistant",
    "AIMessageChunk": "assistant",
    "SystemMessage": "system",
    "ToolMessage": "tool",
    "FunctionMessage": "tool",
}
_LISTS: Final = ("messages", "contents", "input", "chat_history", "history")
_SYSTEM: Final = (
    "system",
    "instructions",
    "system_prompt",
    "system_message",
    "system_instruction",
    "systemInstruction",
)
_PROMPTS: Final = ("prompt", "user_prompt", "user_content", "user_message", "question", "query", "message", "text", "input", "contents")  # fmt: skip
_ITEM_ROLES: Final = {
    "function_call": "assistant",
    "reasoning": "assistant",
    "function_call_output": "tool",
}
_CONTENT: Final = ("content", "parts", "tool_calls", "function_call")
_REASONING: Final = ("reasoning_content", "reasoning", "thinking")


def read_input(given: Any, *, is_generation: bool) -> Conversation | None:
    """The conversation that a call was given. Plain texts are prompts only for a generation."""
    at: At = ("input",)
    if isinstance(given, list):
        messages = _messages(given, at)
        return _named(Conversation(messages)) if messages else None
    if isinstance(given, str):
        return Conversation([_said("user", given, at)]) if is_generation and given else None
    if not isinstance(given, Mapping):
        return None
    found = _held(given, at) or _nested(given, at)
    return _named(found) if found else _prompts(given, at) if is_generation else None


def read_output(given: Any, *, is_generation: bool) -> Conversation | None:
    """The conversation that a call gave back: one answer, or the choices there are."""
    at: At = ("output",)
    if isinstance(given, str):
        return Conversation([_said("assistant", given, at)]) if is_generation and given else None
    if isinstance(given, list):
        messages = _messages(given, at)
        return Conversation(messages) if messages else None
    return _answer(given, at, is_generation) if isinstance(given, Mapping) else None


def _named(conversation: Conversation) -> Conversation:
    """The same with the tool's name at each result of a call that is in the conversation."""
    parts = [part for message in conversation.messages for part in message.parts]
    names = {part.call_id: part.name for part in parts if part.kind == "call" and part.call_id}
    for number, message in enumerate(conversation.messages):
        if any(part.kind == "result" and not part.name and part.call_id in names for part in message.parts):
            named = (
                replace(part, name=names.get(part.call_id, ""))
                if part.kind == "result" and not part.name
                else part
                for part in message.parts
            )
            conversation.messages[number] = replace(message, parts=tuple(named))
    return conversation


def _held(holder: Mapping[str, Any], at: At) -> Conversation | None:
    """Messages under one of the usual names, with the system's instructions beside them."""
    for key in _LISTS:
        messages = _messages(holder.get(key), (*at, key))
        if messages:
            system, used = _system(holder, at)
            return Conversation(system + messages, _without(holder, key, *used))
    return None


def _nested(given: Mapping[str, Any], at: At) -> Conversation | None:
    """Messages one level down: a client's whole request as one parameter, or a parameter of any other name."""
    for key, value in given.items():
        if isinstance(value, Mapping):
            found = _held(value, (*at, key))
            if found:
                outer = _without(given, key)
                rest = {**outer, key: found.rest} if outer and found.rest else outer or found.rest
                return Conversation(found.messages, rest)
        messages = _messages(value, (*at, key))
        if messages:
            system, used = _system(given, at)
            return Conversation(system + messages, _without(given, key, *used))
    return None


def _prompts(given: Mapping[str, Any], at: At) -> Conversation | None:
    """Prompts that are texts of their own."""
    if len(given) == 1:
        (key, value), inner_at = next(iter(given.items())), at
        if isinstance(value, str) and value:
            return Conversation([_said("user", value, (*at, key))])
        given, at = (value, (*inner_at, key)) if isinstance(value, Mapping) else (given, at)
    named = [key for key in _PROMPTS if isinstance(given.get(key), str) and given[key]]
    if not named:
        return None
    system, used = _system(given, at)
    messages = [_said("user", given[key], (*at, key)) for key in given if key in named]
    return Conversation(system + messages, _without(given, *named, *used))


def _system(holder: Mapping[str, Any], at: At) -> tuple[list[Message], list[str]]:
    """What the system is told apart from the messages, and the names that it stood under."""
    for key in _SYSTEM:
        given = holder.get(key)
        if isinstance(given, Mapping) and isinstance(given.get("parts"), list):
            return [Message("system", tuple(parts_of(given["parts"], (*at, key, "parts"))))], [key]
        if isinstance(given, str | list) and given:
            return [Message("system", tuple(parts_of(given, (*at, key))))], [key]
    config = holder.get("config")
    if isinstance(config, Mapping) and any(config.get(key) for key in _SYSTEM):
        return _system(config, (*at, "config"))[0], []
    return [], []


def _answer(given: Mapping[str, Any], at: At, is_generation: bool) -> Conversation | None:
    for key, inner in (("choices", "message"), ("candidates", "content")):
        found = _choices(given.get(key), inner, (*at, key))
        if found:
            return Conversation(found, _without(given, key))
    output = _messages(given.get("output"), (*at, "output"))
    if output:
        return Conversation(output, _without(given, "output", "output_text"))
    message = _message(given, at, "assistant")
    if message and ("role" in given or is_generation):
        return Conversation([message], _without(given, "role", "type", *_CONTENT, *_REASONING, "refusal"))
    if isinstance(given.get("message"), Mapping):
        message = _message(given["message"], (*at, "message"), "assistant")
        return Conversation([message], _without(given, "message")) if message else None
    for key in ("response", "text", "output_text", "answer", "completion"):
        if is_generation and isinstance(given.get(key), str) and given[key]:
            return Conversation([_said("assistant", given[key], (*at, key))], _without(given, key))
    return None


def _choices(choices: Any, inner: str, at: At) -> list[Message]:
    """The message in each choice; a completion's choice has a text instead."""
    found = []
    for place, choice in enumerate(choices if isinstance(choices, list) else ()):
        held = choice.get(inner) if isinstance(choice, Mapping) else None
        if isinstance(held, Mapping):
            message = _message(held, (*at, place, inner), "assistant")
            found += [message] if message else []
        elif isinstance(choice, Mapping) and isinstance(choice.get("text"), str):
            found.append(_said("assistant", choice["text"], (*at, place, "text")))
    return found


def _messages(given: Any, at: At) -> list[Message]:
    """Every one of a list of messages; none when something in it is anything else."""
    if isinstance(given, list) and len(given) == 1 and isinstance(given[0], list):
        given, at = given[0], (*at, 0)
    if not isinstance(given, list) or not any(isinstance(each, Mapping) for each in given):
        return []
    found = []
    for place, each in enumerate(given):
        message = _said("user", each, (*at, place)) if isinstance(each, str) else None
        message = _message(each, (*at, place)) if isinstance(each, Mapping) else message
        if message is None:
            return []
        found.append(message)
    return found


def _message(given: Mapping[str, Any], at: At, default_role: str = "") -> Message | None:
    if given.get("type") == "constructor" and isinstance(given.get("kwargs"), Mapping):
        names = given.get("id")
        role = _ROLES.get(str(names[-1]), "") if isinstance(names, list) and names else ""
        return _message(given["kwargs"], (*at, "kwargs"), role or default_role)
    kind = given.get("type")
    if isinstance(kind, str) and kind in _ITEM_ROLES:
        return Message(_ITEM_ROLES[kind], tuple(parts_of(given, at)))
    role = given.get("role") or (_ROLES.get(kind) if isinstance(kind, str) else None) or default_role
    if not isinstance(role, str) or not role or not any(key in given for key in _CONTENT):
        return None
    role = _ROLES.get(role, role)
    name = given["name"] if isinstance(given.get("name"), str) else ""
    return Message(role, tuple(_parts(given, at, role)), "" if role == "tool" else name)


def _parts(given: Mapping[str, Any], at: At, role: str) -> list[Part]:
    key = "parts" if isinstance(given.get("parts"), list) else "content"
    content = given.get(key)
    if role == "tool" and key == "content":
        return [result(content, (*at, key), given.get("tool_call_id"), given.get("name"))]
    reasoning = [
        Part("reasoning", given[each], (*at, each))
        for each in _REASONING
        if isinstance(given.get(each), str) and given[each]
    ]
    refusal = parts_of(given["refusal"], (*at, "refusal")) if isinstance(given.get("refusal"), str) else []
    return [*reasoning[:1], *parts_of(content, (*at, key)), *refusal, *calls_of(given, at)]


def _said(role: str, text: str, at: At) -> Message:
    return Message(role, tuple(parts_of(text, at)))


def _without(given: Mapping[str, Any], *names: str) -> dict[str, Any] | None:
    return {key: value for key, value in given.items() if key not in names and value is not None} or None
