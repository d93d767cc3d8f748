"""Errors that come back as values: None from a model, an answer with an `error`, an exception that is returned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from agent_trace.recording.reading.parts import first_of, parts_of, text_of
from agent_trace.recording.recorder import NOTHING
from agent_trace.recording.text import as_text

if TYPE_CHECKING:
    from agent_trace.recording.span import Span

_ERRORS: Final = ("error", "error_message", "errors")
_MESSAGES: Final = ("message", "error", "detail", "code", "type")
_MESSAGE_CHARS: Final = 1_000


def note_outcome(span: Span, output: object, is_answer: bool) -> None:
    """Raise the level of an observation whose result says that it failed. The result stays as it is.

    is_answer: None is no answer of a model, while tools and agents return it as a matter of course.
    """
    if output is None and is_answer:
        span.added().raise_level("WARNING", "returned None")
    elif issubclass(type(output), BaseException):
        span.added().add_error(output)
    elif type(output) is not str and output is not NOTHING:
        error = first_of(parts_of(output), *_ERRORS)
        if error is not None and error is not False and not _is_empty(error):
            _note_error(span, error)


def _note_error(span: Span, error: object) -> None:
    if issubclass(type(error), BaseException):
        span.added().add_error(error)
    else:
        span.added().raise_level("ERROR", _message(error))


def _is_empty(error: object) -> bool:
    return type(error) in (str, dict, list, tuple, int, float) and not error


def _message(error: object) -> str:
    if type(error) in (str, int, float, bool):
        return as_text(error)
    parts: Mapping[str, Any] = parts_of(error)
    inner = first_of(parts, *_MESSAGES)
    text = text_of(inner, _MESSAGE_CHARS) or text_of(parts_of(inner).get("message"), _MESSAGE_CHARS)
    return text or f"the result has an error: {type(error).__name__}"
