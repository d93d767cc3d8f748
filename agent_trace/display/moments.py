"""Times, spans of time, sizes and money as people type them: `2h`, `yesterday`, `2026-11-22T09:00`, `1GiB`, `$0.05`."""

import re
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

_UNITS: Final = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_SIZES: Final = {
    "": 1,
    "b": 1,
    **{f"{unit}{b}": 1 << 10 * n for n, unit in enumerate("kmgt", 1) for b in ("", "ib")},
}
_SIZES_OF_1000: Final = {f"{unit}b": 1000**n for n, unit in enumerate("kmgt", 1)}
_AMOUNT: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([a-zA-Z]*)")


def seconds(text: str) -> float:
    """A span of time in seconds. Raises ValueError with what would do."""
    found = _AMOUNT.fullmatch(text.strip())
    if found is None or found[2].lower() not in _UNITS:
        raise ValueError(f"{text!r} is no span of time; say 30s, 45m, 2h, 3d or 1w")
    return float(found[1]) * _UNITS[found[2].lower()]


def size_bytes(text: str) -> int:
    """A size in bytes. Raises ValueError with what would do."""
    found = _AMOUNT.fullmatch(text.strip())
    factor = {**_SIZES, **_SIZES_OF_1000}.get(found[2].lower()) if found else None
    if found is None or factor is None:
        raise ValueError(f"{text!r} is no size; say 500MiB, 1.5GiB or a number of bytes")
    return int(float(found[1]) * factor)


def duration_s(text: str) -> float:
    """How long something took, in seconds: a number alone is seconds as well, and `500ms` is half of one."""
    bare = text.strip().lower()
    if bare.endswith("ms"):
        return seconds(f"{bare[:-2]}s") / 1000
    return seconds(f"{bare}s" if bare[-1:].isdigit() else bare)


def dollars(text: str) -> Decimal:
    """An amount of US dollars, `0.05` or `$0.05`. Raises ValueError with what would do."""
    try:
        amount = Decimal(text.strip().removeprefix("$"))
    except InvalidOperation:
        raise ValueError(f"{text!r} is no amount of US dollars; say 0.05") from None
    if not amount.is_finite() or amount < 0:
        raise ValueError(f"{text!r} is no amount of US dollars; say 0.05")
    return amount


def moment_ns(text: str, now: datetime | None = None) -> int:
    """A point in time, in nanoseconds since the epoch; in the user's zone unless it names another.

    `2h`, `3d` ago; `now`, `today`, `yesterday` (their beginning); an ISO date or date and time.
    """
    now = (now or datetime.now()).astimezone()
    return _ns(_named(text.strip().lower(), now) or _ago(text, now) or _iso(text))


def _named(name: str, now: datetime) -> datetime | None:
    today = now.replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    days = {"today": today, "yesterday": today - timedelta(days=1)}
    # The zone is added last: the day before a change of clocks has another offset.
    return days[name].astimezone() if name in days else now if name == "now" else None


def _ago(text: str, now: datetime) -> datetime | None:
    try:
        return now - timedelta(seconds=seconds(text.removesuffix(" ago")))
    except (ValueError, OverflowError):
        return None


def _iso(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip()).astimezone()
    except (ValueError, OverflowError, OSError):
        raise ValueError(
            f"{text!r} is no time; say 2h, 3d, today, yesterday, 2026-11-22 or 2026-11-22T09:30"
        ) from None


def _ns(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1000
