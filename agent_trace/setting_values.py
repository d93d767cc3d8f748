"""What people write for a setting, read into its value. Each function raises ValueError with what to write instead."""

import json
import re
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})
_SIZES: Final = {
    "": 1,
    "b": 1,
    "kib": 1 << 10,
    "kb": 1000,
    "mib": 1 << 20,
    "mb": 1000**2,
    "gib": 1 << 30,
    "gb": 1000**3,
}
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_HEADER_VALUE: Final = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")


def boolean(text: str) -> bool:
    """True or false, in the words that people use for them."""
    word = text.strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ValueError("say true or false")


def size(text: str) -> int:
    """A number of bytes, with or without a unit."""
    number = text.strip().lower()
    unit = number.lstrip("0123456789._ ")
    if unit not in _SIZES:
        raise ValueError("say a number of bytes, or one with KiB, MiB or GiB")
    return _positive(_number(number.removesuffix(unit)) * _SIZES[unit])


def count(text: str) -> int:
    """A whole number above 0."""
    return _positive(_number(text))


def seconds(text: str) -> float:
    """A number of seconds."""
    number = _number(text)
    if not 0 <= number < 1e9:
        raise ValueError("say a number of seconds, 0 or more")
    return number


def days(text: str) -> float:
    """A number of days above 0."""
    number = _number(text)
    if not 0 < number < 1e6:
        raise ValueError("say a number of days above 0")
    return number


def share(text: str) -> float:
    """A part of the whole, from 0 to 1."""
    number = _number(text)
    if not 0 <= number <= 1:
        raise ValueError("say a number from 0 to 1")
    return number


def amount(text: str) -> float:
    """An amount of money, 0 or more."""
    number = _number(text)
    if not 0 <= number < 1e12:
        raise ValueError("say an amount, 0 or more")
    return number


def directory(text: str) -> Path:
    """A directory, with `~` understood."""
    if "\0" in text:
        raise ValueError("say a directory")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise ValueError("there is no such user") from None


def table(text: str) -> Path | dict[str, Any] | list[Any]:
    """A TOML or JSON file, or the JSON itself."""
    if text.lstrip()[:1] not in ("{", "["):
        return directory(text)
    try:
        # Numbers stay as they were written: they are amounts of money.
        found: dict[str, Any] | list[Any] = json.loads(text, parse_float=str)
    except ValueError as error:
        raise ValueError(f"say a TOML or JSON file, or JSON ({error})") from None
    return found


def url(text: str) -> str:
    """The address of a server, with its scheme."""
    address = text.strip()
    if not re.match(r"https?://[^/?#\s]+", address, re.IGNORECASE) or re.search(r"\s", address):
        raise ValueError("say a URL that begins with http:// or https://")
    return address


def compression(text: str) -> str:
    """`gzip` or `none`."""
    word = text.strip().lower()
    if word not in ("gzip", "none"):
        raise ValueError("say gzip or none")
    return word


def names(text: str) -> tuple[str, ...]:
    """Names with commas or line ends between them."""
    return tuple(part.strip() for part in text.replace("\n", ",").split(",") if part.strip())


def patterns(text: str) -> dict[str, str]:
    """One `name = pattern` a line."""
    pairs = (line.partition("=") for line in text.splitlines() if line.strip())
    rules = {name.strip(): pattern.strip() for name, _, pattern in pairs}
    if not all(name and pattern for name, pattern in rules.items()):
        raise ValueError("say one NAME = PATTERN a line")
    return rules


def pairs(text: str) -> dict[str, str]:
    """`name=value` with commas between them, both URL-encoded where needed: the form of W3C baggage."""
    found = {}
    for part in names(text):
        name, equals, value = part.partition("=")
        name = unquote(name).strip()
        if not equals or not name:
            raise ValueError("say name=value, with commas between several")
        found[name] = unquote(value).strip()
    return found


def headers(text: str) -> dict[str, str]:
    """HTTP headers, in the form of `pairs`."""
    found = pairs(text)
    if not all(_HEADER_NAME.fullmatch(name) and _HEADER_VALUE.fullmatch(found[name]) for name in found):
        raise ValueError("say name=value, with commas between several, as HTTP headers can be")
    return found


def _positive(number: float) -> int:
    if not 1 <= number < 1 << 62:
        raise ValueError("say a number above 0")
    return int(number)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("say a number") from None
