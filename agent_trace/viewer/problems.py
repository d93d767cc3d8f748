"""What cannot be shown, told as a page tells it: in sentences, with links where a terminal names commands.

The store's messages are for both; they begin in small letters and end in what to type next.
"""

import re
from collections.abc import Collection
from typing import Final, NamedTuple

from agent_trace.errors import AmbiguousId, NotFound
from agent_trace.viewer.page import BadQuestion

_COMMAND: Final = re.compile(r"[.:;] `agent-trace (?:list|show)\b[^`]*`[^.;]*")
"""What to type next, as the end of a sentence or a sentence of its own."""
_MARKED: Final = re.compile(r"`([^`]*)`|\b([0-9a-f]{32}|[0-9a-f]{16})\b|^(\w+(?==|: ))")


class Piece(NamedTuple):
    """A part of a sentence. `href`: where it leads; `is_code`: to be typed, or read, as it is."""

    text: str
    href: str = ""
    is_code: bool = False


def status_of(error: Exception) -> int:
    """The status of an answer that says so."""
    if isinstance(error, NotFound):
        return 404
    return 400 if isinstance(error, BadQuestion | AmbiguousId) else 500


def pieces(problem: str, asked: Collection[str] = ()) -> list[Piece]:
    """A problem in sentences; ids in it lead to what they name, but for those that were `asked` for in vain."""
    said = _sentence(_COMMAND.sub("", problem))
    found: list[Piece] = []
    last = 0
    for match in _MARKED.finditer(said):
        code, id, name = match.groups()
        href = f"/traces/{id}" if id and id not in asked else ""
        found += [
            Piece(said[last : match.start()]),
            Piece(code or id or name, href, is_code=not href),
        ]
        last = match.end()
    return [piece for piece in (*found, Piece(said[last:])) if piece.text]


def _sentence(text: str) -> str:
    """With a capital letter, but for the name of a part of the URL, and a full stop."""
    begun = text if re.match(r"\w+(=|: )", text) else text[:1].upper() + text[1:]
    return begun if begun.endswith((".", "!", "?", "…")) else f"{begun}."
