"""What went wrong while attaching: said once on stderr, counted for `agent-trace status`, never raised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar, TypeVarTuple

from agent_trace.recording import guard, process
from agent_trace.recording.guard import attempt
from agent_trace.recording.notices import Notices

Ts = TypeVarTuple("Ts")
R = TypeVar("R")

_MOST: Final = 200

_counts: dict[str, int] = {}


def problems() -> dict[str, int]:
    """Every problem in words, with how often it was met in this process."""
    return dict(_counts)


def note(message: str, *, aloud: bool = False) -> None:
    """Count a problem; `aloud` ones are also said to the person at the terminal, the first time."""
    is_new = message not in _counts
    if is_new and len(_counts) >= _MOST:
        return
    _counts[message] = _counts.get(message, 0) + 1
    if is_new and aloud:
        attempt("printing a notice", _say, message)


def contained(work: str, function: Callable[[*Ts], R], *args: *Ts) -> R | None:
    """Do a piece of our own work inside the program's. A failure is counted, also by callers that swallow everything."""
    before = guard.failures.get(work, 0)
    result = attempt(work, function, *args)
    if guard.failures.get(work, 0) != before:
        note(f"{guard.last_failure}; the program is not affected")
    return result


def forget() -> None:
    """Begin to count anew."""
    _counts.clear()


def _say(message: str) -> None:
    Notices(quiet=process.reread_settings().quiet).warn(message)
