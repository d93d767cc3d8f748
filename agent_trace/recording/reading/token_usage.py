"""Token counts as providers report them, made disjoint: no token is counted under two keys.

Keys: `input`, `cache_read`, `cache_write`, `audio_input`, `output`, `reasoning`, `audio_output`; `total` alone
where nothing else is known. What was not reported is absent, and so is what cannot be a count.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from agent_trace.recording.reading.parts import parts_of

_MOST_TOKENS: Final = 10**12


class Dialect(NamedTuple):
    """Where one family of APIs puts its counts; a dot leads into a nested object, the first found counts.

    `input_beside`: input that `input` does not count. `cache_within`: whether `input` counts cached tokens too; `reasoning_within`: whether `output` counts reasoning.
    """

    input: tuple[str, ...]
    output: tuple[str, ...]
    input_beside: tuple[str, ...] = ()
    cache_read: tuple[str, ...] = ()
    cache_write: tuple[str, ...] = ()
    reasoning: tuple[str, ...] = ()
    audio_input: tuple[str, ...] = ()
    audio_output: tuple[str, ...] = ()
    cache_within: bool = False
    reasoning_within: bool = True


_OPENAI_CHAT: Final = Dialect(
    input=("prompt_tokens",),
    output=("completion_tokens",),
    cache_read=("prompt_tokens_details.cached_tokens", "cache_read_input_tokens", "prompt_cache_hit_tokens"),
    cache_write=(
        "prompt_tokens_details.cache_write_tokens",
        "prompt_tokens_details.cache_creation_tokens",
        "cache_creation_input_tokens",
    ),
    reasoning=("completion_tokens_details.reasoning_tokens",),
    audio_input=("prompt_tokens_details.audio_tokens",),
    audio_output=("completion_tokens_details.audio_tokens",),
    cache_within=True,
)
_OPENAI_RESPONSES: Final = Dialect(
    input=("input_tokens",),
    output=("output_tokens",),
    cache_read=("input_tokens_details.cached_tokens",),
    cache_write=("input_tokens_details.cache_write_tokens",),
    reasoning=("output_tokens_details.reasoning_tokens",),
    audio_input=("input_tokens_details.audio_tokens",),
    audio_output=("output_tokens_details.audio_tokens",),
    cache_within=True,
)
_TOKEN_DETAILS: Final = Dialect(
    input=("input_tokens",),
    output=("output_tokens",),
    cache_read=("input_token_details.cache_read", "input_token_details.cached_tokens"),
    cache_write=("input_token_details.cache_creation",),
    reasoning=("output_token_details.reasoning",),
    audio_input=("input_token_details.audio", "input_token_details.audio_tokens"),
    audio_output=("output_token_details.audio", "output_token_details.audio_tokens"),
    cache_within=True,
)
"""LangChain's, and OpenAI's of transcriptions and of its realtime API."""

_ANTHROPIC: Final = Dialect(
    input=("input_tokens",),
    output=("output_tokens",),
    cache_read=("cache_read_input_tokens",),
    cache_write=("cache_creation_input_tokens",),
    reasoning=("output_tokens_details.thinking_tokens", "output_tokens_details.reasoning_tokens"),
)
_GEMINI: Final = Dialect(
    input=("prompt_token_count", "promptTokenCount"),
    input_beside=("tool_use_prompt_token_count", "toolUsePromptTokenCount"),
    output=("candidates_token_count", "candidatesTokenCount"),
    cache_read=("cached_content_token_count", "cachedContentTokenCount"),
    reasoning=("thoughts_token_count", "thoughtsTokenCount"),
    cache_within=True,
    reasoning_within=False,
)
_BEDROCK: Final = Dialect(
    input=("inputTokens",),
    output=("outputTokens",),
    cache_read=("cacheReadInputTokens",),
    cache_write=("cacheWriteInputTokens",),
)
_AGNO: Final = Dialect(
    input=("input_tokens",),
    output=("output_tokens",),
    cache_read=("cache_read_tokens",),
    cache_write=("cache_write_tokens",),
    reasoning=("reasoning_tokens",),
    audio_input=("audio_input_tokens",),
    audio_output=("audio_output_tokens",),
    cache_within=True,
)
"""As most of its providers count; see `_as_counted` for the others."""

_OLLAMA: Final = Dialect(input=("prompt_eval_count",), output=("eval_count",))
_PLAIN: Final = Dialect(
    input=("input", "input_token_count", "tokens_in", "prompt"),
    output=("output", "output_token_count", "tokens_out", "completion"),
    cache_read=("cache_read",),
    cache_write=("cache_write",),
    reasoning=("reasoning",),
    reasoning_within=False,
)

_BY_SIGN: Final[dict[str, Dialect]] = {
    "prompt_tokens": _OPENAI_CHAT,
    "completion_tokens": _OPENAI_CHAT,
    "prompt_token_count": _GEMINI,
    "promptTokenCount": _GEMINI,
    "prompt_eval_count": _OLLAMA,
    "eval_count": _OLLAMA,
    "inputTokens": _BEDROCK,
    "input_tokens_details": _OPENAI_RESPONSES,
    "input_token_details": _TOKEN_DETAILS,
    "audio_total_tokens": _AGNO,
    "input_tokens": _ANTHROPIC,
    "output_tokens": _ANTHROPIC,
}
"""Recognised by one key, in this order. Safe to look for beside a result's other parts."""

