"""For tests, yours and ours: record into memory, with a clock and ids that are known beforehand.

from agent_trace.testing import recorded

def test_the_desk_says_what_it_decides():
    with recorded() as observations:
        desk.decide("AAPL")
    assert observations.one("Desk.decide").signal["action"] == "BUY"
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from agent_trace.observation import Observation
from agent_trace.recording.assembly import steps_for
from agent_trace.recording.clock import Clock, Ids, Origin
from agent_trace.recording.process import Recording, Redact, install
from agent_trace.recording.recent import nothing_finished
from agent_trace.recording.threads import carry_context
from agent_trace.settings import load


class FakeClock(Clock):
    """Starts at `start_ns` and moves on by `step_ns` whenever it is looked at; `advance` moves it further."""

    def __init__(self, start_ns: int = 1_700_000_000_000_000_000, step_ns: int = 1_000_000) -> None:
        self._now_ns = start_ns
        self._step_ns = step_ns
        super().__init__(wall_ns=self._look, ticks_ns=self._look)

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now_ns += round(seconds * 1e9)

    def _look(self) -> int:
        now_ns = self._now_ns
        self._now_ns += self._step_ns
        return now_ns


class FixedIds(Ids):
    """Counts: the first trace is `00…01`, the first observation `00…01`, and so on."""

    def __init__(self) -> None:
        self._traces = itertools.count(1)
        self._spans = itertools.count(1)

    def reseed(self) -> None:
        """Counting goes on."""

    def root_ids(self) -> tuple[str, str]:
        """One of each."""
        return self.trace_id(), self.span_id()

    def trace_id(self) -> str:
        """32 hex digits."""
        return f"{next(self._traces):032x}"

    def span_id(self) -> str:
        """16 hex digits."""
        return f"{next(self._spans):016x}"


class Recorded:
    """What was recorded: a sink that keeps lines in memory."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.lost: dict[str, int] = {}

    def append(self, line: bytes) -> bool:
        """Keep one record."""
        self.lines.append(line)
        return True

    def count_lost(self, reason: str, count: int = 1) -> None:
        """Count what never became a line."""
        self.lost[reason] = self.lost.get(reason, 0) + count

    @property
    def records(self) -> list[dict[str, Any]]:
        """Every record in the order of writing: openings, observations, amendments, scores."""
        return [orjson.loads(line) for line in self.lines]

    def __iter__(self) -> Iterator[Observation]:
        return (Observation.from_record(each) for each in self.records if each["kind"] == "observation")

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def one(self, name: str | None = None) -> Observation:
        """The only finished observation, or the only one of that name; AssertionError when there is none or several."""
        found = [each for each in self if name is None or each.name == name]
        names = ", ".join(each.name for each in self) or "nothing"
        assert len(found) == 1, (
            f"{len(found)} observations named {name!r} instead of 1; recorded were: {names}"
        )
        return found[0]


@contextmanager
def recorded(
    *, clock: Clock | None = None, ids: Ids | None = None, redact: Redact | None = None, **settings: Any
) -> Iterator[Recorded]:
    """Record into memory inside the block, whatever the switches say; nothing is written to disk.

    clock, ids: `FakeClock()` and `FixedIds()` for times and ids that are known beforehand.
    settings: any setting by name, such as `max_field_bytes=1000`; the environment's hold for the others.
    """
    sink = Recorded()
    loaded = load(settings)
    recording = Recording(loaded, redact)
    origin = Origin(service="test", host="localhost", pid=1)
    recording.use(steps_for(loaded, redact, sink, origin, clock=clock, ids=ids))
    if loaded.threads:
        carry_context()
    former = install(recording)
    try:
        with nothing_finished():
            yield sink
    finally:
        install(former)
