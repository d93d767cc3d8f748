"""Providers' clients: how a call of one looks in source code, and how each is attached from outside."""

import re
from collections.abc import Mapping
from typing import Final

from agent_trace.discovery.facts import Import

_BY_PACKAGE: Final = {
    "openai": "openai",
    "anthropic": "anthropic",
    "litellm": "litellm",
    "google.generativeai": "google",
    "google.genai": "google",
    "vertexai": "google",
    "ollama": "ollama",
    "groq": "groq",
    "mistralai": "mistral",
    "cohere": "cohere",
    "together": "together",
    "replicate": "replicate",
    "huggingface_hub": "huggingface",
    "langchain": "langchain",
    "langchain_core": "langchain",
    "langchain_openai": "langchain",
    "langchain_anthropic": "langchain",
    "langchain_community": "langchain",
    "langgraph": "langchain",
}

_BY_CALL: Final = (
    (re.compile(r"(?:^|\.)chat\.completions\.(?:create|parse|stream)$"), "openai"),
    (re.compile(r"(?:^|\.)responses\.(?:create|parse|stream)$"), "openai"),
    (re.compile(r"(?:^|\.)(?<!chat\.)completions\.create$"), "openai"),
    (re.compile(r"(?:^|\.)ChatCompletion\.a?create$"), "openai"),
    (re.compile(r"(?:^|\.)messages\.(?:create|stream)$"), "anthropic"),
    (re.compile(r"(?:^|\.)generate_content(?:_async|_stream)?$"), "google"),
    (re.compile(r"(?:^|\.)chat\.complete(?:_async)?$"), "mistral"),
    (re.compile(r"(?:^|\.)(?:invoke_model|converse)(?:_stream)?$"), "bedrock"),
    (re.compile(r"(?:^|\.)(?:chat_completion|text_generation)$"), "huggingface"),
    (re.compile(r"^litellm\.a?(?:completion|responses|text_completion)$"), "litellm"),
    (re.compile(r"^ollama\.(?:chat|generate)$"), "ollama"),
    (re.compile(r"^replicate\.(?:a?run|stream)$"), "replicate"),
)
_SPEAKS_OPENAI: Final = ("groq", "together")
_NEEDS_IMPORT: Final = {"mistral", "bedrock", "huggingface"}
_LANGCHAIN_CALL: Final = re.compile(r"(?:^|[._])(?:llm|model|chain|chat)\.a?(?:invoke|stream|batch)$")

ADDRESS: Final = re.compile(
    r"/chat/completions|/v1/messages|/v1/responses|:generateContent|/api/(?:chat|generate)\b|api\.openai\.com/v1/"
)
"""Part of an address that models answer at."""

WORTH_A_LOOK: Final = re.compile(
    rb"completions|responses\.|messages\.|litellm|generate_content|ollama|ChatCompletion|chat\.complete|invoke|converse"
    rb"|chat_completion|text_generation|replicate|/v1/|/api/|generateContent|\.stream|\.batch"
)
"""Source without any of this calls no client that is known here."""

INSTRUMENTORS: Final = {
    "openai": "openai",
    "anthropic": "anthropic",
    "litellm": "litellm",
    "langchain": "langchain",
    "google": "google-genai",
    "groq": "groq",
    "mistral": "mistralai",
    "bedrock": "bedrock",
    "together": "openai",
}
"""`openinference-instrumentation-…` of each provider that has one."""


def provider_of_package(module: str) -> str | None:
    """The provider whose package a module belongs to; None for any other."""
    parts = module.split(".")
    return _BY_PACKAGE.get(".".join(parts[:2])) or _BY_PACKAGE.get(parts[0])


def provider_of_call(dotted: str, imports: Mapping[str, Import], providers: frozenset[str]) -> str | None:
    """The provider that a call of `dotted` asks, in a file with these imports; None for any other call."""
    spelt_out = _spelt_out(dotted, imports)
    for pattern, provider in _BY_CALL:
        if pattern.search(spelt_out):
            if provider in _NEEDS_IMPORT and provider not in providers | _bedrock(imports):
                continue
            if provider == "openai" and "openai" not in providers:
                return next((each for each in _SPEAKS_OPENAI if each in providers), provider)
            return provider
    if "langchain" in providers and _LANGCHAIN_CALL.search(dotted.lower()):
        return "langchain"
    return None


def _spelt_out(dotted: str, imports: Mapping[str, Import]) -> str:
    """`completion` as `litellm.completion` where that is what was imported."""
    head, dot, rest = dotted.partition(".")
    found = imports.get(head)
    if found is None or found.level:
        return dotted
    origin = f"{found.module}.{found.name}" if found.name else found.module
    return f"{origin}{dot}{rest}"


def _bedrock(imports: Mapping[str, Import]) -> frozenset[str]:
    is_there = any(each.module.partition(".")[0] in ("boto3", "aioboto3") for each in imports.values())
    return frozenset({"bedrock"}) if is_there else frozenset()


def short(dotted: str) -> str:
    """A call without what it is called on: `chat.completions.create`."""
    parts = dotted.split(".")
    kept = 3 if parts[-3:-1] == ["chat", "completions"] else 2
    return ".".join(parts[-kept:])
