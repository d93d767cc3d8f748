"""Any Python value as bounded JSON, taken at the moment of the call. Never raises, whatever the value.

Plain values of moderate size (what chat calls mostly are) take one look and one `orjson.dumps`; the rest
is walked in `walk.py`, with the forms of known types in `forms.py`.
"""

from typing import Final

import orjson

from agent_trace.recording.capturing.cutting import Cut, Limits, RedactText
from agent_trace.recording.capturing.plain import survey
from agent_trace.recording.capturing.walk import walk
from agent_trace.recording.guard import guarded

__all__ = ["Cut", "Limits", "capture"]

_NOT_CAPTURED: Final = b'"<not captured>"'
_TOO_DEEP_TO_CAPTURE: Final = b'"<not captured: the recursion limit was near>"'


def capture(
    value: object,
    limits: Limits,
    path: str,
    redact_text: RedactText | None = None,
) -> tuple[bytes, list[Cut] | None]:
    """Bounded UTF-8 JSON of a value, and what had to be left out (`None` when nothing was).

    `path` names the value in the cuts: `input` gives `input.messages[3].content`. The JSON is at most
    `limits.max_bytes` long, plus up to 8 KiB for the markers of what was cut. `redact_text` hides secrets in
    a text before it is cut; the caller redacts the finished record in any case.
    """
    try:
        kind = type(value)
        if value is None:
            return b"null", None
        if kind is str:
            plain = len(value) <= limits.max_bytes  # type: ignore[arg-type]
        elif kind is dict or kind is list or kind is tuple:
            plain = survey(value, *limits) is not None
        else:
            plain = False
        if plain:
            encoded = orjson.dumps(value)
            if len(encoded) <= limits.max_bytes:
                return encoded, None
    except (TypeError, RuntimeError, MemoryError):
        # Foreign keys, wide integers, lone surrogates; a container that another thread changed meanwhile.
        pass
    return _capture_at_length(value, limits, path, redact_text)


def _capture_at_length(
    value: object, limits: Limits, path: str, redact_text: RedactText | None
) -> tuple[bytes, list[Cut] | None]:
    try:
        with guarded("capturing a value"):
            encoded, cuts = walk(value, limits, path, redact_text)
            return encoded, cuts or None
    except RecursionError:  # the caller's stack was so deep that containing the failure failed as well
        return _TOO_DEEP_TO_CAPTURE, None
    return _NOT_CAPTURED, None
