"""The critical path of a trace: the observations that its duration is made of.

It is walked backwards. At the end of a trace, whatever it waited for is the root that ended last; at the end of an
observation, the one right below it that ended last. Before that one started, it was the one that had ended last by
then, and so on to the start; and the same inside each of those. What ended later than the observation that opened it
was not waited for. Shortening anything else shortens the trace by nothing.
"""

from collections.abc import Sequence
from typing import Protocol


class Timed(Protocol):
    """What is asked of an observation; times are nanoseconds since the epoch."""

    @property
    def id(self) -> str:
        """Its id."""
        ...

    @property
    def depth(self) -> int:
        """How many observations it lies in."""
        ...

    @property
    def start_ns(self) -> int:
        """When it began."""
        ...

    @property
    def end_ns(self) -> int | None:
        """When it ended; None when that is not known."""
        ...


def critical_path(entries: Sequence[Timed], last_ns: int) -> frozenset[str]:
    """The ids on the critical path of a trace given in tree order. Whatever has no end is taken to run until `last_ns`."""
    roots, below = _families(entries)

    def end_ns(index: int) -> int:
        given = entries[index].end_ns
        return last_ns if given is None else given

    found: set[str] = set()
    waiting = [(roots, last_ns)]
    while waiting:
        siblings, until_ns = waiting.pop()
        for index in sorted(siblings, key=end_ns, reverse=True):
            if end_ns(index) <= until_ns:
                found.add(entries[index].id)
                waiting.append((below[index], end_ns(index)))
                until_ns = entries[index].start_ns
    return frozenset(found)


def _families(entries: Sequence[Timed]) -> tuple[list[int], list[list[int]]]:
    """Places of the roots, and for each entry the places of those right below it."""
    roots: list[int] = []
    below: list[list[int]] = [[] for _ in entries]
    above: list[int] = []
    for index, entry in enumerate(entries):
        del above[entry.depth :]
        (below[above[-1]] if above else roots).append(index)
        above.append(index)
    return roots, below
