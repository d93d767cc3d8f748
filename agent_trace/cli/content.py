"""Inputs and outputs as people read them: chat messages as a dialogue, the rest as indented names and values."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.text import Text

from agent_trace.display.visible import visible

_INDENT: Final = "  "
_MAX_DEPTH: Final = 40
_REDACTED: Final = r"\[redacted:[^\]]*\]"


def content(value: object) -> Text:
    """A captured value over as many lines as it takes; nothing in it is acted on by a terminal."""
    text = Text("\n").join(_lines(value, 0))
    text.highlight_regex(_REDACTED, "yellow")
    return text


def _lines(value: object, depth: int) -> Iterator[Text]:
    indent = _INDENT * depth
    if depth > _MAX_DEPTH:
        yield Text(f"{indent}…", "dim")
    elif isinstance(value, Mapping) and value:
        yield from _mapping(value, depth)
    elif isinstance(value, Sequence) and not isinstance(value, str) and value:
        yield from _sequence(value, depth)
    else:
        yield from (Text(indent + line) for line in _scalar(value))


def _mapping(mapping: Mapping[str, Any], depth: int) -> Iterator[Text]:
    for name, value in mapping.items():
        yield from _labelled(visible(name), value, depth)


def _sequence(sequence: Sequence[Any], depth: int) -> Iterator[Text]:
    for item in sequence:
        if (
            isinstance(item, Mapping)
            and isinstance(item.get("role"), str)
            and item.get("content") is not None
        ):
            rest = {name: part for name, part in item.items() if name not in ("role", "content") and part}
            yield from _labelled(visible(item["role"]), item["content"], depth)
            yield from _mapping(rest, depth + 1)
        else:
            yield from _labelled("-", item, depth)


def _labelled(label: str, value: object, depth: int) -> Iterator[Text]:
    """`label: value` in one line where that is enough, or the value below its label."""
    ending = "" if label == "-" else ":"
    head = Text.assemble(_INDENT * depth, (label + ending, "dim"))
    if _is_container(value):
        yield head
        yield from _lines(value, depth + 1)
        return
    first, *more = _scalar(value)
    if not more:
        yield Text.assemble(head, f" {first}")
        return
    yield head
    yield from (Text(_INDENT * (depth + 1) + line) for line in (first, *more))


def _is_container(value: object) -> bool:
    return isinstance(value, (Mapping, list, tuple)) and bool(value)


def _scalar(value: object) -> list[str]:
    """A value that holds no others, as its lines; never none."""
    if isinstance(value, str):
        return visible(value, keep="\n").split("\n")
    named: dict[object, str] = {None: "null", True: "true", False: "false"}
    if value is None or isinstance(value, bool):
        return [named[value]]
    if isinstance(value, (Mapping, list, tuple)):
        return ["{}" if isinstance(value, Mapping) else "[]"]
    return [visible(str(value))]
