"""The forwarder of a store: takes everything that was recorded, by whatever process, to every backend."""

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent_trace.delivery.backend import Backend
from agent_trace.delivery.forwarding.backoff import Clock
from agent_trace.delivery.forwarding.consumer import Consumer
from agent_trace.delivery.forwarding.sampling import Sampling
from agent_trace.delivery.standing.lock import ForwarderLock, forwarding_pid
from agent_trace.delivery.standing.schema import is_damage
from agent_trace.delivery.standing.state import DeliveryState
from agent_trace.errors import StoreTooNew
from agent_trace.recording.journal import layout

EVERYTHING: Final = Sampling()
_TROUBLE_S: Final = 5.0
"""When to come back after the state could not be written, such as on a full disk."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a pass came to.

    `delivered`: everything recorded before the pass is settled at every backend. `again_in_s`: when to come
    back at the latest. `settled`: records that need not be looked at again, added up over the backends. `holder`: the process that forwards this store instead, if this one may not.
    """

    delivered: bool
    again_in_s: float
    settled: int = 0
    holder: int | None = None
    problem: str | None = None


class Forwarder:
    """Forwards one store to some backends, while it holds the store's lock.

    `report` is told what a person should know, each thing once. Threads may call any method; one at a time is at it.
    """

    def __init__(
        self,
        directory: Path,
        backends: Sequence[Backend],
        *,
        sampling: Sampling = EVERYTHING,
        clock: Clock | None = None,
        report: Callable[[str], None] = lambda message: None,
        flush_interval_s: float = 5.0,
    ) -> None:
        self._directory = directory
        self._backends = tuple(backends)
        self._clock = clock or Clock()
        self._report = report
        self._flush_interval_s = flush_interval_s
        self._lock = ForwarderLock(directory)
        self._state = DeliveryState(directory)
        self._consumers = [
            Consumer(directory, backend, self._state, sampling, self._clock, report)
            for backend in self._backends
        ]
        self._turn = threading.Lock()
        self._told: str | None = None

    def run_once(
        self,
        deadline_s: float | None = None,
        first: Sequence[str] = (),
        progress: Progress | None = None,
    ) -> Outcome:
        """Send everything that can go now: each backend until it has all, or has to wait.

        Ends at `deadline_s` (of `time.monotonic`), 0.2 s late at most. Segments named in `first` go before the
        others, the oldest first. `progress` is told bytes done and bytes in all.
        """
        left_s = -1.0 if deadline_s is None else max(deadline_s - self._clock.monotonic_s(), 0.0)
        if not self._turn.acquire(timeout=min(left_s, threading.TIMEOUT_MAX)):
            return Outcome(False, self._flush_interval_s)
        try:
            return self._run_contained(deadline_s, first, progress)
        finally:
            self._turn.release()

    def hurry(self) -> None:
        """Have the next pass try a backend that failed, even if it should be left alone for a while yet."""
        for consumer in self._consumers:
            consumer.backoff.hurry()

    @property
    def is_refused(self) -> bool:
        """Whether some backend takes nothing with the credentials that it was given."""
        return any(consumer.backoff.is_unauthorized for consumer in self._consumers)

    def close(self) -> None:
        """Let go of the lock, the state and the backends' connections. Running again takes them again."""
        with self._turn:
            self._state.close()
            self._lock.release()
            for backend in self._backends:
                backend.close()

    def _run_contained(
        self, deadline_s: float | None, first: Sequence[str], progress: Progress | None
    ) -> Outcome:
        if not (self._directory / layout.SEGMENTS).is_dir():
            return Outcome(True, self._flush_interval_s)
        try:
            if not self._lock.try_acquire():
                return Outcome(False, self._flush_interval_s, holder=forwarding_pid(self._directory))
            return self._run(deadline_s, first, progress)
        except sqlite3.Error as error:
            return self._in_trouble(error)
        except (OSError, StoreTooNew) as error:
            return self._wait_for_better(f"nothing can be forwarded from {self._directory}: {error}")

    def _run(self, deadline_s: float | None, first: Sequence[str], progress: Progress | None) -> Outcome:
        for consumer in self._consumers:
            consumer.begin(first)
        total = self._unread_bytes() if progress is not None else 0
        active = list(self._consumers)
        while active and (deadline_s is None or self._clock.monotonic_s() < deadline_s):
            # In turn, so that one backend's backlog does not keep another waiting.
            active = [consumer for consumer in active if consumer.step(deadline_s)]
            if progress is not None:
                progress(max(total - self._unread_bytes(), 0), total)
        self._told = None
        return self._outcome()

    def _outcome(self) -> Outcome:
        waits = [each.backoff.remaining_s for each in self._consumers if each.backoff.remaining_s > 0]
        return Outcome(
            delivered=all(consumer.is_up_to_date for consumer in self._consumers),
            again_in_s=min([*waits, self._flush_interval_s]),
            settled=sum(consumer.settled for consumer in self._consumers),
        )

    def _unread_bytes(self) -> int:
        return sum(consumer.unread_bytes() for consumer in self._consumers)

    def _in_trouble(self, error: sqlite3.Error) -> Outcome:
        if not is_damage(error):
            return self._wait_for_better(f"the delivery state {self._state.path} cannot be used: {error}")
        with contextlib.suppress(OSError):
            place = self._state.set_aside()
            self._report(
                f"the delivery state was damaged ({error}) and is started over; the damaged one is {place}. What was "
                "recorded is sent again, under the same ids."
            )
        for consumer in self._consumers:
            consumer.forget()
        return Outcome(False, 0.0, problem=str(error))

    def _wait_for_better(self, problem: str) -> Outcome:
        if self._told != problem:
            self._told = problem
            self._report(problem)
        return Outcome(False, _TROUBLE_S, problem=problem)
