"""What a redaction rule is, the pattern fragments that rules share, and the mark a redaction leaves.

The rules themselves are in `rules_*.py`; how they are applied is in `redactor.py` and `sweep.py`.
Patterns are RE2 (no look-around, no backreferences) and run on UTF-8 bytes as Latin-1: a byte above 0x7f is
one character that is neither a letter nor a digit.
"""

import enum
import functools
import re
from collections.abc import Callable, Iterable, Sequence
from typing import AnyStr as Text
from typing import NamedTuple

Span = tuple[int, int]


def later(pattern: Text, flags: int = 0) -> Callable[[], re.Pattern[Text]]:
    """A pattern of Python's own, compiled when it is first needed: together they would take half of our start."""
    return functools.cache(lambda: re.compile(pattern, flags))


MARK = later(rb"\[redacted:[A-Za-z0-9_.-]+\](?: \(\d+\))?")

# A secret begins where a word begins. In JSON inside a string a line break is written `\n`, so that the letter
# before the secret is an escape's; the same goes for `%3D` in a URL and for a terminal's colour sequence.
EDGE = r"(?:^|[^0-9A-Za-z]|\\[bfnrt]|\\u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2}|\[[0-9;]{1,8}m)"

SPACE = r"(?:\s|\\+[nrt])"
"""White space, also as JSON writes it inside a string, at any depth of nesting."""

QUOTE = r"\\*[\"'`]"
"""A quotation mark, with as many backslashes as the nesting of JSON in JSON has put before it."""

BASE58 = "[1-9A-HJ-NP-Za-km-z]"


class Found(NamedTuple):
    """One match of a rule's pattern: where, in what text, and under which labels (nearest first)."""

    text: bytes
    start: int
    end: int
    labels: Iterable[str]

    @property
    def secret(self) -> bytes:
        """What the pattern found, without its surroundings."""
        return self.text[self.start : self.end]


class Then(enum.Enum):
    """What has to be around a sign for it to count."""

    ANYTHING = enum.auto()
    VALUE = enum.auto()  # of the name that the sign is
    VALUE_NO_NUMBER = enum.auto()
    KEY = enum.auto()  # the letters of a key
    PASSWORD = enum.auto()  # of a URL
    SPACE = enum.auto()  # or anything else that is no letter
    DASHES = enum.auto()  # before it


class Sign(NamedTuple):
    """A text that is found wherever a gate fires, in capitals or not."""

    text: str
    then: Then = Then.ANYTHING


SHAPE = Sign("")
"""Of a rule whose secrets have no text in common: long runs of letters, arrays of numbers, words in a row."""

Verdict = Callable[[Found], Sequence[Span]]
"""Looks at a match and its surroundings; returns the spans to hide, none when the match is harmless."""


class Rule(NamedTuple):
    """One kind of secret.

    `pattern`: what is hidden is the group `secret`, or the whole match without such a group.
    `gate`: a coarser pattern that the raw line is asked first; rules with the same one share a place in the gate.
    `starts`: instead, for a key with a recognisable start, that start: all of them share one place.
    `signs`: of which one is in every text that the gate fires on; those of names and starts need not be said.
    `dismiss`: says of a match in the raw line that it is certainly harmless, which spares the slow path.
    `names`: for a rule about telling names, the endings of names whose value is hidden whatever it looks like,
    `_` where a name may be divided; such a rule has no pattern of its own (see `names.py`).
    `examples` and `counterexamples`: JSON-able values that the rule must, and must not, change.
    """

    name: str
    covers: str
    pattern: str
    examples: tuple[object, ...]
    counterexamples: tuple[object, ...]
    verdict: Verdict | None = None
    gate: str | None = None
    starts: str | None = None
    names: tuple[str, ...] = ()
    dismiss: Callable[[Found], bool] | None = None
    signs: tuple[Sign, ...] = ()


def mark(rule: str) -> str:
    """What stands in place of a secret."""
    return f"[redacted:{rule}]"


def is_mark(text: bytes) -> bool:
    """Whether the text is nothing but a mark that an earlier redaction left."""
    return MARK().fullmatch(text.strip()) is not None


def whole(found: Found) -> Sequence[Span]:
    """The verdict of a rule that needs none: hide what was found."""
    return ((found.start, found.end),)
