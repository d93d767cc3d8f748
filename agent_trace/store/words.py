"""Text as the full-text index sees it: what of a record is searched, how a question is cut into words."""

import re
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from agent_trace.store.records import Record

_SEARCHED: Final = (
    "name",
    "output",
    "input",
    "error",
    "status_message",
    "signal",
    "metadata",
    "tags",
    "model",
    "agent_name",
    "agent_id",
    "session_id",
    "user_id",
    "tenant_id",
    "score",
)
"""Fields whose text is searched, those first that a snippet is best taken from."""

# Scripts without spaces: every character is a word, and a run of them is a phrase.
_UNSPACED: Final = re.compile(r"([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u0e00-\u0e7f])")
_WORD: Final = re.compile(r"[^\W_]+")
_TERM: Final = re.compile(r'"([^"]*)"?|(\S+)')


class Term(NamedTuple):
    """One part of a question: words that stand side by side, the last one perhaps only begun."""

    words: tuple[str, ...]
    is_begun: bool

    def pattern(self) -> str:
        """A regular expression for the term in a text that was not cut up."""
        gap = r"[\W_]*" if any(_UNSPACED.fullmatch(word) for word in self.words) else r"[\W_]+"
        end = "" if self.is_begun or _UNSPACED.fullmatch(self.words[-1]) else r"(?![^\W_])"
        start = "" if _UNSPACED.fullmatch(self.words[0]) else r"(?<![^\W_])"
        return start + gap.join(re.escape(word) for word in self.words) + end


def terms_of(question: str) -> list[Term]:
    """The terms of a question: quotes hold a phrase, so does `BTC/USDT`; a star ends a word that is only begun."""
    terms = []
    for phrase, plain in _TERM.findall(question):
        words = tuple(_WORD.findall(spaced(phrase or plain)))
        if words:
            terms.append(Term(words, plain.endswith("*")))
    return terms


def match_expression(terms: list[Term]) -> str:
    """The question for FTS5: all words, wherever they stand. Quoting keeps its own operators out."""
    return " AND ".join(
        f'"{word}"' + ("*" if term.is_begun and nth == len(term.words) - 1 else "")
        for term in terms
        for nth, word in enumerate(term.words)
    )


def is_said(record: Record, terms: list[Term]) -> bool:
    """Whether a record that is in no index yet has all the terms."""
    whole = "\n".join(text for _, text in searched_fields(record))
    return all(re.search(term.pattern(), whole, re.IGNORECASE) for term in terms)


def spaced(text: str) -> str:
    """The text with spaces around characters that are words of their own."""
    return text if text.isascii() else _UNSPACED.sub(r" \1 ", text)


def searched_text(record: Record) -> str:
    """Everything of a record that a search looks at, as one text."""
    parts: list[str] = []
    for field in _SEARCHED:
        value = record.get(field)
        if value is not None:
            parts.extend(texts_in(value))
    return spaced("\n".join(parts))


def searched_fields(record: Record) -> Iterator[tuple[str, str]]:
    """Each field that a search looks at, with its text."""
    for field in _SEARCHED:
        value = record.get(field)
        if value is not None:
            yield field, " ".join(texts_in(value))


def texts_in(value: Any) -> list[str]:
    """Every string and whole number in a JSON value, at any depth, in order; keys are not text."""
    if type(value) is str:
        return [value]
    found: list[str] = []
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if type(each) is str:
            found.append(each)
        elif type(each) is dict:
            waiting.extend(reversed(each.values()))
        elif type(each) is list:
            waiting.extend(reversed(each))
        elif type(each) is int:
            found.append(str(each))
    return found
