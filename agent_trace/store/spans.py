"""A stretch of time cut into whole days, which have sums, and what is left of a day at either end."""

from dataclasses import replace
from typing import Final, NamedTuple

from agent_trace.store.filter import Filter

NS_A_DAY: Final = 86_400_000_000_000
_NO_DAY: Final = ["0"]


class Days(NamedTuple):
    """Whole days, and filters for what lies beside them."""

    conditions: list[str]
    """What the column `span` has to be; impossible when no day is whole."""
    values: list[object]
    edges: list[Filter]


def days_of(where: Filter) -> Days:
    """The days that lie between `since_ns` and `until_ns` of a filter; without these, all."""
    since_ns, until_ns = where.since_ns, where.until_ns
    first = None if since_ns is None else -(-since_ns // NS_A_DAY)
    end = None if until_ns is None else until_ns // NS_A_DAY
    if first is not None and end is not None and first >= end:
        return Days(_NO_DAY, [], [where])
    edges = []
    if since_ns is not None and first is not None and first * NS_A_DAY > since_ns:
        edges.append(replace(where, until_ns=first * NS_A_DAY))
    if until_ns is not None and end is not None and end * NS_A_DAY < until_ns:
        edges.append(replace(where, since_ns=end * NS_A_DAY))
    return Days(*_between(first, end), edges)


def nearest_days_of(where: Filter) -> tuple[Days, list[Filter]]:
    """The same from midnight to midnight, the nearest ones, and filters for what lies in these days and not in that time.

    What is left of a day, or what is too much of it, is half a day at most.
    """
    since_ns, until_ns = where.since_ns, where.until_ns
    if since_ns is not None and until_ns is not None and until_ns - since_ns < NS_A_DAY:
        # Both ends may be nearest to one midnight, or lie the wrong way round.
        return Days(_NO_DAY, [], [where]), []
    first, end = _nearest_day(since_ns), _nearest_day(until_ns)
    edges, surplus = list[Filter](), list[Filter]()
    # From a bound to its midnight, and from a midnight to its bound: what lies the other way round is too much.
    for begin_ns, end_ns in ((since_ns, _midnight(first)), (_midnight(end), until_ns)):
        if begin_ns is None or end_ns is None:
            continue
        if begin_ns < end_ns:
            edges.append(replace(where, since_ns=begin_ns, until_ns=end_ns))
        elif end_ns < begin_ns:
            surplus.append(replace(where, since_ns=end_ns, until_ns=begin_ns))
    return Days(*_between(first, end), edges), surplus


def _nearest_day(moment_ns: int | None) -> int | None:
    """The day that begins with the nearest midnight."""
    return None if moment_ns is None else (moment_ns + NS_A_DAY // 2) // NS_A_DAY


def _midnight(day: int | None) -> int | None:
    return None if day is None else day * NS_A_DAY


def _between(first: int | None, end: int | None) -> tuple[list[str], list[object]]:
    asked = [
        (condition, day) for condition, day in (("span >= ?", first), ("span < ?", end)) if day is not None
    ]
    return [condition for condition, _ in asked], [day for _, day in asked]
