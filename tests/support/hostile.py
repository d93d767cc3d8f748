"""Objects that do everything an object can do to whoever looks at it."""

from __future__ import annotations

import dataclasses
import enum
from typing import Any, NoReturn


class BadRepr:
    def __repr__(self) -> str:
        raise ValueError("no repr today")


class ReprReturnsNumber:
    def __repr__(self) -> str:
        return 5  # type: ignore[return-value]


class ReprRecurses:
    def __repr__(self) -> str:
        return repr(self)


class LongRepr:
    def __repr__(self) -> str:
        return "long " * 100_000


class EveryAttributeRaises:
    def __getattribute__(self, name: str) -> NoReturn:
        raise RuntimeError(name)


class EveryMethodRaises:
    def _fail(self, *args: object) -> NoReturn:
        raise RuntimeError("hands off")

    __repr__ = __str__ = __iter__ = __len__ = __getitem__ = __eq__ = __hash__ = __bool__ = __format__ = _fail
    __class__ = property(_fail)


class LyingClass:
    @property  # type: ignore[misc]
    def __class__(self) -> type:
        return dict


class NonsenseLength(list[Any]):
    def __len__(self) -> int:
        return -7

    def __iter__(self) -> NoReturn:
        raise RuntimeError("not iterable today")


class HostileMeta(type):
    def __getattribute__(cls, name: str) -> Any:
        if name in ("__mro__", "__qualname__", "__module__", "__dict__", "__name__"):
            raise RuntimeError(name)
        return super().__getattribute__(name)

    def __hash__(cls) -> NoReturn:
        raise RuntimeError("unhashable class")

    def __eq__(cls, other: object) -> NoReturn:
        raise RuntimeError("incomparable class")


class OfHostileClass(metaclass=HostileMeta):
    pass


class HostileText(str):
    __slots__ = ()

    def __str__(self) -> NoReturn:
        raise RuntimeError("not this text")

    __repr__ = __len__ = __str__


class HostileDict(dict[Any, Any]):
    def items(self) -> NoReturn:
        raise RuntimeError("no items")

    __iter__ = __len__ = keys = values = __repr__ = items


class StrFails(Exception):
    def __str__(self) -> NoReturn:
        raise RuntimeError("no message")


class PropertiesCount:
    """Counts how often somebody computed its property."""

    asked = 0

    def __init__(self) -> None:
        self.content = "kept"

    @property
    def model(self) -> str:
        type(self).asked += 1
        return "computed"


class Side(enum.Enum):
    BUY = 1
    SELL = "SELL"


@dataclasses.dataclass
class Order:
    symbol: str
    size: float
    wallet: str = dataclasses.field(default="hidden-from-repr", repr=False)
    parent: Order | None = None


def for_hypothesis() -> list[object]:
    """One of each, without those that Hypothesis itself cannot carry."""
    return [
        value for value in everything() if type(value) is not OfHostileClass and value is not OfHostileClass
    ]


def deep_list(levels: int) -> list[Any]:
    top: list[Any] = []
    at = top
    for _ in range(levels):
        below: list[Any] = []
        at.append(below)
        at = below
    return top


def everything() -> list[object]:
    """One of each."""
    circular: dict[str, object] = {}
    circular["again"] = [circular]
    return [
        *(
            BadRepr(),
            ReprReturnsNumber(),
            ReprRecurses(),
            LongRepr(),
            EveryAttributeRaises(),
            EveryMethodRaises(),
        ),
        *(LyingClass(), NonsenseLength([1, 2]), OfHostileClass(), OfHostileClass, HostileText("text")),
        *(
            HostileDict(a=1),
            StrFails(),
            PropertiesCount(),
            Side.BUY,
            Order("BTC", 1.0),
            circular,
            deep_list(1000),
        ),
        *(
            {BadRepr(): 1, 1: "a", "1": "b", None: 2, (1, "x"): 3},
            {"\ud800": "\udfff"},
            10**5000,
            float("nan"),
        ),
    ]
