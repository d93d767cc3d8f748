"""The one recording of this process: when it starts, whether it is on, and what happens at fork and exit.

Light to import, since every decorated module imports it; the rest is loaded by the first traced call.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from agent_trace.errors import SettingError
from agent_trace.recording import guard
from agent_trace.recording.guard import attempt, guarded
from agent_trace.recording.notices import Notices

if TYPE_CHECKING:
    from agent_trace.recording.journal.control import Control
    from agent_trace.recording.journal.journal import Journal
    from agent_trace.recording.steps import Gate, Steps
    from agent_trace.settings import Settings

Redact = Callable[[str, object], object]


class Delivery(Protocol):
    """Whoever takes what is recorded elsewhere. Recording knows nothing of it but this."""

    def wanted(self, settings: Settings) -> tuple[str, ...]:
        """The names of the consumers that these settings ask for."""

    def begin(self, settings: Settings) -> None:
        """Something will have been recorded in a moment. Called at the start of every segment; must return at once."""

    def gate(self, settings: Settings) -> Gate | None:
        """Who decides whether calls may be made, if these settings limit anything."""


_ON = ord("1")
_starting = threading.RLock()


class Recording:
    """What a process records with. `steps` are there from the first moment that recording is on."""

    __slots__ = ("control", "enabled", "journal", "problem", "redact", "settings", "steps")

    def __init__(self, settings: Settings, redact: Redact | None = None) -> None:
        self.settings = settings
        self.redact = redact
        self.enabled = False
        self.problem: str | None = None
        self.control: Control | None = None
        self.journal: Journal | None = None
        self.steps: Steps | None = None

    def enable(self) -> None:
        """Start to record, or go on with it. Raises SettingError when the settings do not allow it."""
        with _starting:
            self._assemble()
        self.enabled = True

    def _assemble(self) -> None:
        if self.steps is None:
            from agent_trace.recording import assembly

            self.control, self.journal, steps = assembly.assemble(self.settings, self.redact)
            self.use(steps)

    def use(self, steps: Steps) -> None:
        """Record with these steps."""
        global _latest_steps
        self.steps = _latest_steps = steps
        self.enabled = True

    def disable(self) -> None:
        """Traced calls cost next to nothing from here on; what was recorded stays."""
        self.enabled = False

    def close(self) -> None:
        """Give back what the journal reserved. Recording after it opens a new segment."""
        if self.journal is not None:
            self.journal.close()


_current: Recording | None = None
_delivery: Delivery | None = None
_latest_steps: Steps | None = None
_has_failed = False
_arguments: dict[str, Any] = {}


def is_on() -> bool:
    """Whether the next traced call is to be recorded; asked on every call, and the first one starts recording."""
    recording = _current
    if recording is None:
        return _starts() and is_on()
    control = recording.control
    # `control.on` only when the byte says no: it looks whether the file is still the project's.
    return recording.enabled and (control is None or control.byte[0] == _ON or control.on)


def _starts() -> bool:
    """Start recording; a start that fails is not tried again by every call."""
    global _has_failed
    if not _has_failed:
        _has_failed = attempt("starting to record", current) is None
        if _has_failed:
            why = guard.last_failure
            Notices().warn(
                f"nothing is recorded: tracing could not start ({why}). The program is not affected."
            )
    return not _has_failed


def steps() -> Steps:
    """The steps of the recording that `is_on` has just found to be on, or of the one before it."""
    recording = _current
    if recording is not None and recording.steps is not None:
        return recording.steps
    # Another thread has put a recording in place that has not begun.
    assert _latest_steps is not None
    return _latest_steps


def redact_text(text: str) -> str:
    """A text without secrets, by the rules in force; the text itself while nothing is recorded with."""
    recording = _current
    if recording is None or recording.steps is None:
        return text
    return recording.steps.recorder.redactor.redact_text(text)


def deliver_with(delivery: Delivery) -> None:
    """Have what is recorded from here on taken to the consumers that the settings ask for."""
    global _delivery
    _delivery = delivery


def delivery() -> Delivery | None:
    """Whoever takes what is recorded elsewhere."""
    return _delivery


def reread_settings() -> Settings:
    """The settings as they stand now, with what was given in code on top; nothing is changed by asking."""
    from agent_trace import settings

    return settings.load(_arguments)


def open_ends() -> dict[str, int]:
    """The segments that this process writes to now, by file name, with where the last record of each ends."""
    recording = _current
    return {} if recording is None or recording.journal is None else recording.journal.open_ends()


def recording() -> Recording | None:
    """The recording of this process, if there is one yet."""
    return _current


def has_started() -> bool:
    """Whether anything was recorded with in this process so far."""
    return _current is not None and _current.steps is not None


def current() -> Recording:
    """The recording of this process, started from the settings when there is none yet."""
    with _starting:
        return configure({}) if _current is None else _current


def configure(arguments: Mapping[str, Any], redact: Redact | None = None) -> Recording:
    """Begin anew with these settings on top of those given before and those found.

    Raises SettingError for an unusable argument; the recording there was goes on then.
    """
    from agent_trace import settings

    global _arguments
    with _starting:
        if redact is None and _current is not None:
            redact = _current.redact
        together = {**_arguments, **arguments}
        recording = Recording(settings.load(together), redact)
        was_enabled = None if _current is None or "enabled" in arguments else _current.enabled
        if recording.settings.enabled or was_enabled:
            try:
                recording.enable()
            except SettingError as error:
                if arguments:
                    raise
                recording.problem = f"recording is off: {error}"
                Notices(quiet=recording.settings.quiet).warn(recording.problem)
        if was_enabled is False and _current is not None and _current.steps is not None:
            recording.disable()  # somebody has switched off, which another setting does not undo
        _arguments = together
        former = install(recording)
        if former is not None:
            former.close()
        return recording


def install(recording: Recording | None) -> Recording | None:
    """Put another recording in place and return the former one; tests record into memory this way."""
    global _current
    with _starting:
        former, _current = _current, recording
        return former


def _renew_after_fork() -> None:
    global _starting
    _starting = threading.RLock()
    if _current is not None and _current.steps is not None:
        _current.steps.recorder.renew_after_fork()


def _close_at_exit() -> None:
    with guarded("closing the journal"):
        if _current is not None:
            _current.close()


os.register_at_fork(after_in_child=_renew_after_fork)
atexit.register(_close_at_exit)
