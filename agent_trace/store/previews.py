"""A few words of an input or output, for one line of a list: what was said last, not the JSON around it."""

from typing import Any, Final

import orjson

PREVIEW_CHARS: Final = 200
_SAYING: Final = (
    "content",
    "text",
    "prompt",
    "query",
    "question",
    "input",
    "message",
    "messages",
    "choices",
    "output",
)


def preview(value: Any) -> str | None:
    """At most 200 characters on one line; None for nothing."""
    if value is None or (not value and value in ("", [], {})):
        return None
    said = value if type(value) is str else _last_words(value)
    if said is None:
        said = orjson.dumps(value).decode()
    # Half as much again leaves room for the white space that is folded, and splitting more costs time.
    line = said[: PREVIEW_CHARS * 3 // 2]
    if "  " in line or not (_is_plain(line) or line.isprintable()):
        line = " ".join(line.split())
    return line if len(line) <= PREVIEW_CHARS else line[: PREVIEW_CHARS - 1] + "…"


def _is_plain(line: str) -> bool:
    """Whether JSON has it as it stands, which nothing tells as fast: no line ends, no tabs, nothing beyond ASCII."""
    return len(orjson.dumps(line)) == len(line) + 2


def _last_words(value: Any) -> str | None:
    """Follow a chat's shape down to a string: the last message, the first choice, the only argument."""
    for _ in range(8):
        kind = type(value)
        if kind is str:
            return value  # type: ignore[no-any-return]
        if kind is dict and len(value) == 1:
            (value,) = value.values()
        elif kind is dict:
            value = next(filter(None, map(value.get, _SAYING)), None)
        elif kind is list and value and type(value[-1]) in (dict, str):
            value = value[-1]
        else:
            return None
    return None
