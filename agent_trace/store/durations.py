"""Durations in steps of 5 %, and percentiles out of how many took how many steps."""

import math
from collections.abc import Iterable, Sequence
from typing import Final

_RATIO: Final = 1.05
_STEPS_AN_E: Final = 1 / math.log(_RATIO)
NO_TIME: Final = -1
"""The step of what took no time at all, or less: clocks go backwards."""


def step_of(duration_ns: int) -> int:
    """The step that a duration falls into: `n` from 1.05**n nanoseconds up to 1.05**(n + 1)."""
    return int(math.log(duration_ns) * _STEPS_AN_E) if duration_ns > 0 else NO_TIME


def duration_of(step: int) -> int:
    """A duration in nanoseconds that no other in this step is more than 2.5 % away from."""
    return 0 if step == NO_TIME else round(_RATIO ** (step + 0.5))


def percentiles(counts: Iterable[tuple[int, int]], shares: Sequence[float]) -> list[int | None]:
    """Durations in nanoseconds that these shares of all do not exceed, from (step, how many) in any order."""
    ordered = sorted(counts)
    total = sum(count for _, count in ordered)
    if not total:
        return [None] * len(shares)
    found: list[int | None] = []
    for share in shares:
        rank, passed = max(math.ceil(share * total), 1), 0
        for step, count in ordered:
            passed += count
            if passed >= rank:
                found.append(duration_of(step))
                break
    return found
