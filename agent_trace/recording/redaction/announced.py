"""What stands under a telling name: whether it is a secret, in a structure, and how far it reaches, in a text."""

from agent_trace.recording.redaction import values
from agent_trace.recording.redaction.names import NameRules
from agent_trace.recording.redaction.rule import Span, is_mark, later

_LONGEST_RULE_NAME = 80
_LONGEST_PHRASE = 300
_FEWEST_SEED_BYTES = 16
_SHORTEST_SEED = 12
_NEVER_NUMBERS = frozenset({"token", "seed-phrase", "cookie", "credentials"})
_HEX_OR_BASE58 = later(rb"(?:0x)?[0-9A-Fa-f]{32,}|[1-9A-HJ-NP-Za-km-z]{40,}")
_MIXED = later(rb"(?=.*[0-9])(?=.*[A-Za-z]).{6,}|.*[^\w\s.,;:!?'()-].*")
_ENDS_LINE = later(rb"(?:[\r\n]|\\{1,9}[nr])[\s\\nrt]*\Z")
_COOKIE = later(rb"[\w!#$%&*+.^|~-]{1,80}=[^\s=]")
_SOME_WORDS = later(rb"(?:[^\s\"']{1,40}[ ,]+){2}[^\s\"']|\[redacted:")
_TWELVE_WORDS = later(rb"(?:[A-Za-z]{3,8}[\s,]+){11,24}[A-Za-z]{3,8}")
_DESCRIBES = later(rb"\{(?:\s|\\{1,9}[nrt])*\\*\"(?:type|description|title|anyOf|\$ref)\\*\"")


def is_secret(rule: str, name: str, value: object) -> bool:
    """Whether the value of a telling name in a structure is one: not empty, a flag, a placeholder or a schema."""
    if value is None or isinstance(value, bool) or value in ("", [], {}) or values.is_schema(value):
        return False
    if isinstance(value, str):
        encoded = value.encode()
        return not (is_mark(encoded) or values.is_placeholder(encoded)) and _fits(
            rule, name, encoded, whole=True
        )
    if isinstance(value, (int, float)):
        return rule not in _NEVER_NUMBERS
    if _is_auth(name):
        return isinstance(value, list) and len(value) == 2 and all(isinstance(part, str) for part in value)
    return _has_secret_parts(rule, value)


def _has_secret_parts(rule: str, value: object) -> bool:
    parts = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    if rule in _NEVER_NUMBERS and len(parts) < _FEWEST_SEED_BYTES:
        parts = [part for part in parts if not isinstance(part, (int, float))]
    return any(not (part is None or (isinstance(part, str) and is_mark(part.encode()))) for part in parts)


def _is_auth(name: str) -> bool:
    return name.lower().endswith("auth")


def _is_bare_seed(rule: str, name: str) -> bool:
    return rule == "seed-phrase" and name.lower().rstrip("s").endswith("seed")


def _fits(rule: str, name: str, value: bytes, *, whole: bool) -> bool:
    if _is_auth(name):
        return False
    if _is_bare_seed(rule, name):
        long_number = _HEX_OR_BASE58().fullmatch(value.strip())
        phrase = whole and len(value) >= _SHORTEST_SEED and not value.strip().isdigit()
        return bool(phrase or long_number or _TWELVE_WORDS().fullmatch(value.strip()))
    return not (name.lower().endswith("pwd") and value.startswith((b"/", b"~")))


def find_announced(text: bytes, names: NameRules, form: str, name: Span, at: int) -> tuple[str, Span] | None:
    """For a telling name in a text, whose value begins at `at`: the rule and where the secret lies."""
    full = text[name[0] : name[1]].decode("latin-1")
    rule = names.rule_of(full)
    if rule is None or _is_in_mark(text, name):
        return None
    span = _value_span(text, at, rule, full, form)
    return (rule, span) if span else None


def _is_in_mark(text: bytes, name: Span) -> bool:
    """A mark ends in the name of a rule, and many of those are telling names themselves."""
    opens = text.rfind(b"[redacted:", max(0, name[0] - _LONGEST_RULE_NAME), name[0])
    return opens >= 0 and b"]" not in text[opens : name[1]]


def _value_span(text: bytes, at: int, rule: str, name: str, form: str) -> Span | None:
    quoted = values.quoted_span(text, at)
    span = quoted or _open_span(text, at, rule, name)
    if span is None or values.is_harmless_value(text, span, quoted is not None):
        return None
    value = text[span[0] : span[1]]
    # "the password is too short", "if secret:" and a new line: a sentence or a program goes on, unless it looks
    # like a password.
    goes_on = form == "stated" or _ENDS_LINE().search(text, max(0, at - 40), at)
    if goes_on and not quoted and not _MIXED().fullmatch(value):
        return None
    if not quoted and value.lower() == name.lower().encode("latin-1"):  # api_key=api_key
        return None
    if rule in _NEVER_NUMBERS and value.strip().isdigit():
        return None
    pair = _is_auth(name) and not quoted and value.count(b",") == 1
    return span if pair or _fits(rule, name, value, whole=quoted is not None) else None


def _open_span(text: bytes, at: int, rule: str, name: str) -> Span | None:
    if _DESCRIBES().match(text, at):
        return None
    if not values.is_marked(text, at) and (bracketed := values.bracketed_span(text, at)):
        return bracketed
    if rule == "authorization":
        return values.authorization_span(text, at)
    if _is_bare_seed(rule, name):
        return values.line_span(text[: at + _LONGEST_PHRASE], at)
    if rule == "cookie":
        return values.line_span(text, at) if _COOKIE().match(text, at) else None
    if rule == "seed-phrase":
        return values.line_span(text, at) if _SOME_WORDS().match(text, at) else None
    return values.unquoted_span(text, at)
