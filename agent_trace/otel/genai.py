"""OpenTelemetry's conventions for generative AI, in their newer and older forms, and Traceloop's beside them.

https://github.com/open-telemetry/semantic-conventions-genai, as of 1.40; before it the OpenTelemetry registry.
"""

from collections.abc import Mapping
from typing import Any, Final

from agent_trace.otel.meaning import Attributes, Meaning
from agent_trace.otel.shapes import parsed, take_tree, token_usage
from agent_trace.recording.reading.parts import first_of

OPERATION: Final = "gen_ai.operation.name"
ROOTS: Final = frozenset({"gen_ai", "traceloop"})
TYPES: Final = {
    "chat": "generation",
    "text_completion": "generation",
    "generate_content": "generation",
    "embeddings": "embedding",
    "retrieval": "retriever",
    "execute_tool": "tool",
    "create_agent": "agent",
    "invoke_agent": "agent",
    "invoke_workflow": "chain",
}
_TRACELOOP_TYPES: Final = {"workflow": "chain", "task": "chain", "agent": "agent", "tool": "tool"}
_PARAMETERS: Final = (
    *("temperature", "top_p", "top_k", "max_tokens", "seed", "stop_sequences"),
    *("presence_penalty", "frequency_penalty", "stream", "encoding_formats"),
)
_INPUTS: Final = ("gen_ai.input.messages", "gen_ai.prompt", "gen_ai.tool.call.arguments")
_OUTPUTS: Final = ("gen_ai.output.messages", "gen_ai.completion", "gen_ai.tool.call.result")


class Messages:
    """What went in and came out according to a span's events, in their order."""

    __slots__ = ("answered", "sent")

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.answered: list[Any] = []

    def tell(self, meaning: Meaning) -> None:
        """Input and output, where attributes had none. One message alone is not a list of messages."""
        for messages, put in ((self.sent, meaning.put_input), (self.answered, meaning.put_output)):
            if messages:
                put(messages[0] if len(messages) == 1 else messages)


def type_of(operation: object) -> str | None:
    """Our type for an operation; `None` for one without a counterpart."""
    return TYPES.get(operation) if isinstance(operation, str) else None


def read(rest: Attributes, meaning: Meaning) -> None:
    """Take what the conventions say of a span out of its attributes."""
    kind = type_of(rest.get(OPERATION))
    if kind is not None:
        meaning.put_type(kind)
        del rest[OPERATION]
    asked, answered = rest.pop("gen_ai.request.model", None), rest.pop("gen_ai.response.model", None)
    meaning.put_model(asked, answered)
    _traceloop(rest, meaning)
    if asked or answered:
        meaning.put_type("generation")
    _parameters(rest, meaning)
    _usage(rest, meaning)
    _content(rest, meaning)
    meaning.put_finish_reason(rest.pop("gen_ai.response.finish_reasons", None))
    meaning.put_scope(
        agent_id=rest.pop("gen_ai.agent.id", None),
        agent_name=rest.pop("gen_ai.agent.name", None),
        session_id=rest.pop("gen_ai.conversation.id", None),
    )


def _parameters(rest: Attributes, meaning: Meaning) -> None:
    found = {name: rest.pop(f"gen_ai.request.{name}", None) for name in _PARAMETERS}
    found["n"] = rest.pop("gen_ai.request.choice.count", None)
    older = {
        name: rest.pop(f"gen_ai.openai.request.{name}", None)
        for name in ("seed", "response_format", "service_tier")
    }
    meaning.put_parameters({key: each for key, each in {**older, **found}.items() if each is not None})


def _usage(rest: Attributes, meaning: Meaning) -> None:
    def taken(*names: str) -> object:
        return first_of({name: rest.pop(f"gen_ai.usage.{name}", None) for name in names}, *names)

    meaning.put_usage(
        token_usage(
            prompt=taken("input_tokens", "prompt_tokens"),
            completion=taken("output_tokens", "completion_tokens"),
            total=taken("total_tokens") or rest.pop("llm.usage.total_tokens", None),
            cache_read=taken("cache_read.input_tokens", "cache_read_input_tokens"),
            cache_write=taken("cache_creation.input_tokens", "cache_creation_input_tokens"),
            reasoning=taken("reasoning.output_tokens", "reasoning_tokens"),
        )
    )
    meaning.put_cost(total=rest.pop("gen_ai.usage.cost", None))


def _content(rest: Attributes, meaning: Meaning) -> None:
    instructions = parsed(rest.pop("gen_ai.system_instructions", None))
    sent = first_of({name: rest.pop(name, None) for name in _INPUTS}, *_INPUTS)
    sent = parsed(sent) if sent is not None else take_tree(rest, "gen_ai.prompt")
    if instructions is not None:
        sent = {"system_instructions": instructions, "messages": sent}
    meaning.put_input(sent)
    meaning.put_input(rest.pop("gen_ai.retrieval.query.text", None))
    answered = first_of({name: rest.pop(name, None) for name in _OUTPUTS}, *_OUTPUTS)
    answered = parsed(answered) if answered is not None else take_tree(rest, "gen_ai.completion")
    meaning.put_output(answered)
    meaning.put_output(parsed(rest.pop("gen_ai.retrieval.documents", None)))
    if isinstance(answered, list) and answered and isinstance(answered[0], dict):
        meaning.put_finish_reason(answered[0].get("finish_reason"))


def _traceloop(rest: Attributes, meaning: Meaning) -> None:
    kind = rest.pop("traceloop.span.kind", None)
    if kind is not None:
        meaning.put_type(_TRACELOOP_TYPES.get(kind))
    meaning.put_input(parsed(rest.pop("traceloop.entity.input", None)))
    meaning.put_output(parsed(rest.pop("traceloop.entity.output", None)))


def read_event(name: str, attributes: Mapping[str, Any], messages: Messages) -> bool:
    """Whether an event was content in one of the older forms, and was taken into `messages`."""
    if name == "gen_ai.content.prompt":
        messages.sent.append(parsed(attributes.get("gen_ai.prompt")))
    elif name == "gen_ai.content.completion":
        messages.answered.append(parsed(attributes.get("gen_ai.completion")))
    elif name == "gen_ai.choice":
        messages.answered.append(_message("assistant", attributes))
    elif name.startswith("gen_ai.") and name.endswith(".message"):
        messages.sent.append(_message(name.split(".")[1], attributes))
    else:
        return False
    return True


def _message(role: str, attributes: Mapping[str, Any]) -> dict[str, Any]:
    said = {key: parsed(each) for key, each in attributes.items() if key != "gen_ai.system"}
    return {"role": role, **said}
