"""Answers in Google's own form, which LiteLLM hands out as an object or as the raw bytes of a stream: whole, and priced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any, Final

from agent_trace.integrations.litellm_messages import events_in
from agent_trace.recording.reading.parts import parts_of

_USAGE: Final = "usageMetadata"
_CANDIDATES: Final = "candidates"
_GROWING: Final = frozenset({"text", "thought"})
"""What a part has that goes on in the next piece. With anything else it stands for itself: a call, a signature."""


def is_generated(answer: object) -> bool:
    """Whether this is an answer in Google's form. A prompt that it blocks has no candidates."""
    parts = parts_of(answer)
    return _CANDIDATES in parts or _USAGE in parts


def whole_generated(pieces: Iterable[bytes]) -> dict[str, Any] | None:
    """The answer that a stream of server-sent events amounts to; None when it does not say why it ended."""
    whole: dict[str, Any] = {}
    candidates: dict[Any, dict[str, Any]] = {}
    for event in filter(is_generated, events_in(b"".join(pieces))):
        whole.update(event)
        for each in event.get(_CANDIDATES) or ():
            piece = parts_of(each)
            _grow(candidates.setdefault(piece.get("index", 0), {}), piece)
    if not candidates:
        return whole if whole.get("promptFeedback") else None
    whole[_CANDIDATES] = list(candidates.values())
    return whole if all(each.get("finishReason") for each in candidates.values()) else None


def priced_form(answer: object, model: object, logging: Any) -> Any:
    """What LiteLLM's price calculation understands, as LiteLLM makes it for its callbacks; None without any counts."""
    parts = dict(parts_of(answer))
    if not parts.get(_USAGE):
        return None
    litellm: Any = import_module("litellm")
    nothing = import_module("httpx").Response(200)
    return litellm.VertexGeminiConfig()._transform_google_generate_content_to_openai_model_response(
        completion_response=parts,
        model_response=litellm.ModelResponse(),
        model=model,
        logging_obj=logging,
        raw_response=nothing,
    )


def _grow(candidate: dict[str, Any], piece: Mapping[str, Any]) -> None:
    """Add what the next piece of a stream brings."""
    before, more = parts_of(candidate.get("content")), parts_of(piece.get("content"))
    parts = list(before.get("parts") or ())
    for each in more.get("parts") or ():
        if parts and _goes_on(parts[-1], each):
            parts[-1] = {**parts[-1], "text": parts[-1]["text"] + each["text"]}
        else:
            parts.append(each)
    candidate.update(piece)
    candidate["content"] = {**before, **more, "parts": parts}


def _goes_on(former: Mapping[str, Any], part: Mapping[str, Any]) -> bool:
    """Whether a part is more of the text, or of the thought, before it."""
    are_texts = all("text" in each and each.keys() <= _GROWING for each in (former, part))
    return are_texts and former.get("thought") == part.get("thought")
