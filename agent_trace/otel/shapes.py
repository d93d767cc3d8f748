"""Structure that was flattened into attributes, put together again: JSON texts, and lists with numbers in their names."""

from typing import Any, Final

import orjson

from agent_trace.otel.meaning import Attributes
from agent_trace.recording.reading.token_usage import read_usage

_MOST_LEVELS: Final = 16
_WRAPPERS: Final = frozenset(
    {
        *("message", "message_content", "tool_call", "tool", "prompt", "completion"),
        *("document", "image", "embedding", "reranker"),
    }
)
"""OpenInference names each item of a list once more: `llm.input_messages.0.message.role`."""


def parsed(text: object) -> Any:
    """The value of a JSON object or list; anything else as it is, also what only looks like JSON."""
    if type(text) is str and text[:1] in ("{", "["):
        return parsed_any(text)
    return text


def parsed_any(text: object) -> Any:
    """The value of a JSON text of any kind; anything else as it is."""
    if type(text) is not str:
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def take_tree(rest: Attributes, prefix: str) -> Any:
    """Take everything below `prefix.` out of the attributes, as the nested value it was; `None` for nothing."""
    start = prefix + "."
    tree: dict[str, Any] = {}
    for name in [name for name in rest if name.startswith(start)]:
        *path, last = name[len(start) :].split(".", _MOST_LEVELS)
        node = tree
        for part in path:
            below = node.get(part)
            if type(below) is not dict:
                below = node[part] = {} if below is None else {"": below}
            node = below
        node[last] = rest.pop(name)
    return _shaped(tree) if tree else None


def _shaped(node: Any) -> Any:
    if type(node) is not dict:
        return node
    if all(name.isascii() and name.isdecimal() for name in node):
        return [_shaped(node[name]) for name in sorted(node, key=int)]
    if len(node) == 1:
        name, only = next(iter(node.items()))
        if name in _WRAPPERS:
            return _shaped(only)
    return {name: _shaped(below) for name, below in node.items()}


def token_usage(
    *,
    prompt: object,
    completion: object,
    total: object = None,
    cache_read: object = None,
    cache_write: object = None,
    reasoning: object = None,
    audio_input: object = None,
    audio_output: object = None,
) -> dict[str, int] | None:
    """Disjoint counts from counts of which `prompt` and `completion` include the others, as conventions have them."""
    return read_usage(
        {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": total,
            "prompt_tokens_details": {
                "cached_tokens": cache_read,
                "cache_write_tokens": cache_write,
                "audio_tokens": audio_input,
            },
            "completion_tokens_details": {"reasoning_tokens": reasoning, "audio_tokens": audio_output},
        }
    )
