"""How much of a value is kept, how a text is cut, and what is noted about it."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import orjson

LOOKAHEAD_CHARS: Final = 8192
"""Read past a cut so that a secret lying across it is still seen whole; a PEM key of 8192 bits has 6,400."""

_PARTIAL_WORD_CHARS: Final = 512
_MARKER_ROOM_BYTES: Final = 48
_CUTS_NOTED: Final = 64
_PATH_CHARS: Final = 300

RedactText = Callable[[str], str]


class Limits(NamedTuple):
    """Bounds of one captured value: bytes of JSON, number of values in it, levels of nesting."""

    max_bytes: int = 1_048_576
    max_nodes: int = 20_000
    max_depth: int = 32


Cut = dict[str, Any]
"""What was left out: `kept` of `of` `unit` (characters, items, entries) at `path`."""


class Excerpt(str):
    """The beginning of a text of which the rest is gone. `characters`: how long it was."""

    __slots__ = ("characters",)
    characters: int

    @classmethod
    def of(cls, text: str, characters: int) -> "Excerpt":
        """The beginning, and the length of the whole."""
        excerpt = cls(text)
        excerpt.characters = characters
        return excerpt


def cut_marker(kept: int, of: int, unit: str) -> str:
    """The words that stand where something was cut: its original size, and how much of it is shown."""
    return f"…[cut: {kept:,} of {of:,} {unit}]" if kept else f"…[cut: {of:,} {unit}]"


def note_cut(cuts: list[Cut], path: str, kept: int, of: int, unit: str) -> None:
    """Add a note, up to 64 a value: what is cut is always marked in place, too."""
    if len(cuts) < _CUTS_NOTED:
        cuts.append({"path": encodable(path[:_PATH_CHARS]), "kept": kept, "of": of, "unit": unit})


def encode_text(text: str) -> bytes:
    """JSON of a text; lone surrogates, which UTF-8 cannot carry, are written out, as in `\\ud83d`."""
    try:
        return orjson.dumps(text)
    except TypeError:
        return orjson.dumps(encodable(text))


def encodable(text: str) -> str:
    """The text with lone surrogates written out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def cut_text(
    text: str, room_bytes: int, redact_text: RedactText | None, characters: int | None = None
) -> tuple[bytes, int]:
    """JSON of the beginning of a text within `room_bytes`, ending in a marker, and the characters kept.

    Secrets are hidden before the cut: half of one would escape the rules that look at the finished record.
    `characters` is the length of the whole when even `text` is only its beginning.
    """
    marker = cut_marker(0, characters or len(text), "characters")
    piece = beginning(text, max(0, room_bytes - _MARKER_ROOM_BYTES), redact_text)
    while True:
        piece = without_partial_word(piece)
        encoded = encode_text(piece + marker)
        if len(encoded) <= room_bytes or not piece:
            return encoded, len(piece)
        piece = piece[: max(0, len(piece) * room_bytes // len(encoded) - _MARKER_ROOM_BYTES)]


def beginning(text: str, keep: int, redact_text: RedactText | None) -> str:
    """The first `keep` characters, without secrets that reach over the cut."""
    if redact_text is None or not keep:
        return text[:keep]
    window = keep + LOOKAHEAD_CHARS
    redacted = redact_text(text[:window])
    # Redaction shortens: what lies in the last stretch of the window may be half a secret wherever it ends up.
    is_whole = len(text) <= window and type(text) is not Excerpt
    sure = len(redacted) if is_whole else len(redacted) - LOOKAHEAD_CHARS
    return redacted[: max(0, min(keep, sure))]


def without_partial_word(piece: str) -> str:
    """A cut text without its last word, which may be half of one."""
    end = piece[-_PARTIAL_WORD_CHARS:]
    words = end.rsplit(None, 1)
    return piece[: len(piece) - len(end)] + (words[0] if len(words) == 2 else "")
