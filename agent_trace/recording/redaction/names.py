"""Telling names: from the endings in the rules to the questions asked of a key, of a text and of a whole line."""

import functools
import re
from collections.abc import Iterable, Sequence

from agent_trace.recording.redaction.matching import Matcher
from agent_trace.recording.redaction.rule import EDGE, QUOTE, SPACE, Rule, later

_SUFFIX = r"(?:[_-]?(?:[0-9]{1,2}|text|value|plain|confirm|confirmation|new|old|base64|b64|hex))?"
_LETTER = r"[0-9A-Za-z_.-]"
_CLOSES = rf"(?:{QUOTE}|[*_\])]){{0,6}}{SPACE}*"
_ASSIGNS = rf"{_CLOSES}(?::=|=>|===?|[:=]|%3[AaDd]){SPACE}*"
_ELEMENT = rf"{_CLOSES}>{SPACE}*"
_IS = r"\*{0,2}\s+(?:is|was)\s{0,2}:?\s+"
_NEXT_IN_PAIR = rf"{QUOTE}{SPACE}*,{SPACE}*"
_VALUE_FIELD = rf"{QUOTE}(?:{SPACE}*,{SPACE}*{QUOTE}value{QUOTE}{SPACE}*:|{SPACE}+value=){SPACE}*"
# In a raw line a name is also the first of a pair, or the value of a field beside the one that holds the secret.
_AS_VALUE = rf"{QUOTE}{SPACE}*[,\]}}]"
_FOLLOWS = rf"(?:{_ASSIGNS}|{_ELEMENT}|{_AS_VALUE}|{QUOTE}{SPACE}+value=)"
_COARSE_SUFFIX = r"(?i:text|value|plain|confirm|confirmation|new|old|base64|b64|hex|[0-9_-]){0,3}"
_STATED_NAMES = (
    *"password passwd passphrase passcode secret mnemonic".split(),
    *("api key", "private key", "secret key", "access token", "seed phrase", "recovery phrase"),
)
_STATED = f"(?i:{'|'.join(name.replace(' ', '[ _-]?') for name in _STATED_NAMES)})"
OFTEN_NUMBERS = frozenset({"seed", "seeds"})
"""Last words of telling names that mostly name a plain number: `"seed": 42` stands in every other request to a model."""
_NO_NUMBER = r"[^0-9\s.\[-]|\[[^0-9]|[0-9A-Fa-fxX]{16}|\[(?:[0-9]{1,3},){15}"
_SEED = later(rb"(?i)seeds?[\\\"'`]*\s*[:=]\s*\Z")
_IS_NUMBER = later(rb"-?[0-9.]{1,15}[,}\s\\\"']")
_IS_EMPTY = later(rb"(?:null|true|false|\"\"|\[\]|\{\})[,}\]]")
_LONGEST_NAME = 128
_NAMES_REMEMBERED = 4096
_CAMEL = later(r"(?<=[a-z0-9])(?=[A-Z])")
_OTHER = later(r"[^0-9a-z]+")


class NameRules:
    """The active rules about telling names, and the three questions that are made of them."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rule for rule in rules if rule.names)
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

    @functools.cached_property
    def _ending(self) -> re.Pattern[str]:
        groups = (f"(?P<r{at}>{'|'.join(map(_divided, rule.names))})" for at, rule in enumerate(self.rules))
        return re.compile(f"(?:.*?_)?(?:{'|'.join(groups)}){_SUFFIX.replace('-', '')}")

    def _look_up(self, name: str) -> str | None:
        if "[redacted:" in name:  # its mark ends in the name of a rule
            return None
        divided = _OTHER().sub("_", _CAMEL().sub("_", name).lower()).strip("_")
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
            rf"|{EDGE}(?P<name>{name})(?:{_VALUE_FIELD}|{_ASSIGNS})|{EDGE}(?P<stated>{_STATED}){_IS}"
            rf"|(?P<camel>{self._camel_name()})(?:{_VALUE_FIELD}|{_ASSIGNS}))"
        )

    def line_pattern(self) -> str:
        """RE2: fires on every raw line in which a key, a pair, a name field or a text may announce a secret."""
        flag = rf"--(?:{_LETTER}{{0,40}}[_.-])?{self._name()}{SPACE}"
        return rf"(?:{EDGE}{self._name()}|{self._camel_name()}){_FOLLOWS}|{EDGE}{_STATED}{_IS}|{flag}"

    def gate(self) -> str:
        """RE2: the same, coarser: names by their last words only."""
        words = _last_words(self.rules)
        numbered = words & OFTEN_NUMBERS
        named = _coarse(words - numbered) + _FOLLOWS
        seeds = f"|{_coarse(numbered)}(?:{_FOLLOWS}(?:{_NO_NUMBER})|{_AS_VALUE})" if numbered else ""
        flag = rf"--(?:{_LETTER}{{0,40}}[_.-])?(?i:{'|'.join(sorted(words))}){_COARSE_SUFFIX}{SPACE}"
        return rf"{named}{seeds}|{EDGE}{_STATED}{_IS}|{flag}"

    def announces_nothing(self, line: bytes, matcher: Matcher) -> bool:
        """Whether every name in a raw line that matched stands before null, a flag, nothing, or a number for seeds."""
        at = 0
        while (match := matcher.next(line, at)) is not None:
            (_, at), (start, end) = match
            before_number = _IS_NUMBER().match(line, end) and _SEED().search(line, start, end)
            if not before_number and not _IS_EMPTY().match(line, end):
                return False
        return True

    def _name(self) -> str:
        names = "|".join(_spaced(name) for rule in self.rules for name in rule.names)
        return f"(?i:(?:{names}){_SUFFIX})"

    def _camel_name(self) -> str:
        """A name that begins inside a word with a capital, as in `openaiApiKey`."""
        names = "|".join(n[0].upper() + f"(?i:{_spaced(n[1:])})" for rule in self.rules for n in rule.names)
        return f"(?:{names})(?i:{_SUFFIX})"


def _coarse(words: Iterable[str]) -> str:
    camel = "|".join(sorted(word[0].upper() + word[1:] for word in words))
    return rf"(?:{EDGE}(?i:{'|'.join(sorted(words))})|{camel}){_COARSE_SUFFIX}"


def _spaced(name: str) -> str:
    # Where a name must be divided, a capital may divide it, which a pattern that ignores case cannot see.
    return name.replace("_", " ").replace(" ", "[ _.-]?")


def _divided(name: str) -> str:
    return name.replace("_", "_?").replace(" ", "_")


def announcing_words(rules: Iterable[Rule]) -> set[str]:
    """The words of which one is in whatever the gate of these rules fires on."""
    stated = {word for name in _STATED_NAMES for word in (name.rpartition(" ")[2], name.replace(" ", ""))}
    return _last_words(rules) | stated


def _last_words(rules: Iterable[Rule]) -> set[str]:
    return {word for rule in rules for name in rule.names for word in _endings_of(name)}


def _endings_of(name: str) -> list[str]:
    """The word that a name ends in, and what its last words are when written as one: key, apikey."""
    parts = name.rpartition(" ")[2].split("_")
    return ["".join(parts[at:]) for at in range(len(parts))]
