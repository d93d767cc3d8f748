"""Delivery within the program: begins with the first segment that somebody wants to have, ends with the process.

Light to import: decorated modules import it. What it starts lives in `delivery/`.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from typing import TYPE_CHECKING, Final

from agent_trace.recording import process
from agent_trace.recording.guard import attempt, guarded

if TYPE_CHECKING:
    from agent_trace.delivery.worker import Worker
    from agent_trace.recording.steps import Gate
    from agent_trace.settings import Settings

EXIT_S: Final = 1.5
"""How long the end of a process waits for a last delivery; what is left goes with the next process."""
_POLL_S: Final = 0.01
_MOST_POLL_S: Final = 0.2


class Background:
    """Sees to it that there is one worker in this process while there is something to deliver."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._is_over = False

    def wanted(self, settings: Settings) -> tuple[str, ...]:
        """The names of the consumers that these settings ask for."""
        from agent_trace.delivery.wire.backends import wanted

        return wanted(settings)

    def gate(self, settings: Settings) -> Gate | None:
        """Who keeps to the budgets that these settings have; None, and nothing loaded, where there are none."""
        if settings.budgets is None:
            return None
        from agent_trace.spending.gate import make_gate

        return attempt("preparing budgets", make_gate, settings)

    def begin(self, settings: Settings) -> None:
        """Have a worker that delivers by these settings. Comes back at once."""
        # Called within an append: one that interrupts another one here, or a thread that the end froze, must not wait.
        if self._is_over or not self._lock.acquire(blocking=False):
            return
        try:
            worker = self._worker
            if worker is None or not worker.is_working or worker.given is not settings:
                self._replace(worker, settings)
        finally:
            self._lock.release()

    def flush(self, settings: Settings, timeout_s: float) -> bool:
        """Whether every consumer has accepted all that this process has recorded; waits for it up to `timeout_s`."""
        consumers = self.wanted(settings)
        if not consumers:
            return True
        from agent_trace.delivery.standing import orders

        end_s, directory = time.monotonic() + timeout_s, settings.directory
        marks = orders.marks_of(directory, os.getpid(), process.open_ends())
        dead_before = orders.count_dead(directory, consumers, marks)
        if marks:
            self.begin(settings)
        worker = self._worker
        if worker is not None:
            worker.hurry(tuple(marks))
        poll_s = _POLL_S
        while not orders.is_settled(directory, consumers, marks):
            left_s = end_s - time.monotonic()
            if left_s <= 0:
                return False
            time.sleep(min(poll_s, left_s))
            poll_s = min(poll_s * 1.5, _MOST_POLL_S)
        return orders.count_dead(directory, consumers, marks) <= dead_before

    def finish(self, within_s: float = EXIT_S) -> None:
        """Deliver once more and stop the worker, within that time. The next segment starts another one."""
        worker, self._worker = self._worker, None
        if worker is not None and worker.is_working:
            worker.finish(within_s)

    def finish_at_exit(self) -> None:
        """The same for good: a thread that is started while the interpreter shuts down would hold it up, or fail."""
        self._is_over = True
        with guarded("delivering at exit"):
            self.finish()

    def forget_parents(self) -> None:
        """In a forked child: the worker is the parent's, and so may be whoever holds the lock."""
        self._lock = threading.Lock()
        self._worker = None

    def _replace(self, former: Worker | None, settings: Settings) -> None:
        from agent_trace.delivery.worker import Worker

        if former is not None and former.is_working:
            former.retire()
        self._worker = worker = Worker(settings, process.reread_settings, _report)
        worker.start()


def _report(message: str) -> None:
    from agent_trace.recording.notices import Notices

    Notices(quiet=process.current().settings.quiet).warn(message)


background: Final = Background()
process.deliver_with(background)
os.register_at_fork(after_in_child=background.forget_parents)
atexit.register(background.finish_at_exit)
