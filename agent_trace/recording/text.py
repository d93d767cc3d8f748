"""Any value as short text that JSON can hold: names, tags, ids and messages that users hand in.

Secrets are hidden before a text is cut: half of one would escape the rules that look at the finished record.
"""

from typing import Final

from agent_trace.recording.capturing.cutting import LOOKAHEAD_CHARS, beginning, without_partial_word
from agent_trace.recording.encodable import encodable
from agent_trace.recording.guard import guarded
from agent_trace.recording.process import redact_text

MAX_CHARACTERS: Final = 1_000


def as_text(value: object, max_characters: int = MAX_CHARACTERS) -> str:
    """`str(value)`, bounded, with unpaired surrogates replaced; a marker when `str` fails."""
    if type(value) is str and value.isascii() and len(value) <= max_characters:
        return value
    text = f"<{type(value).__name__}>"
    with guarded("turning a value into text"):
        text = str(value)
    if len(text) > max_characters:
        text = f"{_first_part(text, max_characters)}…[cut: {len(text):,} characters]"
    return encodable(text)


def _first_part(text: str, max_characters: int) -> str:
    return without_partial_word(beginning(text, max_characters, redact_text))


def last_lines(text: str, max_characters: int) -> str:
    """The end of a text of many lines, from the beginning of a line on, with unpaired surrogates replaced."""
    if len(text) > max_characters:
        end = redact_text(text[-max_characters - LOOKAHEAD_CHARS :])[-max_characters:]
        text = f"…[cut: {len(text):,} characters]\n{end.partition(chr(10))[2]}"
    return encodable(text)
