"""Models and their parameters in the words of the GenAI semantic conventions."""

import re
from typing import Any, Final

from agent_trace.delivery.wire.protobuf import Value
from agent_trace.delivery.wire.values import json_bytes, str_of

_BY_PREFIX: Final = {
    "openai": "openai",
    "azure": "azure.ai.openai",
    "azure_ai": "azure.ai.inference",
    "anthropic": "anthropic",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "vertex_ai": "gcp.vertex_ai",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "groq": "groq",
    "mistral": "mistral_ai",
    "perplexity": "perplexity",
    "watsonx": "ibm.watsonx.ai",
    "xai": "x_ai",
}
"""Providers by what stands before the slash in a name such as `bedrock/…`, as LiteLLM writes it."""

_BY_NAME: Final = (
    (re.compile(r"(?:chatgpt|gpt-|o[134](?:-|$)|text-embedding-|davinci|ft:gpt)"), "openai"),
    (re.compile(r"claude"), "anthropic"),
    (re.compile(r"(?:anthropic|amazon|meta|cohere|mistral)\.\w"), "aws.bedrock"),
    (re.compile(r"(?:models/)?gemini"), "gcp.gemini"),
    (re.compile(r"(?:open-)?(?:mistral|mixtral|codestral|ministral|magistral)"), "mistral_ai"),
    (re.compile(r"(?:command|embed-(?:english|multilingual))"), "cohere"),
    (re.compile(r"deepseek"), "deepseek"),
    (re.compile(r"grok"), "x_ai"),
    (re.compile(r"sonar"), "perplexity"),
)

_NUMBERS: Final = {
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
}
_WHOLE: Final = {
    "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "max_output_tokens": "gen_ai.request.max_tokens",
    "top_k": "gen_ai.request.top_k",
    "seed": "gen_ai.request.seed",
    "n": "gen_ai.request.choice.count",
}


def provider_of(model: str) -> str | None:
    """Who most likely answers under that name; None when the name does not say."""
    prefix, slash, _ = model.partition("/")
    if slash and prefix in _BY_PREFIX:
        return _BY_PREFIX[prefix]
    return next((provider for pattern, provider in _BY_NAME if pattern.match(model.lower())), None)


def request_parameters(parameters: dict[Any, Any]) -> dict[str, Value]:
    """Parameters under their names in the conventions; those without one stand in `agent_trace.model_parameters`."""
    found: dict[str, Value] = {}
    rest: dict[str, Any] = {}
    for name, value in parameters.items():
        key, plain = _parameter(name, value)
        if key is None or plain is None or key in found:
            rest[str_of(name)] = value
        else:
            found[key] = plain
    if rest:
        found["agent_trace.model_parameters"] = json_bytes(rest)
    return found


def _parameter(name: Any, value: Any) -> tuple[str | None, Value | None]:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if name in _NUMBERS and is_number and abs(value) < 1e300:
        return _NUMBERS[name], float(value)
    if name in _WHOLE and is_number and isinstance(value, int):
        return _WHOLE[name], value
    if name == "stream" and isinstance(value, bool):
        return "gen_ai.request.stream", value
    if name in ("stop", "stop_sequences"):
        texts = [value] if isinstance(value, str) else value
        if isinstance(texts, list) and all(isinstance(text, str) for text in texts):
            return "gen_ai.request.stop_sequences", texts
    return None, None
