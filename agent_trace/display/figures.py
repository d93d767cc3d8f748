"""Numbers as people read them: durations, times, counts, sizes and money. Unknown is a dash, never a zero."""

from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

UNKNOWN: Final = "—"
"""There is nothing to say: no tokens, no end, nothing that costs."""

UNPRICED: Final = "?"
"""There were tokens, and nobody knows their price."""

_NS: Final = 1_000_000_000


def duration(nanoseconds: int | None) -> str:
    """`850 µs`, `12 ms`, `1.2 s`, `2 min 05 s`, `3 h 07 min`, `2 d 04 h`."""
    if nanoseconds is None:
        return UNKNOWN
    if nanoseconds < 0:
        return f"-{duration(-nanoseconds)}"
    if nanoseconds < 999_500:
        return f"{nanoseconds / 1e3:.0f} µs"
    if nanoseconds < 999_500_000:
        return f"{nanoseconds / 1e6:.1f} ms" if nanoseconds < 9_950_000 else f"{nanoseconds / 1e6:.0f} ms"
    if nanoseconds < 59.95 * _NS:
        return f"{nanoseconds / _NS:.1f} s"
    return _long_duration(round(nanoseconds / _NS))


def _long_duration(seconds: int) -> str:
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours:02} h"
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"


def count(number: int | None) -> str:
    """`999`, `3.4 k`, `12 k`, `1.2 M`."""
    if number is None:
        return UNKNOWN
    if abs(number) < 1_000:
        return str(number)
    for factor, unit in ((1_000, "k"), (1_000_000, "M"), (1_000_000_000, "G")):
        scaled = number / factor
        if abs(scaled) < 999.5 or unit == "G":
            return f"{scaled:.1f} {unit}" if abs(scaled) < 9.95 else f"{scaled:,.0f} {unit}"
    raise AssertionError("unreachable")  # pragma: no cover


def size(number: int) -> str:
    """`512 B`, `12 KiB`, `1.5 GiB`."""
    if number < 1024:
        return f"{number} B"
    scaled = float(number)
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        scaled /= 1024
        if scaled < 999.5 or unit == "TiB":
            break
    return f"{scaled:.1f} {unit}" if scaled < 9.95 else f"{scaled:,.0f} {unit}"


def money(amount: Decimal | None, unpriced: int = 0) -> str:
    """`$0.0123`, `$0.000045`, `$12.30`; `?` when there were tokens without a price, `$0.01+?` for some of them."""
    if amount is None:
        return UNPRICED if unpriced else UNKNOWN
    sign = "-" if amount < 0 else ""
    return f"{sign}${_digits(abs(amount))}{'+?' if unpriced else ''}"


def _digits(amount: Decimal) -> str:
    if amount == 0:
        return "0"
    if amount >= 1:
        return f"{amount:,.2f}"
    # Two digits that say something, however small the amount; four places where that is enough.
    places = max(4, 1 - amount.adjusted())
    return format(amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_EVEN), "f")


def plural(number: int, noun: str) -> str:
    """`1 segment`, `1,204 records`, `0 matches`, `2 entries`."""
    if number == 1:
        return f"1 {noun}"
    if noun.endswith(("ch", "s", "x")):
        return f"{number:,} {noun}es"
    return f"{number:,} {noun[:-1]}ies" if noun.endswith("ry") else f"{number:,} {noun}s"


def local(nanoseconds: int) -> datetime:
    """A time since the epoch in the user's zone."""
    seconds, rest = divmod(nanoseconds, _NS)
    try:
        return datetime.fromtimestamp(seconds).astimezone().replace(microsecond=rest // 1_000)
    except (OverflowError, ValueError, OSError):  # a clock that was far off when this was recorded
        return datetime.fromtimestamp(0).astimezone()


def moment(nanoseconds: int, now: datetime | None = None) -> str:
    """A time for a list, as short as it can be told: `14:03:22` today, `Nov 21 14:03`, `2025-11-21`."""
    then, now = local(nanoseconds), now or datetime.now().astimezone()
    if then.date() == now.date():
        return f"{then:%H:%M:%S}"
    return f"{then:%b %d %H:%M}" if then.year == now.year else f"{then:%Y-%m-%d}"


def full_moment(nanoseconds: int) -> str:
    """A time to copy: `2026-11-22 14:03:22+01:00`."""
    return local(nanoseconds).isoformat(sep=" ", timespec="seconds")


def clock(nanoseconds: int) -> str:
    """The time of day with milliseconds: `14:03:22.123`."""
    then = local(nanoseconds)
    return f"{then:%H:%M:%S}.{then.microsecond // 1000:03}"


def tokens(usage: dict[str, int] | None) -> str:
    """`1.2 k → 48`: tokens in, cached ones among them, and tokens out, reasoning among them."""
    if not usage:
        return UNKNOWN
    going_in = sum(each for name, each in usage.items() if not _is_output(name))
    coming_out = sum(each for name, each in usage.items() if _is_output(name))
    return f"{count(going_in)} → {count(coming_out)}"


def _is_output(name: str) -> bool:
    return name == "reasoning" or name.startswith("output")


def number(value: object) -> str:
    """A confidence as it was given, without a float's tail: `0.82`, `75`, `very sure`."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return UNKNOWN if value is None else str(value)
