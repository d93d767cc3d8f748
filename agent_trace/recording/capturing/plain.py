"""The quick look that decides whether a value can go to orjson as it is."""

from enum import Enum
from typing import Any, Final

from orjson import Fragment

_WORTH_A_CENSUS: Final = 48
"""From this many items on it is quicker to look at the set of their types first."""


def survey(
    value: Any,
    room: int,
    nodes: int,
    depth: int,
    foreign: dict[int, int] | None = None,
) -> tuple[int, int] | None:
    """Room and nodes left when a dict, list or tuple holds exact JSON types only, within bounds; else `None`.

    Other types are admitted when there is a dict to note, by id, the levels left where each lies.

    Level by level, so without recursion. Keys, wide integers and lone surrogates are left to orjson, which
    refuses them, and so is the exact length: `room` bounds the number of characters.
    """
    level: list[Any] = [value]
    while level:
        depth -= 1
        below: list[Any] = []
        for container in level:
            size = len(container)
            nodes -= size
            if nodes < 0:
                return None
            items = container.values() if type(container) is dict else container
            if size >= _WORTH_A_CENSUS:
                kinds = set(map(type, items))
                if kinds == {float}:
                    total = sum(items)
                    if total - total != 0.0:
                        return None
                    continue
                if kinds == {str}:
                    room -= sum(map(len, items))
                    continue
            for item in items:
                kind = type(item)
                if kind is str:
                    room -= len(item)
                elif kind is dict or kind is list or kind is tuple:
                    below.append(item)
                elif kind is float:
                    if item - item != 0.0:  # NaN and infinities, for which JSON has no number
                        return None
                elif kind is not int and kind is not bool and item is not None:
                    if foreign is None or kind is Fragment or issubclass(kind, Enum):
                        return None  # orjson writes these two by itself, the one unchecked, the other as a number
                    foreign[id(item)] = depth
        if room < 0 or depth < 0:
            return None
        level = below
    return room, nodes
