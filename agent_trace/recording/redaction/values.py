"""How far a secret reaches once a telling name has announced it, in text and in structures; and what is none.

Text may be a shell line, YAML, code, or JSON inside JSON inside a string: a quotation mark then has backslashes
before it, and the value ends at the next one that has no more of them.
"""

import re

from agent_trace.recording.redaction.rule import MARK, Span, is_mark, later

_OPENING = later(rb"[bBfFrRuU]{0,2}(\\*)([\"'`])")
_UNQUOTED = later(rb"[^\s\"'`<>]+")
# A possessive group would say where a line ends in one pattern, but in Python 3.11.2 these match what they should not.
_BACKSLASHES = later(rb"\\+")
_STOP = later(rb"=\\{0,9}\"[^\"\r\n]*\"|[\r\n\"']|(?<!\\)\\+(?=[nr\"']|\Z)")
_SCHEME = later(rb"\s*(?:[A-Za-z][\w-]{2,19}[ \t]+)?")
_NEXT_FIELD = later(
    rb"(?:&(?:amp;)?|[;,]|\\{1,9}[nr])\s*[A-Za-z_][\w.-]*\s*[=:]|,\s|;\s|\\{1,9}[nr](?:\s|-|\\|$)"
)
_BRACKETS = later(rb"[\[\](){}]")

_PLACEHOLDER = later(
    rb"(?:[*._#?-]|\xe2\x80[\xa2\xa6])*|x{3,}|none|null|nil|true|false|undefined|n/?a|str(?:ing)?|bytes|bool(?:ean)?|int(?:eger)?|any|object"
    rb"|required|optional|hidden|redacted|masked|include|omit|same-origin|your[ _-].*|yes|no"
    rb"|<[^<>]*>?|\$\{[^{}]*\}?|\$\([^()]*\)?|\$[A-Z_][A-Z0-9_]*|\{\{?[\w.!: ]*\}?\}?|%\(?\w*\)?s?"
    rb"|\[(?:redacted|hidden|filtered|masked|removed)\]"
    rb"|(?:the|a|an|and|or|is|be|to|of|in|for|it|must|may|should|not|this|that|only|as|at|keep|never|please|enter)[,.]?",
    re.IGNORECASE,
)
_AFTER_CLOSE = later(rb"\s*[,)}\]:;]\s|[)\]]+\Z")
_ANNOTATION = later(rb"\s?\|\s?(?:None|[A-Z])|\s?=\s?(?:None|True|False)\b")
_EXPRESSION = later(
    rb"(?:os|self|cls|config|settings|env|process|request|args|app|ctx|options|params|secrets|st|dotenv)[.\[].*"
    rb"|[A-Za-z_][A-Za-z_.]*[(\[].*|(?:str|bytes|int|Any|SecretStr|None)(?:\|.*|\s*=.*)?[,;)]*",
    re.DOTALL,
)
# JSON in JSON doubles the backslashes at every level: nine levels.
_DEEPEST = 512
_EQUALS = ord("=")
_FIRST_REACH = 256
# A text is scanned again from here when a value turns out harmless, so that what is asked of it must be bounded.
_LONGEST_HARMLESS = 400
_SCHEMA_KEYS = frozenset(
    "type description title format anyOf oneOf default writeOnly minLength maxLength pattern nullable $ref".split()
)


def is_placeholder(value: bytes) -> bool:
    """Whether the text stands for a value rather than being one: `***`, `${KEY}`, `<your key>`, `None`."""
    return len(value) <= _LONGEST_HARMLESS and _PLACEHOLDER().fullmatch(value.strip()) is not None


def is_schema(value: object) -> bool:
    """Whether the value describes a parameter (JSON schema of a tool) rather than holding one."""
    if not isinstance(value, dict) or not value or not _SCHEMA_KEYS.issuperset(value):
        return False
    return value.get("default") in (None, "") and ("type" in value or "anyOf" in value or "$ref" in value)


