"""Redaction rules for credentials of open standards: bearer, basic, URL passwords, JWT, PEM."""

import base64
import binascii

from agent_trace.recording.redaction.rule import EDGE, QUOTE, SPACE, Found, Rule, Sign, Span, Then, later

_PORT = later(rb"\d{1,5}(?:[/?#]|$)")
_PEM_END = later(rb"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PEM_BODY = later(rb"[0-9A-Za-z+/=\s\\:,.-]*")
_PEM_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/= \t\r\n\\"
_LONGEST_PEM = 16_384
_WORD = later(rb"[A-Za-z][a-z_]*(?:[-/.][a-z]+)*[.=]?")


def unless_word(found: Found) -> tuple[Span, ...]:
    """ "Bearer instruments" is prose; a token of under 20 characters has a digit, or capitals inside."""
    if len(found.secret) < 20 and _WORD().fullmatch(found.secret):
        return ()
    return ((found.start, found.end),)


def if_user_and_password(found: Found) -> tuple[Span, ...]:
    """Basic credentials are base64 of `user:password`; "basic understanding" is not."""
    text = found.secret.rstrip(b"=")
    try:
        decoded = base64.b64decode(text + b"=" * (-len(text) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ()
    return ((found.start, found.end),) if ":" in decoded and decoded.isprintable() else ()


def url_password(found: Found) -> tuple[Span, ...]:
    """The password ends at the last `@` before the path; a number before the path is a port."""
    secret = found.secret.split(b"://")[0]
    if _PORT().match(secret) and b"/" in secret:
        return ()
    authority, slash, _ = secret.partition(b"/")
    if slash and b"@" in authority:
        secret = authority.rpartition(b"@")[0]
    elif b"://" in found.secret:
        secret = secret.rpartition(b"@")[0]
    return ((found.start, found.start + len(secret)),) if secret else ()


def pem_body(found: Found) -> tuple[Span, ...]:
    """From BEGIN to END, or as far as it looks like key material where the end was cut off, and the reverse."""
    text, start, end = found.text, found.start, found.end
    if b"BEGIN" in found.secret:
        closing = _PEM_END().search(text, end, end + _LONGEST_PEM)
        body = _PEM_BODY().match(text, end)
        stop = closing.start() if closing else body.end() if body else end
        return ((end, stop),) if stop > end else ()
    reach = max(0, start - _LONGEST_PEM)
    if text.find(b"-----BEGIN", reach, start) >= 0:
        return ()
    before = text[reach:start]
    begin = reach + len(before.rstrip(_PEM_LETTERS))
    return ((begin, start),) if text[begin:start].strip() else ()


CREDENTIAL_RULES = (
    Rule(
        "bearer",
        "bearer tokens (`Bearer …`)",
        rf"(?i){EDGE}bearer(?:{SPACE}|[:+]|%20|{QUOTE}){{1,4}}(?P<secret>[0-9A-Z._~+/=|-]{{6,}})",
        (
            "Authorization: Bearer aB3dE6gH9jK2",
            'curl -H "authorization: bearer 0123456789"',
            "Bearer%20abc123def456",
        ),
        ("bearer instruments and bearer certificates", "The bearer of this letter."),
        unless_word,
        dismiss=lambda found: not unless_word(found),
        signs=(Sign("bearer", Then.SPACE),),
    ),
    Rule(
        "basic",
        "basic credentials (`Basic` and base64 of user:password)",
        rf"(?i){EDGE}basic(?:{SPACE}|%20){{1,4}}(?P<secret>[0-9A-Z+/_-]{{6,}}={{0,2}})",
        ("Authorization: Basic dXNlcjpodW50ZXIy", "basic YWxpY2U6c2VjcmV0LXdvcmQ="),
        ("a basic understanding of the market", "Basic instructions follow"),
        if_user_and_password,
        dismiss=lambda found: not if_user_and_password(found),
        signs=(Sign("basic", Then.SPACE),),
    ),
    Rule(
        "url-password",
        "the password in a URL (`scheme://user:password@host`)",
        r"[A-Za-z][0-9A-Za-z+.-]*:\\*/\\*/[^\s/?#@:\"'`<>]*:(?P<secret>[^\s\"'`<>]+)@",
        (
            "postgres://desk:hunter2@db.local:5432/prices",
            "redis://:p@ss@cache:6379/0",
            "https://bob:s3cr3t@x.io/@me",
        ),
        ("http://localhost:8080/v1/@latest", "https://example.com/users/@alice", "mailto:bob@example.com"),
        url_password,
        gate=r":\\*/\\*/[^\s/?#@:\"'`<>]*:[^\s\"'`<>]+@",
        signs=tuple(Sign(text, Then.PASSWORD) for text in ("://", ":/\\", ":\\/", ":\\\\")),
    ),
    Rule(
        "jwt",
        "JSON web tokens (`eyJ….eyJ….…`)",
        rf"{EDGE}(?P<secret>eyJ[0-9A-Za-z_-]{{8,}}\.(?:eyJ[0-9A-Za-z_-]{{6,}}(?:\.[0-9A-Za-z_-]*)*"
        r"|[0-9A-Za-z_-]*(?:\.[0-9A-Za-z_-]+){1,3}))",
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.dBjftJeZ4CVPmB92K27uhbUJU1p1r_wW1gFWFOEjXk",),
        ("eyJhbGciOiJIUzI1NiJ9 alone is a header", "eyJ.eyJ"),
        starts="eyJ",
    ),
    Rule(
        "pem",
        "private keys in PEM, whole or cut, also with `\\n` inside JSON",
        r"-----(?:BEGIN|END) [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----",
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7\nb2Zm\n-----END RSA PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0BAQEF",
            "qhkiG9w0BAQEFAASC\nb2Zm==\n-----END EC PRIVATE KEY-----",
        ),
        (
            "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIE\n-----END CERTIFICATE-----",
            "a PEM PRIVATE KEY file",
        ),
        pem_body,
        signs=(Sign("BEGIN ", Then.DASHES), Sign("END ", Then.DASHES)),
    ),
)