_DETAILS: Final = (
    "prompt_tokens_details",
    "completion_tokens_details",
    "input_tokens_details",
    "output_tokens_details",
    "input_token_details",
    "output_token_details",
)
_NESTED: Final = ("tokens", "billed_units")
_TOTALS: Final = ("total_tokens", "total_token_count", "totalTokenCount", "totalTokens", "total")


def read_usage(usage: object) -> dict[str, int] | None:
    """Disjoint counts from a provider's usage object, dict, or bare number; `None` when it holds no count."""
    bare = count_of(usage)
    if bare is not None:
        return {"total": bare}
    parts = parts_of(usage)
    if not parts:
        return None
    found = usage_beside(parts) or _disjoint(_PLAIN, parts)
    for name in _NESTED:
        found = found or read_usage(parts.get(name))
    total = _count(parts, _TOTALS)
    return found or ({"total": total} if total is not None else None)


def usage_beside(parts: Mapping[str, Any]) -> dict[str, int] | None:
    """Counts that lie among other things, under a name that nothing else has."""
    for sign, dialect in _BY_SIGN.items():
        if parts.get(sign) is not None:
            return _disjoint(_as_counted(dialect, parts), parts)
    return None


def _as_counted(dialect: Dialect, parts: Mapping[str, Any]) -> Dialect:
    """agno hands on what providers count: of Anthropic's, cached tokens lie beside the input. Its own details tell."""
    if dialect is _AGNO and parts.get("provider_metrics") is not None:
        beside = {"service_tier", "server_tool_use"} & set(parts_of(parts["provider_metrics"]))
        return dialect._replace(cache_within=not beside)
    return dialect


def count_of(found: object) -> int | None:
    """A number of tokens; `None` for what cannot be one: negative, text, truth values, NaN, fractions."""
    kind = type(found)
    if kind is float and found == found and abs(found) < _MOST_TOKENS and found == int(found):  # type: ignore[arg-type, call-overload]
        found = int(found)  # type: ignore[call-overload]
        kind = int
    return found if kind is int and 0 <= found <= _MOST_TOKENS else None  # type: ignore[operator, return-value]


def _count(parts: Mapping[str, Any], names: tuple[str, ...]) -> int | None:
    for name in names:
        found = parts.get(name)
        if found is not None:
            count = count_of(found)
            if count is not None:
                return count
    return None


def _with_details(parts: Mapping[str, Any]) -> Mapping[str, Any]:
    """The counts together with those of nested objects, under dotted names."""
    nested = {name: parts_of(parts[name]) for name in _DETAILS if parts.get(name) is not None}
    if not nested:
        return parts
    inner = {f"{name}.{key}": found for name, details in nested.items() for key, found in details.items()}
    return {**parts, **inner}


def _disjoint(dialect: Dialect, parts: Mapping[str, Any]) -> dict[str, int] | None:
    parts = _with_details(parts)
    read = {name: _count(parts, getattr(dialect, name)) for name in _COUNTED}
    if read["input"] is None and read["output"] is None:
        return None
    within_input = ("cache_read", "cache_write", "audio_input") if dialect.cache_within else ("audio_input",)
    within_output: tuple[str, ...] = ("reasoning", "audio_output")
    if not dialect.reasoning_within or _reasoning_on_top(read, _count(parts, _TOTALS)):
        within_output = ("audio_output",)
    usage = {
        "input": _less(
            read["input"], [read[name] for name in within_input], _count(parts, dialect.input_beside)
        ),
        "output": _less(read["output"], [read[name] for name in within_output]),
    }
    details = {name: read[name] for name in _COUNTED[2:] if read[name]}
    return {name: count for name, count in {**usage, **details}.items() if count is not None}


_COUNTED: Final = ("input", "output", "cache_read", "cache_write", "reasoning", "audio_input", "audio_output")


def _less(whole: int | None, within: list[int | None], beside: int | None = None) -> int | None:
    """The whole without its parts, and with what lies beside it. Parts that exceed it were not counted in it."""
    if whole is None:
        return None
    rest = whole - sum(part or 0 for part in within)
    return (rest if rest >= 0 else whole) + (beside or 0)


def _reasoning_on_top(read: dict[str, int | None], total: int | None) -> bool:
    """Some providers of this API report reasoning beside the completion; their own total tells."""
    whole = (read["input"] or 0) + (read["output"] or 0)
    return bool(read["reasoning"]) and total == whole + (read["reasoning"] or 0)
