"""RE2 as redaction uses it: one pattern that says where, and sets of patterns that say which."""

from collections.abc import Callable, Iterator, Sequence

import re2

from agent_trace.recording.redaction.rule import Span

SetMatch = Callable[[bytes], list[int] | None]
"""Asks a set: the places of the patterns that match somewhere in the text, None when none does."""

# The automaton makes its states as texts need them and keeps them up to this much; beyond that it starts over, which
# is slower, never wrong.
_MAX_MEMORY_BYTES = 32 << 20

_generation = 0
_abandoned: list[object] = []


def renew(compiled: Sequence[object]) -> None:
    """After a fork in a program with threads: what was compiled before must not be used, nor freed.

    RE2 matches without the GIL and makes its automaton under a lock. A thread that held the lock does not exist in
    the child, where the lock stays taken for ever.
    """
    global _generation
    _generation += 1
    _abandoned.extend(compiled)


def options(*, latin1: bool = True) -> "re2.Options":
    """RE2's options for our patterns: bytes as they are, silent about what it cannot compile."""
    chosen = re2.Options()
    # The package keeps what it compiled by pattern and options: another generation must not be given the old one.
    chosen.max_mem = _MAX_MEMORY_BYTES + _generation
    chosen.log_errors = False
    if latin1:
        chosen.encoding = re2.Options.Encoding.LATIN1
    return chosen


class Matcher:
    """One pattern, compiled: where it matches in a text, and which part of the match counts."""

    __slots__ = ("_compiled", "_group", "_groups")

    def __init__(self, pattern: str, *, latin1: bool = True) -> None:
        encoded = pattern.encode("latin-1" if latin1 else "utf-8")
        self._compiled = re2.compile(encoded, options(latin1=latin1))
        self._groups: list[tuple[bytes, int]] = list(self._compiled.groupindex.items())
        self._group = dict(self._groups).get(b"secret", 0)

    def next(self, text: bytes, at: int) -> tuple[Span, Span] | None:
        """The next match from `at` on, and the part of it that the group `secret` names, else all of it."""
        match = self._compiled.search(text, at)
        if match is None:
            return None
        secret = match.span(self._group)
        return match.span(), secret if secret[0] >= 0 else match.span()

    def named(self, text: bytes, at: int) -> tuple[Span, str, Span] | None:
        """The next match from `at` on: its span, and name and span of the group that took part."""
        match = self._compiled.search(text, at)
        if match is None:
            return None
        group, number = next(item for item in self._groups if match.start(item[1]) >= 0)
        return match.span(), group.decode(), match.span(number)

    def secrets(self, text: bytes) -> Iterator[Span]:
        """The secret's part of every match in a text."""
        at = 0
        while (match := self.next(text, at)) is not None:
            yield match[1]
            at = max(match[0][1], at + 1)


def set_of(patterns: Sequence[str], *, latin1: bool = True) -> SetMatch:
    """A set of patterns, compiled; its answers are places in this sequence."""
    if not patterns:
        return _nothing
    made = re2.Set.SearchSet(options(latin1=latin1))
    for pattern in patterns:
        made.Add(pattern.encode("latin-1" if latin1 else "utf-8"))
    made.Compile()
    match: SetMatch = made.Match
    return match


def _nothing(_text: bytes) -> None:
    return None
