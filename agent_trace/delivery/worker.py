"""The thread that forwards what is recorded, within the program: waits, makes a pass, waits.

Loads nothing heavy before there is something to send: that is left to its first pass.
"""

from __future__ import annotations

import contextvars
import os
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from agent_trace.recording.forks import whole
from agent_trace.recording.guard import attempt
from agent_trace.settings import Settings

if TYPE_CHECKING:
    from agent_trace.delivery.forwarding.forwarder import Forwarder

_LEAST_WAIT_S: Final = 0.05
_MOST_FAILURES: Final = 5


class Worker:
    """One daemon thread, which makes a pass every `flush_interval_s`, and at once when it is hurried.

    `only` names the backends when not all that are configured are meant.
    `reread()` gives the settings as they are now: asked while a backend refuses the credentials that we have.
    """

    def __init__(
        self,
        settings: Settings,
        reread: Callable[[], Settings],
        report: Callable[[str], None],
        only: tuple[str, ...] | None = None,
    ) -> None:
        self.given = settings
        self._settings = settings
        self.pid = os.getpid()
        self._reread = reread
        self._report = report
        self._only = only
        self._wake = threading.Event()
        self._first: tuple[str, ...] = ()
        self._end_s: float | None = None
        self._thread = threading.Thread(target=self._run, name="agent_trace-forwarder", daemon=True)

    def start(self) -> None:
        """Start, in a context of its own: the program's current span is none of the thread's business."""
        contextvars.Context().run(self._thread.start)

    @property
    def is_working(self) -> bool:
        """Whether the thread runs, in this very process: a forked child has only the object."""
        return self.pid == os.getpid() and self._thread.is_alive()

    def hurry(self, first: tuple[str, ...] = ()) -> None:
        """Make a pass now, these segments first, also if a backend that failed should be left alone for a while."""
        self._first = first
        self._wake.set()

    def retire(self) -> None:
        """End, after what is being sent just now."""
        self._end_s = time.monotonic()
        self._wake.set()

    def finish(self, within_s: float) -> None:
        """Make a last pass and end; comes back when that is done, and after `within_s` in any case."""
        self._end_s = time.monotonic() + within_s
        self._wake.set()
        self._thread.join(within_s)

    def _run(self) -> None:
        self._wake.wait(self._settings.flush_interval_s)
        forwarder = attempt("preparing to deliver", self._make)
        failures = 0
        while forwarder is not None and failures < _MOST_FAILURES:
            wait_s = attempt("delivering", self._pass, forwarder)
            failures = failures + 1 if wait_s is None else 0
            if self._end_s is not None:
                break
            self._wake.wait(max(wait_s or self._settings.flush_interval_s, _LEAST_WAIT_S))
            forwarder = attempt("rereading the settings", self._renewed, forwarder)
        if forwarder is not None:
            attempt("closing connections", forwarder.close)

    def _make(self) -> Forwarder:
        with whole:
            from agent_trace.delivery.making import make_forwarder

            return make_forwarder(self._settings, self._report, self._only)

    def _pass(self, forwarder: Forwarder) -> float:
        if self._wake.is_set():
            self._wake.clear()
            forwarder.hurry()
        return forwarder.run_once(self._end_s, self._first).again_in_s

    def _renewed(self, forwarder: Forwarder) -> Forwarder:
        """The forwarder, or one with new credentials when those that it has were refused and others are set now."""
        from agent_trace.delivery.making import access

        if not forwarder.is_refused:
            return forwarder
        settings = self._reread()
        if access(settings) == access(self._settings):
            return forwarder
        self._settings = settings
        forwarder.close()
        return self._make()
