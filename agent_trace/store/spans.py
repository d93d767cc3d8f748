"""A stretch of time cut into whole days, which have sums, and what is left of a day at either end."""

from dataclasses import replace
from typing import Final, NamedTuple

from agent_trace.store.answers import Filter

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
    if (
        where.since_ns is not None
        and where.until_ns is not None
        and where.until_ns - where.since_ns < NS_A_DAY
    ):
        # Both ends may be nearest to one midnight, or lie the wrong way round.
        return Days(_NO_DAY, [], [where]), []
    since_ns, until_ns = _nearest_midnight(where.since_ns), _nearest_midnight(where.until_ns)
    first, end = (None if each is None else each // NS_A_DAY for each in (since_ns, until_ns))
    days = Days(*_between(first, end), [])
    surplus = list[Filter]()
    for bound_ns, midnight_ns, is_end in (
        (where.since_ns, since_ns, False),
        (where.until_ns, until_ns, True),
    ):
        if bound_ns is None or midnight_ns is None or bound_ns == midnight_ns:
            continue
        between = replace(where, since_ns=min(bound_ns, midnight_ns), until_ns=max(bound_ns, midnight_ns))
        (surplus if (midnight_ns > bound_ns) == is_end else days.edges).append(between)
    return days, surplus


def _nearest_midnight(moment_ns: int | None) -> int | None:
    return None if moment_ns is None else (moment_ns + NS_A_DAY // 2) // NS_A_DAY * NS_A_DAY


def _between(first: int | None, end: int | None) -> tuple[list[str], list[object]]:
    asked = [("span >= ?", first), ("span < ?", end)]
    return [condition for condition, day in asked if day is not None], [
        day for _, day in asked if day is not None
    ]
