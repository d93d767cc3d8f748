"""The rules that a user adds or switches off: checked when the program starts, not at the first secret."""

from collections.abc import Collection, Iterator, Mapping, Sequence

import re2

from agent_trace.errors import SettingError
from agent_trace.recording.redaction.matching import Matcher, options, set_of
from agent_trace.recording.redaction.rule import SPACE, Rule, later
from agent_trace.recording.redaction.rules import DEFAULT_RULES

_NAME = later(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
# Parts of a pattern that can match nothing which JSON writes with a backslash: such a pattern finds in the raw line
# whatever it would find in the decoded texts.
_RAW_PART = later(
    r"\(\?[a-z]+\)|\(\?:|\(\?P<\w+>|[()|]|\\[dwbs.@/-](?!b?\{)|[^\x00-\x20\x7f\"\\.^$\[\](){}*+?|]| "
    r"|\[(?:[A-Z]-[A-Z]|[a-z]-[a-z]|[0-9]-[0-9]|\w)+-?\]|[*+?]\??|\{[0-9]+(?:,[0-9]*)?\}"
)


class UserRules:
    """The user's own rules, and their own question to the raw line."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = tuple(rules)
        self._matchers = [Matcher(rule.pattern, latin1=False) for rule in rules]
        raw = [raw_pattern(rule.pattern) for rule in rules]
        self.need_decoding = None in raw
        """Whether some pattern can only be asked of decoded texts, so that every record must be decoded."""
        self.match = set_of([pattern for pattern in raw if pattern is not None], latin1=False)

    def __iter__(self) -> Iterator[tuple[Rule, Matcher]]:
        return iter(zip(self.rules, self._matchers, strict=True))


def raw_pattern(pattern: str) -> str | None:
    """What to ask of a raw JSON line in place of the pattern; None if only the decoded texts can be asked."""
    parts: list[str] = []
    at = 0
    while at < len(pattern):
        part = _RAW_PART().match(pattern, at)
        if part is None:
            return None
        # In the raw line a secret after a line break follows the letter of `\n`: no word begins there.
        parts.append({r"\b": "(?:)", r"\s": SPACE}.get(part.group(), part.group()))
        at = part.end()
    return "".join(parts)


def checked_rules(extra: Mapping[str, str] | Sequence[Rule]) -> tuple[Rule, ...]:
    """The user's rules. Raises SettingError for a name or a pattern that cannot be used."""
    if isinstance(extra, Mapping):
        extra = [Rule(name, "a rule of yours", pattern, (), ()) for name, pattern in extra.items()]
    for rule in extra:
        _check(rule)
    return tuple(extra)


def _check(rule: Rule) -> None:
    if not isinstance(rule.pattern, str) or not rule.pattern:
        raise SettingError(f"redaction rule {rule.name!r}: the pattern must be a text, not {rule.pattern!r}.")
    if not _NAME().fullmatch(rule.name) or rule.name in {known.name for known in DEFAULT_RULES}:
        raise SettingError(
            f"redaction rule {rule.name!r}: the name must be of letters, digits, '-', '_' and '.', and not that of a "
            "default rule."
        )
    try:
        compiled = re2.compile(rule.pattern.encode(), options(latin1=False))
    except re2.error as error:
        complaint = error.args[0] if error.args else ""
        reason = complaint.decode("utf-8", "replace") if isinstance(complaint, bytes) else str(complaint)
        raise SettingError(
            f"redaction rule {rule.name!r}: the pattern {rule.pattern!r} cannot be used: {reason}. Patterns are RE2, "
            "which has no look-ahead, look-behind or backreferences; name the part to hide (?P<secret>...) instead."
        ) from None
    if compiled.search(b"") is not None:
        raise SettingError(
            f"redaction rule {rule.name!r}: the pattern {rule.pattern!r} matches the empty text, and so everything."
        )


def rules_without(off: Collection[str]) -> tuple[Rule, ...]:
    """The default rules but these. Raises SettingError for a name that no default rule has."""
    known = [rule.name for rule in DEFAULT_RULES]
    for name in off:
        if name not in known:
            import difflib  # only for this message

            near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]!r}?" if near else f"the rules are {', '.join(known)}."
            raise SettingError(f"there is no redaction rule {name!r} to switch off; {hint}")
    return tuple(rule for rule in DEFAULT_RULES if rule.name not in off)
