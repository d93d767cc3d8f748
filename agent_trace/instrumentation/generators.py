"""Generators that have not begun yet, made anew about something else than they were made about."""

from __future__ import annotations

from types import AsyncGeneratorType, FunctionType, GeneratorType
from typing import Any, Final

_VARIABLE: Final = 0x04 | 0x08  # *args and **kwargs, as `inspect` has them


def is_about(value: object, thing: object) -> bool:
    """Whether it is a generator that has `thing` among its arguments or variables."""
    frame = _frame_of(value)
    return frame is not None and any(each is thing for each in frame.f_locals.values())


def made_anew(value: Any, thing: object, other: object) -> Any:
    """The same generator about `other`. What is not about `thing` comes back as it is.

    Raises ValueError where it cannot be told how it was made: it has begun, or its function is a closure.
    """
    if not is_about(value, thing):
        return value
    frame = _frame_of(value)
    code, held = frame.f_code, dict(frame.f_locals)
    names = code.co_varnames[: code.co_argcount]
    if code.co_freevars or code.co_kwonlyargcount or code.co_flags & _VARIABLE or set(held) != set(names):
        raise ValueError(f"{code.co_qualname} cannot be made anew")
    new = FunctionType(code, frame.f_globals)(
        *(other if held[name] is thing else held[name] for name in names)
    )
    new.__name__, new.__qualname__ = value.__name__, value.__qualname__
    return new


def _frame_of(value: Any) -> Any:
    if type(value) is GeneratorType:
        return value.gi_frame
    return value.ag_frame if type(value) is AsyncGeneratorType else None
