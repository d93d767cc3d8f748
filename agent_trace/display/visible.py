"""Text that somebody else wrote, made safe to look at: whatever a terminal would act on or hide is spelt out."""

import unicodedata
from typing import Final

_ACTED_ON: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories of escapes, direction changes, zero-width characters, lone surrogates, line separators."""

_BLANK_LETTERS: Final = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that are drawn as nothing, and are used to smuggle or to forge text."""

_SPELT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: object, *, keep: str = "") -> str:
    """`text` in one line with every invisible or terminal-steering character as an escape such as `\\x1b`.

    Characters in `keep` stay as they are; `visible(text, keep="\\n")` leaves lines.
    """
    raw = text if isinstance(text, str) else str(text)
    if raw.isascii() and raw.isprintable():
        return raw
    return "".join(_spelt(character) if character not in keep else character for character in raw)


def one_line(text: object, max_characters: int = 500) -> str:
    """`text` as prose in one line: runs of blanks and line ends become one space, the rest as `visible`."""
    raw = text if isinstance(text, str) else str(text)
    cut = raw[: max_characters * 4]
    return visible(" ".join(cut.split()))[:max_characters]


def is_hidden(character: str) -> bool:
    """Whether a terminal would act on this character, or show nothing for it."""
    if character.isascii():
        return not character.isprintable()
    if character in _BLANK_LETTERS or "\U000e0000" <= character <= "\U000e0fff":
        return True
    return unicodedata.category(character) in _ACTED_ON


def _spelt(character: str) -> str:
    if not is_hidden(character):
        return character
    if character in _SPELT:
        return _SPELT[character]
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
