"""A stretch of time cut into whole days, which have sums, and what is left of a day at either end."""

from dataclasses import replace
from typing import Final, NamedTuple

from agent_trace.store.answers import Filter

NS_A_DAY: Final = 86_400_000_000_000


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
        return Days(["0"], [], [where])
    edges = []
    if since_ns is not None and first is not None and first * NS_A_DAY > since_ns:
        edges.append(replace(where, until_ns=first * NS_A_DAY))
    if until_ns is not None and end is not None and end * NS_A_DAY < until_ns:
        edges.append(replace(where, since_ns=end * NS_A_DAY))
    asked = [("span >= ?", first), ("span < ?", end)]
    return Days(
        [condition for condition, day in asked if day is not None],
        [day for _, day in asked if day is not None],
        edges,
    )
