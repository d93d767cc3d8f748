"""The two ends of a container, taken before it is walked, and how much room its end will need.

Taken at once because other threads go on changing the container; only ends because it may hold millions.
"""

from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final, Literal, NamedTuple

_SHORT: Final = 128
_SHORT_TEXT_CHARS: Final = 16
_UNKNOWN_BYTES: Final = 256
_SLACK_BYTES: Final = 128


class Ends(NamedTuple):
    """`head` and `tail` are the same list when a container is taken whole. Entries are `(key, value)` pairs."""

    head: list[object]
    tail: list[object]
    total: int
    unit: Literal["items", "entries"]


def ends_of_items(items: Any, most: int) -> Ends:
    """Ends of a built-in sequence or set (or a subclass, read as its base): `most` items of each."""
    kind, most = type(items), max(most, _SHORT)
    if issubclass(kind, deque):
        return _two_ended(deque.__iter__(items), deque.__reversed__(items), deque.__len__(items), most)
    if issubclass(kind, (set, frozenset)):
        base = set if issubclass(kind, set) else frozenset
        return _from_set(list(islice(base.__iter__(items), most)), base.__len__(items))
    plain: Any = list if issubclass(kind, list) else tuple
    head = list(plain.__getitem__(items, slice(0, most)))
    total = max(plain.__len__(items), len(head))
    tail = head if total == len(head) else list(plain.__getitem__(items, slice(-most, None)))
    return Ends(head, tail, total, "items")


def ends_of_fields(fields: dict[object, object], most: int) -> Ends:
    """Ends of a dict or a subclass of it, whose own methods are not asked."""
    total = dict.__len__(fields)
    if total <= most:
        entries: list[object] = list(dict.items(fields))
        return Ends(entries, entries, len(entries), "entries")
    pairs = dict.items(fields)
    return _two_ended(iter(pairs), reversed(pairs), total, max(most, 1), "entries")


def _two_ended(
    forward: Iterator[object],
    backward: Iterator[object],
    total: int,
    most: int,
    unit: Literal["items", "entries"] = "items",
) -> Ends:
    head = list(islice(forward, most))
    if total <= most:
        return Ends(head, head, len(head), unit)
    return Ends(head, list(islice(backward, most))[::-1], total, unit)


def _from_set(head: list[object], total: int) -> Ends:
    # Text has an order that does not depend on the process's hash seed; anything else stays as it comes.
    if all(type(item) is str for item in head):
        head.sort(key=_as_text)
    return Ends(head, head if total == len(head) else [], total, "items")


def _as_text(item: object) -> str:
    assert type(item) is str
    return item


def flat_and_short(ends: Ends) -> bool:
    """A list of at most 128 numbers or short words: what a key or a mnemonic looks like."""
    if ends.unit == "entries" or not 0 < ends.total <= _SHORT or len(ends.head) != ends.total:
        return False
    return all(_is_short(item) for item in ends.head)


def _is_short(item: object) -> bool:
    kind = type(item)
    if kind is str:
        return len(item) <= _SHORT_TEXT_CHARS and item.isascii()  # type: ignore[arg-type, attr-defined]
    if kind is int:
        return -(2**63) <= item < 2**64  # type: ignore[operator]
    return kind is float and item - item == 0.0  # type: ignore[operator]


def reserves(ends: Ends, room: int, nodes: int) -> dict[int, tuple[int, int]]:
    """For positions near the end: bytes and nodes that everything after them needs, while within the bounds."""
    needs: dict[int, tuple[int, int]] = {}
    bytes_needed = nodes_needed = 0
    position = ends.total - 1
    for entry in reversed(ends.tail):
        needs[position] = (bytes_needed and bytes_needed + _SLACK_BYTES, nodes_needed)
        weight, count = _weigh(entry, room - bytes_needed, nodes - nodes_needed)
        bytes_needed += weight
        nodes_needed += count
        if bytes_needed >= room or nodes_needed >= nodes:
            break
        position -= 1
    return needs


def _weigh(value: object, room: int, nodes: int) -> tuple[int, int]:
    """About how many bytes and nodes a plain value takes; the whole bounds as soon as it is more, or foreign."""
    weight = count = 0
    waiting: list[Any] = [value]
    while waiting:
        item = waiting.pop()
        count += 1
        kind = type(item)
        if kind is str:
            weight += len(item) + len(item) // 8 + 4
        elif kind is dict or kind is list or kind is tuple:
            weight += 4
            if len(item) > nodes - count:
                return room, nodes
            waiting.extend(item.items() if kind is dict else item)
        elif kind is int or kind is float or kind is bool or item is None:
            weight += 24
        else:
            weight += _UNKNOWN_BYTES
        if weight >= room or count >= nodes:
            return room, nodes
    return weight, count
