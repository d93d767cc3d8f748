"""Telling names: from the endings in the rules to the questions asked of a key, of a text and of a whole line."""

import re
from collections.abc import Sequence

from agent_trace.recording.rule import EDGE, QUOTE, SPACE, Rule

_SUFFIX = r"s?(?:[_-]?(?:[0-9]{1,2}|text|value|plain|confirm|confirmation|new|old|base64|b64|hex))?"
_LETTER = r"[0-9A-Za-z_.-]"
_CLOSES = rf"(?:{QUOTE}|[*_\])]){{0,6}}{SPACE}*"
_ASSIGNS = rf"{_CLOSES}(?::=|=>|===?|[:=]|%3[AaDd]){SPACE}*"
_ELEMENT = rf"{_CLOSES}>{SPACE}*"
_IS = r"\*{0,2}\s+(?:is|was)\s{0,2}:?\s+"
_NEXT_IN_PAIR = rf"{QUOTE}{SPACE}*,{SPACE}*"
_VALUE_FIELD = rf"{QUOTE}(?:{SPACE}*,{SPACE}*{QUOTE}value{QUOTE}{SPACE}*:|{SPACE}+value=){SPACE}*"
# In a raw line a name is also the first of a pair, or the value of a field beside the one that holds the secret.
_AS_VALUE = rf"{QUOTE}{SPACE}*[,\]}}]"
_LONGEST_NAME = 128
_NAMES_REMEMBERED = 4096
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OTHER = re.compile(r"[^0-9a-z]+")


class NameRules:
    """The active rules about telling names, and the three questions that are made of them."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rule for rule in rules if rule.names)
        groups = (f"(?P<r{at}>{'|'.join(rule.names)})" for at, rule in enumerate(self.rules))
        self._ending = re.compile(f"(?:.*_)?(?:{'|'.join(groups).replace('_', '_?')}){_SUFFIX.replace('-', '')}")
        self._known: dict[str, str | None] = {}

    def rule_of(self, name: str) -> str | None:
        """The rule whose name this is, None for a name that tells nothing."""
        if len(name) > _LONGEST_NAME or not self.rules:
            return None
        if name not in self._known:
            if len(self._known) >= _NAMES_REMEMBERED:
                self._known.clear()
            self._known[name] = self._look_up(name)
        return self._known[name]

    def _look_up(self, name: str) -> str | None:
        divided = _OTHER.sub("_", _CAMEL.sub("_", name).lower()).strip("_")
        match = self._ending.fullmatch(divided)
        return self.rules[int(match.lastgroup[1:])].name if match and match.lastgroup else None

    def text_pattern(self) -> str:
        """RE2: a telling name in a text with what separates it from its value; the value follows the match."""
        name = self._name()
        pair = rf"(?:\(|[\[,]{SPACE}*\[){SPACE}*{QUOTE}(?:{_LETTER}{{0,40}}[_.-])?"
        return (
            rf"(?:<(?:{_LETTER}{{0,40}}[_:.-])?(?P<element>{name}){_ELEMENT}"
            rf"|--(?:{_LETTER}{{0,40}}[_.-])?(?P<flag>{name}){SPACE}+"
            rf"|{pair}(?P<pair>{name}){_NEXT_IN_PAIR}"
            rf"|{EDGE}(?P<name>{name})(?:{_VALUE_FIELD}|{_ASSIGNS})|{EDGE}(?P<stated>{name}){_IS}"
            rf"|(?P<camel>{self._camel_name()})(?:{_VALUE_FIELD}|{_ASSIGNS}))"
        )

    def gate(self) -> str:
        """RE2: fires on every raw line in which a key, a pair, a name field or a text may announce a secret."""
        follows = rf"(?:{_ASSIGNS}|{_ELEMENT}|{_AS_VALUE}|{_IS}|{QUOTE}{SPACE}+value=)"
        flag = rf"--(?:{_LETTER}{{0,40}}[_.-])?{self._name()}{SPACE}"
        return rf"(?:{EDGE}{self._name()}|{self._camel_name()}){follows}|{flag}"

    def _name(self) -> str:
        names = "|".join(name for rule in self.rules for name in rule.names).replace("_", "[ _.-]?")
        return f"(?i:(?:{names}){_SUFFIX})"

    def _camel_name(self) -> str:
        """A name that begins inside a word with a capital, as in `openaiApiKey`."""
        names = (name[0].upper() + f"(?i:{name[1:]})" for rule in self.rules for name in rule.names)
        return f"(?:{'|'.join(names).replace('_', '[_.-]?')})(?i:{_SUFFIX})"
