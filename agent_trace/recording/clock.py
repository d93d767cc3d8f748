"""Time and identity of observations: what a test replaces to make both predictable."""

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(slots=True)
class Clock:
    """`wall_ns` says when something started; `ticks_ns` says how long it took, also when the wall clock is set back."""

    wall_ns: Callable[[], int] = time.time_ns
    ticks_ns: Callable[[], int] = time.perf_counter_ns


_MOST_NS = 2**63 - 1


def given_ns(told: object) -> int | None:
    """A time that somebody else tells, as records have it: whole nanoseconds in 64 bits; None for anything else."""
    if isinstance(told, int | float) and -_MOST_NS <= told <= _MOST_NS:
        return min(int(told), _MOST_NS)
    return None


_NEVER_ZERO = 1 << 64 | 1


class Ids:
    """Random W3C trace and span ids, never zero.

    From a generator of our own: the program's `random` keeps its sequence, and no id costs a system call, which
    would drop the GIL in the middle of the caller's work.
    """

    __slots__ = ("_bits",)

    def __init__(self) -> None:
        self.reseed()

    def reseed(self) -> None:
        """Start a new sequence; a forked child that kept its parent's would repeat the parent's ids."""
        self._bits = random.Random(os.urandom(32)).getrandbits

    def root_ids(self) -> tuple[str, str]:
        """A trace id and the id of its first span, drawn at once."""
        both = "%048x" % (self._bits(192) | _NEVER_ZERO)
        return both[:32], both[32:]

    def trace_id(self) -> str:
        """32 lower-case hex digits."""
        return "%032x" % (self._bits(128) or 1)

    def span_id(self) -> str:
        """16 lower-case hex digits."""
        return "%016x" % (self._bits(64) or 1)


@dataclass(slots=True)
class Origin:
    """The process that observations come from, as it stands in each record. `pid` None is the one that asks."""

    service: str
    host: str
    pid: int | None = None

    def as_record(self) -> dict[str, str | int]:
        """`process` of a record."""
        return {
            "pid": os.getpid() if self.pid is None else self.pid,
            "host": self.host,
            "service": self.service,
        }
