"""The watcher: a thread that keeps the budgets of a store worked out while programs of it make calls.

Of all processes with budgets, the one that holds a lock does the work; the others read what it wrote. Who dies
lets go of the lock.
"""

from __future__ import annotations

import contextvars
import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent_trace.errors import StoreError
from agent_trace.recording.forks import whole
from agent_trace.recording.guard import attempt
from agent_trace.spending.states import EXCEEDED, BudgetState, read_states, work_out, write_states
from agent_trace.store import Store

if TYPE_CHECKING:
    from agent_trace.spending.budgets import Budget

logger = logging.getLogger("agent_trace")

Callback = Callable[[BudgetState], None]
POLL_S: Final = 0.25
ANEW_S: Final = 5.0
"""Seconds after which budgets are worked out again although nothing new was recorded: windows move on."""
LOCK: Final = "budgets.lock"

_callbacks: list[Callback] = []
_watchers: dict[Path, Watcher] = {}
_of_parents: list[Watcher] = []
"""Kept by a forked child, so that it closes none of the databases that its parent has open."""


def on_budget_change(callback: Callback) -> None:
    """Have `callback` called with a BudgetState when a budget reaches 80 % and 100 % of its limit.

    It runs on a thread of ours, in every process that asked for it while a budget is being watched there. One that
    raises is counted, and affects nothing.
    """
    _callbacks.append(callback)


def watch(directory: Path, budgets: tuple[Budget, ...]) -> None:
    """Have these budgets of a store watched in this process. Comes back at once."""
    watcher = _watchers.get(directory)
    if watcher is None or not watcher.is_working or watcher.budgets != budgets:
        if watcher is not None:
            watcher.retire()
        watcher = _watchers[directory] = Watcher(directory, budgets)
        watcher.start()


def is_current(directory: Path) -> bool:
    """Whether the index is kept up to date for budgets, by this process or another one."""
    watcher = _watchers.get(directory)
    return watcher is not None and watcher.is_current


class Watcher:
    """One daemon thread for one store."""

    def __init__(self, directory: Path, budgets: tuple[Budget, ...]) -> None:
        self.budgets = budgets
        self._directory = directory
        self._pid = os.getpid()
        self._end = threading.Event()
        self._lock: int | None = None
        self._store: Store | None = None
        self._worked_out_s = 0.0
        self._has_looked = False
        self._written: list[BudgetState] | None = None
        self._levels = _levels(read_states(directory))
        self._thread = threading.Thread(target=self._run, name="agent_trace-budgets", daemon=True)

    def start(self) -> None:
        """Start, in a context of its own: the program's current span is none of the thread's business."""
        contextvars.Context().run(self._thread.start)

    @property
    def is_working(self) -> bool:
        """Whether the thread runs, in this very process: a forked child has only the object."""
        return self._pid == os.getpid() and self._thread.is_alive()

    @property
    def is_current(self) -> bool:
        """Whether the index was brought up to date once: here, or by whoever holds the lock."""
        return self._worked_out_s > 0.0 or (self._has_looked and self._lock is None)

    def retire(self) -> None:
        """End soon."""
        self._end.set()

    def let_go(self) -> None:
        """In a forked child: the lock is the parent's, and must not outlive it here."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _run(self) -> None:
        while not self._end.wait(POLL_S):
            attempt("watching budgets", self._pass)
        if self._store is not None:
            attempt("closing the store", self._store.close)
        if self._lock is not None:
            os.close(self._lock)

    def _pass(self) -> None:
        if self._leads():
            self._work_out()
        self._has_looked = True
        self._tell()

    def _leads(self) -> bool:
        """Whether this process holds the lock of the store's budgets; tries to get it otherwise."""
        if self._lock is not None:
            return True
        try:
            lock = os.open(self._directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:  # nothing was recorded yet
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return False
        self._lock = lock
        return True

    def _work_out(self) -> None:
        try:
            if self._store is None:
                self._store = _opened(self._directory)
            news = self._store.refresh()
            now_s = time.monotonic()
            if not news and now_s < self._worked_out_s + ANEW_S:
                return
            states = [state for state in work_out(self._store, self.budgets, time.time_ns()) if state.level]
        except (StoreError, OSError) as error:
            logger.debug("budgets cannot be worked out: %s", error)
            return
        self._worked_out_s = now_s
        if states != self._written:
            write_states(self._directory, states)
            self._written = states

    def _tell(self) -> None:
        """Say what has reached a level since the last look."""
        states = read_states(self._directory)
        levels = _levels(states)
        for state in states:
            if state.level > self._levels.get(state.identity, 0):
                if self._lock is not None:
                    _log(state)
                for callback in list(_callbacks):
                    attempt("calling back about a budget", callback, state)
        self._levels = levels


def _opened(directory: Path) -> Store:
    """A store whose index is open already: the first question locks a file for that."""
    with whole:
        store = Store(directory)
        store.traces(limit=1, refresh=False)
        return store


def _levels(states: list[BudgetState]) -> dict[tuple[object, ...], int]:
    return {state.identity: state.level for state in states}


def _log(state: BudgetState) -> None:
    what = "has spent its budget" if state.level == EXCEEDED else f"has spent {state.level} % of its budget"
    logger.warning("%s %s: $%f of $%f (%s)", state.scope_text, what, state.spent, state.limit, state.window)


def _forget_parents() -> None:
    for watcher in _watchers.values():
        watcher.let_go()
    _of_parents.extend(_watchers.values())
    _watchers.clear()


os.register_at_fork(after_in_child=_forget_parents)
