"""What went wrong while attaching: said once on stderr, counted for `agent-trace status`, never raised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar, TypeVarTuple

from agent_trace.recording import guard, health, process
from agent_trace.recording.guard import attempt
from agent_trace.recording.notices import Notices

Ts = TypeVarTuple("Ts")
R = TypeVar("R")

_MOST: Final = 200

_counts: dict[str, int] = {}
_said: set[str] = set()
_failed: set[str] = set()


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
        _said.add(message)
        attempt("printing a notice", _say, message)
    if is_new:
        health.changed()


def withdraw(message: str) -> None:
    """It was no problem after all."""
    _counts.pop(message, None)


def contained(work: str, function: Callable[[*Ts], R], *args: *Ts) -> R | None:
    """Do a piece of our own work inside the program's. A failure is counted, also by callers that swallow everything."""
    before = guard.failures.get(work, 0)
    result = attempt(work, function, *args)
    if guard.failures.get(work, 0) != before:
        message = f"{guard.last_failure}; the program is not affected"
        _failed.add(message)
        note(message)
    return result


def told() -> tuple[dict[str, int], dict[str, int]]:
    """The problems that a person should know of, and what else was noted. Failures of ours are the guard's to tell."""
    others = {message: count for message, count in problems().items() if message not in _failed}
    return (
        {message: count for message, count in others.items() if message in _said},
        {message: count for message, count in others.items() if message not in _said},
    )


def forget() -> None:
    """Begin to count anew."""
    _counts.clear()
    _said.clear()
    _failed.clear()


def _say(message: str) -> None:
    Notices(quiet=process.reread_settings().quiet).warn(message)
