"""The slow path of redaction for one text: which rules hide what in it."""

from collections.abc import Iterable, Sequence

from agent_trace.recording.redaction.announced import find_announced
from agent_trace.recording.redaction.gate import Gate
from agent_trace.recording.redaction.matching import Matcher
from agent_trace.recording.redaction.names import NameRules
from agent_trace.recording.redaction.rule import Found, Rule, Span, is_mark, mark, whole
from agent_trace.recording.redaction.user_rules import UserRules

# Keys and roles come back in every message of every record.
_LONGEST_PLAIN_NAME = 32
_PLAIN_NAMES_REMEMBERED = 4096


class TextSearch:
    """The active rules, asked of texts."""

    def __init__(self, rules: Sequence[Rule], user_rules: UserRules) -> None:
        self.names = NameRules(rules)
        self.gate = Gate(rules, self.names)
        self.active = frozenset(rule.name for rule in rules)
        self._order = {rule.name: at for at, rule in enumerate(rules)}
        self._user_rules = user_rules
        self._announced: Matcher | None = None
        self._plain_names: set[str] = set()

    def is_plain_name(self, name: str) -> bool:
        """Whether a short text, mostly a key that was seen before, certainly holds no secret."""
        if name in self._plain_names:
            return True
        if len(name) > _LONGEST_PLAIN_NAME or self._user_rules.rules or self.gate.match(name.encode()):
            return False
        if len(self._plain_names) >= _PLAIN_NAMES_REMEMBERED:
            self._plain_names.clear()
        self._plain_names.add(name)
        return True

    def hide(self, text: bytes, labels: Iterable[str]) -> tuple[bytes, list[str]]:
        """The text (UTF-8) without its secrets, and the rules that found any, once each.

        `labels`: the names that the text stands under, nearest first.
        """
        hidden: list[str] = []
        for rule, matcher in self._user_rules:
            text = self._apply(rule, matcher, text, labels, hidden)
        fired = self.gate.match(text)
        if fired is None:
            return text, hidden
        rules = sorted(self.gate.rules_at(fired, text), key=lambda rule: self._order[rule.name])
        if any(rule.names for rule in rules):
            text = self._hide_announced(text, hidden)
        for rule in rules:
            if not rule.names:
                text = self._apply(rule, self.gate.matcher(rule), text, labels, hidden)
        return text, hidden

    def _apply(
        self, rule: Rule, matcher: Matcher, text: bytes, labels: Iterable[str], hidden: list[str]
    ) -> bytes:
        spans: list[tuple[Span, str]] = []
        verdict = rule.verdict or whole
        at = 0
        while (match := matcher.next(text, at)) is not None:
            (_, end), secret = match
            chosen = verdict(Found(text, *secret, labels))
            spans += [(span, rule.name) for span in chosen if not is_mark(text[span[0] : span[1]])]
            at = max(at + 1, chosen[-1][1] if chosen else end)
        return replaced(text, spans, hidden)

    def _hide_announced(self, text: bytes, hidden: list[str]) -> bytes:
        if self._announced is None:
            self._announced = Matcher(self.names.text_pattern())
        spans: list[tuple[Span, str]] = []
        at = 0
        while (match := self._announced.named(text, at)) is not None:
            (_, end), form, name = match
            found = find_announced(text, self.names, form, name, end)
            if found:
                spans.append((found[1], found[0]))
                end = found[1][1]
            at = max(at + 1, end)
        return replaced(text, spans, hidden)


def replaced(text: bytes, spans: Sequence[tuple[Span, str]], hidden: list[str]) -> bytes:
    """The text with a mark in place of each span, in order; the rules that left one are added to `hidden`."""
    parts: list[bytes] = []
    at = 0
    for (start, end), rule in spans:
        if start >= at:
            parts += (text[at:start], mark(rule).encode())
            at = end
            if rule not in hidden:
                hidden.append(rule)
    return b"".join((*parts, text[at:])) if parts else text
