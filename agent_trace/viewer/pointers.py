"""Places in a record, and how a URL names them: as JSON pointers (RFC 6901), such as `/input/messages/0/content`."""

from collections.abc import Mapping
from typing import Any

At = tuple[str | int, ...]
"""Where in a record a value lies: keys and positions from the top, such as `("input", "messages", 0, "content")`."""


def pointer(at: At) -> str:
    """A place as text."""
    return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in at)


def value_at(record: Mapping[str, Any], pointed: str) -> Any:
    """The value that lies at a pointer. Raises LookupError where nothing does."""
    found: Any = record
    for step in pointed.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping) and key in found:
            found = found[key]
        elif isinstance(found, list) and key.isdecimal() and key.isascii() and int(key) < len(found):
            found = found[int(key)]
        else:
            raise LookupError(f"the record has nothing at {key!r} of {pointed!r}")
    return found
