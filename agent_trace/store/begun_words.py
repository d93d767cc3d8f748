"""Words that begin with some letters, out of all words in the full text.

The full text puts all places of such words together before it gives the first one, however few are asked about. Asked
for each of the words, it goes straight to these few.
"""

import sqlite3
from typing import Final

from agent_trace.store.words import Term, match_expression

_MOST_WORDS: Final = 300
"""For more of them, to go to the places of each takes as long as to put all together."""
_WORDS: Final = (
    "CREATE VIRTUAL TABLE IF NOT EXISTS temp.said_words USING fts5vocab ('main', 'texts', 'instance')"
)
_NEXT: Final = "SELECT term FROM temp.said_words WHERE term >= ? LIMIT 1"
_LEAST: Final = "\0"


def spelt_out(connection: sqlite3.Connection, terms: list[Term]) -> list[str]:
    """Questions for the full text, without beginnings, that find together what these terms do; or the one with them."""
    as_asked = [match_expression(terms)]
    begun = [nth for nth, term in enumerate(terms) if term.is_begun]
    if len(begun) != 1:
        return as_asked
    nth, term = begun[0], terms[begun[0]]
    words = _beginning_with(connection, term.words[-1].lower())
    if words is None:
        return as_asked
    each = [Term((*term.words[:-1], word), is_begun=False) for word in words]
    return [match_expression([*terms[:nth], spelt, *terms[nth + 1 :]]) for spelt in each]


def _beginning_with(connection: sqlite3.Connection, start: str) -> list[str] | None:
    """The words that begin so; None when they are too many, or some that the full text might fold once more."""
    if not start.isascii():
        return None
    connection.execute(_WORDS)
    words, at = list[str](), start
    while len(words) <= _MOST_WORDS:
        found = connection.execute(_NEXT, (at,)).fetchone()
        if found is None or not found[0].startswith(start):
            return words
        if not found[0].isascii():
            return None
        words.append(found[0])
        at = found[0] + _LEAST
    return None
