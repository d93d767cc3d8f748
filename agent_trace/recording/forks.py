"""What a fork must not cut in half, for which it waits, and what a child has to make anew.

A child that is forked during an import has a module whose lock is held by a thread that it does not have: it would wait for
ever. The same holds for a file that is locked for a moment: the child has it open as well, and so keeps the lock that it
then asks for.
"""

import importlib

# Before the hooks below: what is registered later waits first. A fork that had the lock of `logging` when it begins to
# wait for our work would wait for ever, since most imports ask for a logger.
import logging  # noqa: F401
import os
import threading
import weakref
from types import TracebackType
from typing import Any, Final, Protocol

_MOST_WAIT_S: Final = 5.0
"""A fork goes on after this: the work may itself wait for something that the forking thread holds, such as a module."""


class _Forking(threading.local):
    holds = False
    """Whether this thread forks, and nobody else is inside."""


class _Whole:
    """Entered around such work, which is short. A thread may enter it again."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._forking = _Forking()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def before_fork(self) -> None:
        """Wait until no other thread is inside."""
        self._forking.holds = self._lock.acquire(timeout=_MOST_WAIT_S)

    def after_in_parent(self) -> None:
        """Let them in again."""
        if self._forking.holds:
            self._lock.release()

    def after_in_child(self) -> None:
        """The same; a thread that is inside all the same does not exist here, and never leaves."""
        if self._forking.holds:
            self._lock.release()
        else:
            self._lock = threading.RLock()


whole: Final = _Whole()


def import_whole(name: str) -> Any:
    """Import a module; a fork in another thread waits for that. Raises what `import` raises."""
    with whole:
        return importlib.import_module(name)


class Inherited(Protocol):
    """What holds something that belongs to one process alone."""

    def forget_parent(self) -> None:
        """Called in a forked child: let go of what is the parent's."""


_inherited: "weakref.WeakSet[Inherited]" = weakref.WeakSet()


def watch(held: Inherited) -> None:
    """Have it told of every fork, for as long as it lives."""
    _inherited.add(held)


def _forget_parents() -> None:
    for held in list(_inherited):
        held.forget_parent()


os.register_at_fork(after_in_child=_forget_parents)
os.register_at_fork(
    before=whole.before_fork, after_in_parent=whole.after_in_parent, after_in_child=whole.after_in_child
)
