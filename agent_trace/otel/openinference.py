"""OpenInference's attributes, which thirty instrumentors write. Nothing of theirs is imported.

https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md
"""

from typing import Any, Final

from agent_trace.otel.meaning import Attributes, Meaning
from agent_trace.otel.shapes import parsed, take_tree, token_usage
from agent_trace.recording.reading.arguments import read_parameters
from agent_trace.recording.recorder import NOTHING

KIND: Final = "openinference.span.kind"
ROOTS: Final = frozenset({"openinference", "llm", "input", "output", "embedding", "retrieval", "tool"})
TYPES: Final = {
    "LLM": "generation",
    "EMBEDDING": "embedding",
    "CHAIN": "chain",
    "AGENT": "agent",
    "TOOL": "tool",
    "RETRIEVER": "retriever",
    "RERANKER": "retriever",
    "GUARDRAIL": "guardrail",
    "EVALUATOR": "evaluator",
}
_HIDDEN: Final = "__REDACTED__"


def type_of(kind: object) -> str | None:
    """Our type for a kind; `None` for one without a counterpart."""
    return TYPES.get(kind.upper()) if isinstance(kind, str) else None


def read(rest: Attributes, meaning: Meaning) -> None:
    """Take what OpenInference says of a span out of its attributes."""
    kind = type_of(rest.get(KIND))
    if kind is not None:
        meaning.put_type(kind)
        del rest[KIND]
    _model(rest, meaning)
    _usage(rest, meaning)
    _content(rest, meaning)
    meaning.put_finish_reason(rest.pop("llm.finish_reason", None))
    tools = take_tree(rest, "llm.tools")
    if tools is not None:
        rest["llm.tools"] = tools


def _model(rest: Attributes, meaning: Meaning) -> None:
    named = rest.pop("llm.model_name", None) or rest.pop("embedding.model_name", None)
    answered = rest.pop("llm.response.model_name", None)
    asked = rest.pop("llm.request.model_name", None)
    meaning.put_model(asked or named, answered or (named if asked else None))
    for name in ("llm.invocation_parameters", "embedding.invocation_parameters"):
        given = parsed(rest.get(name))
        if isinstance(given, dict):
            model, parameters = read_parameters(given)
            meaning.put_model(model)
            meaning.put_parameters(parameters)
            _keep(rest, name, {key: each for key, each in given.items() if key not in (parameters or ())})


def _keep(rest: Attributes, name: str, left: dict[str, Any]) -> None:
    """Metadata has what is in no field of its own."""
    left.pop("model", None)
    if left:
        rest[name] = left
    else:
        del rest[name]


def _usage(rest: Attributes, meaning: Meaning) -> None:
    prompt = _taken(rest, "llm.token_count.prompt_details.")
    completion = _taken(rest, "llm.token_count.completion_details.")
    meaning.put_usage(
        token_usage(
            prompt=rest.pop("llm.token_count.prompt", None),
            completion=rest.pop("llm.token_count.completion", None),
            total=rest.pop("llm.token_count.total", None),
            cache_read=prompt.get("cache_read", prompt.get("cache_input")),
            cache_write=prompt.get("cache_write"),
            audio_input=prompt.get("audio"),
            audio_output=completion.get("audio"),
            reasoning=completion.get("reasoning"),
        )
    )
    meaning.put_cost(
        total=rest.pop("llm.cost.total", None),
        input=rest.pop("llm.cost.prompt", None),
        output=rest.pop("llm.cost.completion", None),
    )


def _taken(rest: Attributes, start: str) -> dict[str, Any]:
    return {name[len(start) :]: rest.pop(name) for name in list(rest) if name.startswith(start)}


def _content(rest: Attributes, meaning: Meaning) -> None:
    """The whole request and answer where they are given: the numbered messages are made from these."""
    for side, put in (("input", meaning.put_input), ("output", meaning.put_output)):
        value, mime = rest.pop(f"{side}.value", None), rest.pop(f"{side}.mime_type", None)
        messages = f"llm.{side}_messages"
        if value is not None and value != _HIDDEN:
            _taken(rest, messages + ".")
            put(parsed(value) if mime == "application/json" or mime is None else value)
        else:
            built = take_tree(rest, messages)
            put(value if built is None else built)
    meaning.put_input(take_tree(rest, "llm.prompts"))
    meaning.put_output(take_tree(rest, "llm.choices"))
    for name in ("retrieval.documents", "reranker.output_documents", "embedding.embeddings"):
        found = take_tree(rest, name)
        if meaning.output is NOTHING:
            meaning.put_output(found)
    if meaning.type == "tool":
        meaning.put_input(parsed(rest.get("tool.parameters")))
