"""Signs: what is in every text that the gate fires on, so that most texts need not be put to it.

A rule about telling names has its words as signs, a rule for keys with a start that start; others say theirs. The
compiled way looks for them all at once, and for what must be around them (`Then`), never more closely than the gate:
a sign that leads nowhere costs time, a sign that is missing would cost a secret.
"""

import itertools
from collections.abc import Iterable, Iterator

from agent_trace.recording.redaction.names import OFTEN_NUMBERS, announcing_words
from agent_trace.recording.redaction.rule import Rule, Sign, Then, later

SHORTEST = 3
"""Letters of the shortest sign. A sign begins with a letter where a word begins or with a capital, or with a colon."""

_OUTER_BAR = later(r"\|(?![^(]*\))")
_PART = later(r"\[([^\]]+)\](\{)?|\\?([\w.-])|(.)")
_FROM_TO = later(r"(\w)-(\w)")


def signs_of(rules: Iterable[Rule]) -> tuple[Sign, ...] | None:
    """The signs of all these rules; None if one of them has none, so that every text must be put to the gate."""
    found: dict[Sign, None] = {}
    for rule in rules:
        signs = rule.signs or tuple(_own(rule))
        if not signs:
            return None
        found.update(dict.fromkeys(signs))
    return tuple(found)


def _own(rule: Rule) -> Iterator[Sign]:
    if rule.names:
        for word in sorted(announcing_words((rule,))):
            yield Sign(word, Then.VALUE_NO_NUMBER if word in OFTEN_NUMBERS else Then.VALUE)
    if rule.starts:
        for start in _OUTER_BAR().split(rule.starts):
            yield from (Sign("".join(letters), Then.KEY) for letters in itertools.product(*_letters(start)))


def _letters(start: str) -> Iterator[str]:
    """What may stand at each place of a start, as far as it is plain and while that is not many signs."""
    for at, (kinds, repeated, letter, other) in enumerate(_PART().findall(start)):
        if other or (kinds and at >= SHORTEST):
            return
        yield letter or _FROM_TO().sub(lambda ends: _from_to(*ends.groups()), kinds)
        if repeated:
            return


def _from_to(first: str, last: str) -> str:
    return "".join(map(chr, range(ord(first), ord(last) + 1)))
