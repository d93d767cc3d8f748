"""Addresses of servers, as people configure them: with or without a slash at the end, a path, or credentials."""

import base64
import binascii
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

_MIN_SECRET_CHARACTERS: Final = 6


class Endpoint(NamedTuple):
    """A URL without credentials, and the `Authorization` that those in it amount to."""

    url: str
    authorization: str | None


def endpoint(url: str) -> Endpoint:
    """Take `user:password@` out of a URL: it is shown to people, and belongs into a header."""
    parts = urlsplit(url)
    credentials, at, host = parts.netloc.rpartition("@")
    bare = urlunsplit(parts._replace(netloc=host))
    if not at:
        return Endpoint(bare, None)
    user, _, password = credentials.partition(":")
    return Endpoint(bare, basic(unquote(user), unquote(password)))


def joined(url: str, path: str) -> str:
    """The URL with a path behind its own; a query stays where it belongs."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{path.lstrip('/')}"))


def basic(user: str, password: str) -> str:
    """An `Authorization` header for a user and a password."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode('ascii')}"


def secrets_in(headers: Iterable[str]) -> Iterator[str]:
    """What must not be shown of header values: each, its words, and the password that a `Basic` one holds."""
    for value in headers:
        yield value
        scheme, *words = value.split() or [""]
        yield from (word for word in words if len(word) >= _MIN_SECRET_CHARACTERS)
        if scheme.lower() == "basic" and words:
            try:
                yield base64.b64decode(words[0]).decode().partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                continue
