"""The middle way: values with foreign parts that fit as they are, their forms taken while orjson writes the rest.

Gives up on anything unusual (an unknown object, an enum, a bound that is hit), and the careful way of `walk.py`
begins anew. What both can write they write alike.
"""

from math import isfinite
from typing import Any, Final

import orjson

from agent_trace.recording.capturing.cutting import Limits
from agent_trace.recording.capturing.ends import Ends
from agent_trace.recording.capturing.forms import form
from agent_trace.recording.capturing.plain import survey

_OPTIONS: Final = (
    orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS
)


def write_quickly(value: object, limits: Limits) -> bytes | None:
    """JSON of a value that needs no cut, or `None`."""
    try:
        parts = _Parts(value, limits)
        encoded = orjson.dumps(value, parts.form_of, _OPTIONS)
    except (TypeError, RuntimeError) as error:
        # orjson wraps whatever a form raised. An interrupt of the user's must not get lost in there.
        if error.__cause__ is not None and not isinstance(error.__cause__, Exception):
            raise error.__cause__ from None
        return None
    return encoded if len(encoded) <= limits.max_bytes else None


class _Parts:
    """The foreign parts met so far: how deep each lies, and what is left of the bounds."""

    __slots__ = ("alive", "levels_left", "nodes", "room")

    def __init__(self, value: object, limits: Limits) -> None:
        self.room, self.nodes, depth = limits
        self.levels_left: dict[int, int] = {}
        self.alive: list[object] = []  # an id is good only for as long as its object lives
        self.nodes += 1
        self._admit((value,), depth + 1)

    def _admit(self, value: object, depth: int) -> None:
        left = survey(value, self.room, self.nodes, depth, self.levels_left)
        if left is None:
            raise TypeError
        self.room, self.nodes = left

    def form_of(self, value: object) -> Any:
        """What orjson shall write in place of a foreign value; TypeError when it shall not."""
        shape = form(value, self.nodes)
        if type(shape) is Ends:
            if len(shape.head) != shape.total:
                raise TypeError
            shape = shape.head if shape.unit == "items" else dict(shape.head)  # type: ignore[arg-type]
        kind = type(shape)
        if kind is dict or kind is list:
            self._admit(shape, self.levels_left[id(value)])
            self.alive.append(shape)
        elif kind is str:
            self.room -= len(shape)  # type: ignore[arg-type]
        elif kind is not int and kind is not bool and not (kind is float and isfinite(shape)):  # type: ignore[arg-type]
            raise TypeError
        if self.room < 0:
            raise TypeError
        return shape
