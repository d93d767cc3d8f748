"""Where our own failures stop: contained, counted by what was being done, logged once each.

The only broad `except` of the package. A tracer that raises into the call it watches has broken the
program it was meant to explain, whatever the reason.
"""

import contextlib
import logging
from collections.abc import Callable
from types import TracebackType
from typing import TypeVar, TypeVarTuple

Ts = TypeVarTuple("Ts")
R = TypeVar("R")

logger = logging.getLogger("agent_trace")

failures: dict[str, int] = {}
"""How often each guarded piece of work failed in this process, by its name."""

last_failure: str | None = None
"""The last contained failure in words, for `agent-trace status`."""


_listener: Callable[[str, BaseException], None] | None = None


def heard_by(listener: Callable[[str, BaseException], None]) -> None:
    """Have `listener(work, error)` called at the first, second, fourth, eighth … failure of each kind of work."""
    global _listener
    _listener = listener


class guarded:
    """Contain a failure of ours, or of foreign code that we had to run: `with guarded("reading usage"):`.

    `KeyboardInterrupt`, `SystemExit` and `GeneratorExit` are the program's and pass through.
    """

    __slots__ = ("_work",)

    def __init__(self, work: str) -> None:
        self._work = work

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None or not _is_ours_to_keep(error):
            return False
        note_failure(self._work, error)
        return True


def _is_ours_to_keep(error: BaseException) -> bool:
    """All but what may have come from outside at this moment: an interrupt, or `sys.exit` in a signal handler.

    A cancellation comes to a task only where it waits, and nothing of ours waits: this one was raised by a `repr`.
    """
    return isinstance(error, Exception) or type(error).__name__ == "CancelledError"


def note_failure(work: str, error: BaseException) -> None:
    """Count a contained failure; the first of each kind of work is logged with its traceback."""
    global last_failure
    failures[work] = count = failures.get(work, 0) + 1
    last_failure = f"{work}: {type(error).__name__}"
    if _listener is not None and count & (count - 1) == 0:
        attempt("telling of a failure", _listener, work, error)
    if count == 1:
        logger.debug("agent_trace failed at %s; the traced call was not affected", work, exc_info=error)


def attempt(work: str, function: Callable[[*Ts], R], *args: *Ts) -> R | None:
    """Call `function`; None when it failed. The same as `guarded`, at half its price, for the hot path."""
    try:
        return function(*args)
    except Exception as error:
        contain(work, error)
        return None


def contain(work: str, error: Exception) -> None:
    """Note a failure that stops here. Noting takes stack as well; where the caller's is nearly used up, it is let go."""
    with contextlib.suppress(RecursionError):
        note_failure(work, error)