def quoted_span(text: bytes, at: int) -> Span | None:
    """The inside of the quotation that opens at `at`; to the end of the text if it was cut off before the close."""
    opening = _OPENING().match(text, at)
    if opening is None:
        return None
    depth, quote = len(opening.group(1)), opening.group(2)
    end = text.find(quote, opening.end())
    while end >= 0:
        before = text[max(opening.end(), end - _DEEPEST) : end]
        backslashes = len(before) - len(before.rstrip(b"\\"))
        if backslashes <= depth:
            return opening.end(), end - backslashes
        end = text.find(quote, end + 1)
    return opening.end(), len(text)


def bracketed_span(text: bytes, at: int) -> Span | None:
    """The inside of the list, tuple or mapping that opens at `at`, nested ones included."""
    if text[at : at + 1] not in (b"[", b"(", b"{"):
        return None
    depth = 0
    for bracket in _BRACKETS().finditer(text, at):
        depth += 1 if bracket.group() in b"[({" else -1
        if depth == 0:
            return at + 1, bracket.start()
    return at + 1, len(text)


def unquoted_span(text: bytes, at: int) -> Span | None:
    """A word of a shell, YAML or query line, without what separates it from the next one."""
    end = _word_end(text, at)
    value = text[at:end].rstrip(b",;)}].")
    if len(value) == end - at and text[end : end + 1] in (b'"', b"'", b"`"):
        value = value.rstrip(b"\\")
    return (at, at + len(value)) if value else None


def _word_end(text: bytes, at: int) -> int:
    # Looked for in growing pieces: a text of one endless word may announce a value at every few letters.
    reach = _FIRST_REACH
    while True:
        word = _UNQUOTED().match(text, at, at + reach)
        end = word.end() if word else at
        following = _NEXT_FIELD().search(text, at, min(end + 1, len(text)))
        if following and following.start() < end:
            return following.start()
        if end < at + reach:
            return end
        reach *= 8


def line_span(text: bytes, at: int) -> Span | None:
    """The rest of the line, or of the quotation that the line stands in."""
    end = _line_end(text, at)
    return (at, end) if text[at:end].strip() else None


def _line_end(text: bytes, at: int) -> int:
    """Where a line ends, or a quotation closes, or a written `\\n` stands. What is quoted behind `=` belongs to the line."""
    begun = _BACKSLASHES().match(text, at)
    if begun and text[begun.end() : begun.end() + 1] in (b"n", b"r", b'"', b"'", b""):
        return at
    for stop in _STOP().finditer(text, begun.end() if begun else at):
        if text[stop.start()] != _EQUALS:
            return stop.start()
    return len(text)


def authorization_span(text: bytes, at: int) -> Span | None:
    """What follows the scheme (`Bearer`, `ApiKey` …); without a scheme, the whole value."""
    scheme = _SCHEME().match(text, at)
    start = scheme.end() if scheme else at
    if text[at:start].lower().lstrip().startswith((b"digest", b"aws4", b"oauth", b"signature", b"hawk")):
        return line_span(text, start)
    return unquoted_span(text, start)


def is_harmless_value(text: bytes, span: Span, quoted: bool) -> bool:
    """Whether a value in a text is a placeholder, an expression of a program, or hidden already."""
    value = text[span[0] : span[1]]
    if len(value) > _LONGEST_HARMLESS:
        return False
    # What was written on to a mark is a secret again; a closing bracket that was stripped as punctuation is not.
    if not value.strip() or is_placeholder(value) or is_mark(value) or _mark_end(text, span[0]) >= span[1]:
        return True
    if quoted:  # what opens here was the close of a quotation: getpass("Password: ", stream=None)
        return _AFTER_CLOSE().match(value) is not None
    return _EXPRESSION().fullmatch(value) is not None or _ANNOTATION().match(text, span[1]) is not None


def is_marked(text: bytes, at: int) -> bool:
    """Whether an earlier redaction left its mark here."""
    return MARK().match(text, at) is not None


def _mark_end(text: bytes, at: int) -> int:
    found = MARK().match(text, at)
    return found.end() if found else at
