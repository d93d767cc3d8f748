"""Values out of a record as a wire can carry them: JSON text, ids, times. Nothing here raises, whatever is given.

What our own journal holds needs no repair; a record of another writer, or a damaged one, may hold anything.
"""

import functools
import hashlib
import math
from datetime import UTC, datetime
from typing import Any, Final

import orjson

from agent_trace.recording.encodable import encodable
from agent_trace.recording.text import as_text

_SAFE_INTEGER: Final = 1 << 53
_MAX_DEPTH: Final = 64
MAX_NS: Final = (1 << 63) - 1
_STRICT: Final = orjson.OPT_STRICT_INTEGER
"""Integers that JavaScript, which a backend may well run on, would round are refused, and then spelled as text."""


def json_bytes(value: Any) -> bytes:
    """The value as compact JSON in UTF-8."""
    try:
        return orjson.dumps(value, option=_STRICT)
    except TypeError:
        return orjson.dumps(_plain(value, _MAX_DEPTH))


def _plain(value: Any, depth: int) -> Any:
    """The value without what JSON has no form for."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, int):
        return value if -_SAFE_INTEGER < value < _SAFE_INTEGER else as_text(_digits(value))
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if depth == 0:
        return f"<{type(value).__name__}>"
    if isinstance(value, dict):
        return {encodable(str_of(key)): _plain(each, depth - 1) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each, depth - 1) for each in value]
    return encodable(as_text(value))


def _digits(number: int) -> str:
    """Decimal, or hexadecimal where Python refuses the decimal form: above 4,300 digits."""
    return str(number) if number.bit_length() < 10_000 else hex(number)


def str_of(value: Any) -> str:
    """Text that stands for a name or a label."""
    return value if isinstance(value, str) else as_text(value)


def text_or_none(value: Any) -> str | None:
    """The value as text; None when there is none, or an empty one."""
    if value is None or value == "":
        return None
    return str_of(value)


def mapping(value: Any) -> dict[Any, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def identity(text: Any, size_bytes: int) -> bytes:
    """An id of so many bytes: hexadecimal digits as they are, and a digest, always the same, of anything else."""
    try:
        found = bytes.fromhex(text)
    except (TypeError, ValueError):
        found = b""
    if len(found) == size_bytes and found[0]:
        return found
    if found.count(0) < len(found) <= size_bytes:
        return found.rjust(size_bytes, b"\0")
    return hashlib.sha256(json_bytes(text)).digest()[:size_bytes]


def nanoseconds(value: Any, default: int = 0) -> int:
    """A moment in nanoseconds since the epoch."""
    if type(value) is not int:
        if not isinstance(value, float) or not math.isfinite(value):
            return default
        value = int(value)
    return min(value, MAX_NS) if value >= 0 else default


def iso_time(time_ns: int) -> str:
    """A moment as ISO 8601 in UTC, to the microsecond."""
    return f"{_iso_second(time_ns // 1_000_000_000)}.{time_ns % 1_000_000_000 // 1000:06d}Z"


@functools.lru_cache(maxsize=256)
def _iso_second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
