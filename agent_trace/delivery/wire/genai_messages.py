"""Input and output of a generation as messages of the GenAI semantic conventions: role and parts.

Read are the forms in which OpenAI's and Anthropic's chats, and those modelled on them, have messages. Whatever is of
another form stays as it is, under `agent_trace.input` and `agent_trace.output`.
"""

from typing import Any, Final

from agent_trace.delivery.backend import Record
from agent_trace.delivery.wire.protobuf import Value
from agent_trace.delivery.wire.values import json_bytes, mapping, str_of

Message = dict[str, Any]

_IN_CHOICE: Final = frozenset({"index", "message", "finish_reason", "logprobs"})


def generation_content(record: Record) -> dict[str, Value]:
    """The attributes of a generation's input and output."""
    return _input(record.get("input")) | _output(record.get("output"), record.get("finish_reason"))


def _input(given: Any) -> dict[str, Value]:
    """The messages among the arguments of a call, and what else was given."""
    found: dict[str, Value] = {}
    outer = mapping(given)
    name = next((each for each in outer if _has_messages(outer[each])), None)
    holder = outer[name] if name is not None else given
    if _has_messages(holder):
        found["gen_ai.input.messages"] = json_bytes([_message(each) for each in holder["messages"]])
        if isinstance(holder.get("system"), str):
            found["gen_ai.system_instructions"] = json_bytes([_text(holder["system"])])
        left = {key: value for key, value in holder.items() if key != "messages"}
        given = {**outer, name: left} if name is not None else left
        given = {key: value for key, value in given.items() if value != {}}
    elif isinstance(given, str) or list(outer) in (["prompt"], ["question"]):
        text = given if isinstance(given, str) else next(iter(outer.values()))
        if isinstance(text, str):
            return {"gen_ai.input.messages": json_bytes([{"role": "user", "parts": [_text(text)]}])}
    if given is not None and given != {}:
        found["agent_trace.input"] = json_bytes(given)
    return found


def _has_messages(value: Any) -> bool:
    messages = mapping(value).get("messages")
    return isinstance(messages, list) and bool(messages) and all(_is_message(each) for each in messages)


def _is_message(value: Any) -> bool:
    return isinstance(mapping(value).get("role"), str)


def _output(given: Any, finish_reason: Any) -> dict[str, Value]:
    if given is None:
        return {}
    if isinstance(given, str):
        return {"gen_ai.output.messages": json_bytes([_answer({"content": given}, finish_reason)])}
    answer = mapping(given)
    found: dict[str, Value] = (
        {"gen_ai.response.id": answer["id"]} if isinstance(answer.get("id"), str) else {}
    )
    choices = answer.get("choices")
    if isinstance(choices, list) and choices and all(_is_choice(each) for each in choices):
        messages = [_answer(each["message"], each.get("finish_reason") or finish_reason) for each in choices]
        found["gen_ai.output.messages"] = json_bytes(messages)
        answer = {key: value for key, value in answer.items() if key != "choices"}
    elif answer.get("role") == "assistant" and isinstance(answer.get("content"), (str, list)):
        found["gen_ai.output.messages"] = json_bytes(
            [_answer(answer, answer.get("stop_reason") or finish_reason)]
        )
        answer = {key: value for key, value in answer.items() if key not in ("role", "content")}
    else:
        return found | {"agent_trace.output": json_bytes(given)}
    return found | ({"agent_trace.output": json_bytes(answer)} if answer else {})


def _is_choice(value: Any) -> bool:
    """A choice that its message says all of: with token probabilities, the answer is better left as it is."""
    choice = mapping(value)
    return (
        isinstance(choice.get("message"), dict)
        and choice.keys() <= _IN_CHOICE
        and choice.get("logprobs") is None
    )


def _answer(message: Any, finish_reason: Any) -> Message:
    return {
        **_message({"role": "assistant", **mapping(message)}),
        "finish_reason": str_of(finish_reason or "stop"),
    }


def _message(given: Message) -> Message:
    """Role and parts; what else a message holds (a name, a refusal) is kept beside them."""
    content, role = given.get("content"), given["role"]
    if role == "tool":
        parts = [{"type": "tool_call_response", "id": given.get("tool_call_id"), "response": content}]
    else:
        parts = [*_parts(content), *map(_tool_call, _calls(given))]
    read = {"role", "content", "tool_calls", "tool_call_id", "finish_reason", "stop_reason"}
    beside = {key: value for key, value in given.items() if key not in read and value is not None}
    return {"role": role, "parts": parts, **beside} if "parts" not in beside else {"role": role, **beside}


def _parts(content: Any) -> list[Message]:
    if content is None:
        return []
    if isinstance(content, list):
        return [_part(each) for each in content]
    return [_text(content if isinstance(content, str) else json_bytes(content).decode())]


def _part(block: Any) -> Message:
    """One block of a message's content; a block of an unknown type is a part as it is."""
    found = mapping(block)
    kind = found.get("type")
    if kind in ("text", "input_text", "output_text") and isinstance(found.get("text"), str):
        return _text(found["text"])
    if kind == "tool_use":
        return {
            "type": "tool_call",
            "id": found.get("id"),
            "name": found.get("name"),
            "arguments": found.get("input"),
        }
    if kind == "tool_result":
        return {
            "type": "tool_call_response",
            "id": found.get("tool_use_id"),
            "response": found.get("content"),
        }
    return (
        found
        if isinstance(kind, str)
        else _text(block if isinstance(block, str) else json_bytes(block).decode())
    )


def _calls(message: Message) -> list[Any]:
    calls = message.get("tool_calls")
    return calls if isinstance(calls, list) else []


def _tool_call(call: Any) -> Message:
    """A tool call as OpenAI has it: its arguments are JSON in a text, and stay one."""
    found = mapping(call)
    function = mapping(found.get("function"))
    name, arguments = function.get("name", found.get("name")), function.get("arguments", found.get("args"))
    return {"type": "tool_call", "id": found.get("id"), "name": name, "arguments": arguments}


def _text(text: str) -> Message:
    return {"type": "text", "content": text}
