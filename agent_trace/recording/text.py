"""Any value as short text that JSON can hold: names, tags, ids and messages that users hand in."""

from typing import Final

from agent_trace.recording.guard import guarded

MAX_CHARACTERS: Final = 1_000


def as_text(value: object, max_characters: int = MAX_CHARACTERS) -> str:
    """`str(value)`, bounded, with unpaired surrogates replaced; a marker when `str` fails."""
    if type(value) is str and value.isascii() and len(value) <= max_characters:
        return value
    text = f"<{type(value).__name__}>"
    with guarded("turning a value into text"):
        text = str(value)
    if len(text) > max_characters:
        text = f"{text[:max_characters]}…[cut: {len(text):,} characters]"
    return text.encode("utf-8", "replace").decode("utf-8")
