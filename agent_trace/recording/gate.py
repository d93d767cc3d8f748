"""The question asked of every line before anything else: could there be a secret in these bytes?

One RE2 set, matched once over raw JSON. It may say yes too often, never no when there is something. What costs is
not its size but how many different states ordinary prose drives it through: patterns begin at the edge of a word,
and those that begin alike share one place in the set.
"""

from collections.abc import Sequence

from agent_trace.recording.matching import Matcher, set_of
from agent_trace.recording.names import NameRules
from agent_trace.recording.rule import EDGE, Found, Rule

_PLAIN_START = f"{EDGE}(?P<secret>"


class Gate:
    """The set over all active rules, and which rules each of its places stands for."""

    def __init__(self, rules: Sequence[Rule], names: NameRules) -> None:
        tokens = [rule for rule in rules if _is_token(rule)]
        others = [rule for rule in rules if not _is_token(rule) and not rule.names]
        self._places: list[tuple[Rule, ...]] = [(rule,) for rule in others]
        patterns = [rule.gate or rule.pattern for rule in others]
        if tokens:
            self._places.append(tuple(tokens))
            patterns.append(EDGE + "(?:" + "|".join(rule.pattern[len(_PLAIN_START) : -1] for rule in tokens) + ")")
        if names.rules:
            self._places.append(names.rules)
            patterns.append(names.gate())
        self.match = set_of(patterns)
        self._matchers: dict[str, Matcher] = {}

    def rules_at(self, fired: Sequence[int]) -> list[Rule]:
        """The rules that may have something to hide, after the set fired at these places."""
        return [rule for at in fired for rule in self._places[at]]

    def dismisses(self, fired: Sequence[int], line: bytes) -> bool:
        """Whether everything that fired in this raw line turns out harmless at a second look."""
        return all(self._is_harmless(rule, line) for rule in self.rules_at(fired))

    def matcher(self, rule: Rule) -> Matcher:
        """The rule's own pattern, compiled when it is first needed."""
        matcher = self._matchers.get(rule.name)
        if matcher is None:
            matcher = self._matchers[rule.name] = Matcher(rule.pattern)
        return matcher

    def _is_harmless(self, rule: Rule, line: bytes) -> bool:
        dismiss = rule.dismiss
        if dismiss is None:
            return False
        return all(dismiss(Found(line, *secret, ())) for secret in self.matcher(rule).secrets(line))


def _is_token(rule: Rule) -> bool:
    return rule.pattern.startswith(_PLAIN_START) and rule.gate is None and rule.dismiss is None
