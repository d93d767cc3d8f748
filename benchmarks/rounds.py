"""Several things timed in turn, round by round, so that a slow moment of the machine falls on all of them."""

import gc
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Contender:
    """One thing to time: `run` makes a call with each argument; `arguments` makes these and `after` clears up, untimed."""

    run: Callable[[Sequence[Any]], None]
    calls: int
    arguments: Callable[[int], Sequence[Any]] = range
    after: Callable[[], None] = lambda: None
    rounds_us: list[float] = field(default_factory=list)

    @property
    def median_us(self) -> float:
        """Microseconds a call, over all rounds."""
        return statistics.median(self.rounds_us)


def alternate(contenders: Mapping[str, Contender], rounds: int) -> None:
    """Time each contender once a round. A first round is not counted."""
    for number in range(rounds + 1):
        for contender in contenders.values():
            elapsed_us = timed_us(contender.run, contender.arguments(contender.calls))
            if number:
                contender.rounds_us.append(elapsed_us / contender.calls)
            contender.after()


def timed_us(run: Callable[[Sequence[Any]], None], arguments: Sequence[Any]) -> float:
    """Microseconds that `run(arguments)` takes, with the garbage collector as the program has it."""
    gc.collect()
    begun = time.perf_counter()
    run(arguments)
    return (time.perf_counter() - begun) * 1e6


def after_pause_us(contender: Contender, rounds: int) -> float:
    """Median microseconds of a single call after a tenth of a second of sleep, for which it finds the caches cold."""
    found_us = []
    for _ in range(rounds):
        arguments = contender.arguments(1)
        time.sleep(0.1)
        begun = time.perf_counter()
        contender.run(arguments)
        found_us.append((time.perf_counter() - begun) * 1e6)
    contender.after()
    return statistics.median(found_us)


def warm_memory(directory: Path, megabytes: int = 400) -> None:
    """Have the machine back the page cache once: in a virtual machine a page touched first costs ten times as much."""
    path = directory / "warm"
    with path.open("wb") as file:
        for _ in range(megabytes * 4):
            file.write(bytes(256 << 10))
    path.unlink()
