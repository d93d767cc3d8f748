"""Where a list goes on: the key of the last row of a page, as it stands in a URL."""

import re
from typing import Final

from agent_trace.viewer.page import BadQuestion

_CURSOR: Final = re.compile(r"([0-9]{1,19})-(.*)", re.DOTALL)
_MOST: Final = 1 << 62


def cursor(at_ns: int, id: str) -> str:
    """The key of a row as text."""
    return f"{at_ns}-{id}"


def key_of(text: str | None) -> tuple[int, str] | None:
    """The key that a URL names, as (nanoseconds, id); None without one. Raises BadQuestion."""
    if not text:
        return None
    found = _CURSOR.fullmatch(text)
    if found is None or int(found[1]) >= _MOST:
        raise BadQuestion(f"before={text!r} is no place in this list; follow the link to older ones instead")
    return int(found[1]), found[2]
