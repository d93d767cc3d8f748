"""The question asked of every line before anything else: could there be a secret in these bytes?

One RE2 set, matched once over raw JSON. It may say yes too often, never no when there is something. What it costs
is not its size but how many states ordinary prose drives it through; that is why its patterns are coarse, begin at
the edge of a word, and are shared by many rules. A second look asks the rules that fired for their exact patterns.
"""

from collections.abc import Iterator, Sequence

from agent_trace.recording.redaction.matching import Matcher, SetMatch, set_of
from agent_trace.recording.redaction.names import NameRules
from agent_trace.recording.redaction.rule import EDGE, Found, Rule

_KEY_LETTERS = r"[0-9A-Za-z_.%/+\\-]{10}"


class Gate:
    """The set over all active rules, and which rules each of its places stands for."""

    def __init__(self, rules: Sequence[Rule], names: NameRules) -> None:
        shared: dict[str, list[Rule]] = {}
        starts = "|".join(dict.fromkeys(rule.starts for rule in rules if rule.starts))
        names_gate = names.gate() if names.rules else ""
        for rule in rules:
            coarse = f"{EDGE}(?:{starts}){_KEY_LETTERS}" if rule.starts else rule.gate or rule.pattern
            shared.setdefault(names_gate if rule.names else coarse, []).append(rule)
        self.match = set_of(list(shared))
        self._places = [_Place(rules, names) for rules in shared.values()]
        self._names = names
        self._matchers: dict[str, Matcher] = {}

    def rules_at(self, fired: Sequence[int], text: bytes) -> Iterator[Rule]:
        """The rules whose exact patterns match in the text, after the set fired at these places."""
        for at in fired:
            yield from self._places[at].matching(text)

    def dismisses(self, fired: Sequence[int], line: bytes) -> bool:
        """Whether everything that fired in this raw line turns out harmless at a second look."""
        asked = False
        for rule in self.rules_at(fired, line):
            if rule.names and asked:
                continue
            asked = asked or bool(rule.names)
            if self._is_suspicious(rule, line):
                return False
        return True

    def matcher(self, rule: Rule) -> Matcher:
        """The rule's own pattern, compiled when it is first needed."""
        matcher = self._matchers.get(rule.name)
        if matcher is None:
            matcher = self._matchers[rule.name] = Matcher(rule.pattern)
        return matcher

    def _line_matcher(self) -> Matcher:
        if "" not in self._matchers:
            self._matchers[""] = Matcher(self._names.line_pattern())
        return self._matchers[""]

    def _is_suspicious(self, rule: Rule, line: bytes) -> bool:
        if rule.names:
            return not self._names.announces_nothing(line, self._line_matcher())
        dismiss = rule.dismiss
        if dismiss is None:
            return True
        return not all(dismiss(Found(line, *secret, ())) for secret in self.matcher(rule).secrets(line))


class _Place:
    """One place of the set: the rules that share a coarse pattern, and a set of their exact ones."""

    __slots__ = ("_exact", "_names", "_rules")

    def __init__(self, rules: Sequence[Rule], names: NameRules) -> None:
        self._rules = rules
        self._names = names
        self._exact: SetMatch | None = None

    def matching(self, text: bytes) -> Sequence[Rule]:
        if self._exact is None:
            # Compiled when the place first fires: most programs meet few of the rules.
            named = self._rules[0].names
            self._exact = set_of(
                [self._names.line_pattern()] if named else [rule.pattern for rule in self._rules]
            )
        found = self._exact(text)
        if found is None:
            return ()
        return self._rules if self._rules[0].names else [self._rules[at] for at in found]
