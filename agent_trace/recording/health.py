"""What this process tells others of itself: what it is attached to, and which work of ours failed.

`agent-trace status` asks in a process of its own, so it stands in a small file (`journal/health_file.py`). That is written
when attaching changes, when a kind of work fails for the first time (second, fourth, eighth …), when a segment is begun and at
exit; never for a call. A process that has nothing to tell has no file. Where it cannot be written, nobody hears of it.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final, NamedTuple

from agent_trace.recording import guard, process
from agent_trace.recording.guard import attempt
from agent_trace.recording.journal.health_file import AttachedTo, Failure, Health, HealthFile
from agent_trace.recording.text import as_text

if TYPE_CHECKING:
    from types import TracebackType

    from agent_trace.recording.redaction.redactor import Redactor
    from agent_trace.settings import Settings

_MOST_ROWS: Final = 50
_MOST_CHARS: Final = 300
_BURST: Final = 64
_WRITES_A_SECOND: Final = 5.0
_WORK: Final = "telling how this process is"
_OURS: Final = (
    os.path.dirname(os.path.dirname(__file__)) + os.sep,
    "agent_trace/recording/compiled/",  # as the compiler was told
)


class Attaching(NamedTuple):
    """What whoever attaches has to tell. `problems` and `notes` with how often each was met."""

    attached: list[AttachedTo]
    problems: dict[str, int]
    notes: dict[str, int]


class _Words(NamedTuple):
    kind: str
    message: str
    place: str
    is_ours: bool


class _Telling:
    """The state of it: one in a process."""

    def __init__(self) -> None:
        self.attaching: Callable[[], Attaching] | None = None
        self.former_failures: dict[str, int] = {}
        self.words: dict[str, _Words] = {}
        self.file: HealthFile | None = None
        self.is_child = False
        self._settings: Settings | None = None
        self._redactor: Redactor | None = None
        self.begin_anew()

    def begin_anew(self) -> None:
        self.lock = threading.Lock()
        self.is_due = False
        self._spare, self._spared_at_s = float(_BURST), time.monotonic()

    def may_write(self) -> bool:
        """Whether another write is due: a program that makes classes by the thousand is not to pay for each."""
        now_s = time.monotonic()
        self._spare = min(self._spare + (now_s - self._spared_at_s) * _WRITES_A_SECOND, _BURST)
        self._spared_at_s = now_s
        if self._spare < 1:
            return False
        self._spare -= 1
        return True

    def settings(self) -> Settings | None:
        """Those that say where to; None while nothing is to be written, or into memory only."""
        recording = process.recording()
        if recording is None:
            if self._settings is None:
                self._settings = process.reread_settings()
            return self._settings if self._settings.enabled else None
        if recording.steps is not None and recording.journal is None:
            return None
        has_file = self.file is not None and self.file.is_there
        return recording.settings if recording.enabled or has_file else None

    def hiding(self, settings: Settings) -> Callable[[str], str]:
        """What hides secrets in a text, and cuts it then."""
        recording = process.recording()
        if recording is not None and recording.steps is not None:
            redactor = recording.steps.recorder.redactor
        else:
            if self._redactor is None:
                from agent_trace.recording.redaction.redactor import Redactor

                self._redactor = Redactor(off=settings.redact_off, extra=settings.redact_rules)
            redactor = self._redactor
        return lambda text: _short(redactor.redact_text(text))

    def is_custom(self) -> bool:
        """Whether the program has a callable of its own that hides something."""
        recording = process.recording()
        return recording is not None and recording.redact is not None


def _short(text: str) -> str:
    return text if len(text) <= _MOST_CHARS else f"{text[:_MOST_CHARS]}…"


_telling: Final = _Telling()


def tell_with(attaching: Callable[[], Attaching]) -> None:
    """Ask this for what is attached, whenever something is told."""
    _telling.attaching = attaching


def last_words() -> dict[str, str]:
    """Each kind of work that has failed in this process, with what was last heard of it."""
    return {work: f"{each.kind}: {each.message}{each.place}" for work, each in _telling.words.items()}


def changed() -> None:
    """Have others know of a change. Takes 0.1 ms, so it is for what happens rarely; never raises."""
    _telling.is_due = True
    for _ in range(2):  # what another thread, or a failure of this, changes meanwhile is told as well
        if not _telling.is_due or not _telling.lock.acquire(blocking=False):
            return
        try:
            if not _telling.may_write():
                return
            _telling.is_due = False
            attempt(_WORK, _write)
        finally:
            _telling.lock.release()


def _write() -> None:
    settings = _telling.settings()
    if settings is None:
        return
    with contextlib.suppress(OSError):
        _write_to(settings)


def _write_to(settings: Settings) -> None:
    """Write the file, or take it back when there is nothing to tell. Raises OSError."""
    told, file = _told(settings), _telling.file
    is_first = file is None or file.directory != settings.directory
    if file is None or is_first:
        if file is not None:
            file.remove()
        file = _telling.file = HealthFile(settings.directory, told.service)
    if told.attached or told.problems or told.failures:
        file.write(told)
    else:
        file.remove()
    if is_first:
        file.clear_up(is_anew=not _telling.is_child and not _is_worker())


def _told(settings: Settings) -> Health:
    from agent_trace.recording.assembly import program_name

    hide = _telling.hiding(settings)
    attaching = Attaching([], {}, {}) if _telling.attaching is None else _telling.attaching()
    rows = attaching.attached[:_MOST_ROWS]
    return Health(
        os.getpid(),
        os.uname().nodename,
        hide(settings.service_name or program_name()),
        time.time_ns(),
        tuple(each._replace(entry_point=hide(each.entry_point)) for each in rows),
        _hidden(attaching.problems, hide),
        _hidden(attaching.notes, hide),
        tuple(_failures(hide)),
    )


def _failures(hide: Callable[[str], str]) -> Iterator[Failure]:
    for work, count in list(guard.failures.items())[:_MOST_ROWS]:
        here = count - _telling.former_failures.get(work, 0)
        if here > 0:
            words = _telling.words.get(work, _Words("", "", "", True))
            # What the program's own callable hides, it is not asked about here.
            message = f": {words.message}" if words.message and not _telling.is_custom() else ""
            yield Failure(work, here, hide(f"{words.kind}{message}{words.place}"), words.is_ours)


def _hidden(counts: dict[str, int], hide: Callable[[str], str]) -> dict[str, int]:
    return {hide(what): count for what, count in list(counts.items())[:_MOST_ROWS]}


def _failed(work: str, error: BaseException) -> None:
    """Take note of a failure in words. Called by the guard for the 1st, 2nd, 4th, 8th … of each kind of work."""
    if work == _WORK:
        return
    place, is_ours = _place_of(error.__traceback__)
    _telling.words[work] = _Words(type(error).__name__, as_text(error), place, is_ours)
    changed()


def _place_of(trace: TracebackType | None) -> tuple[str, bool]:
    """Where it was raised, and whether that is code of ours."""
    if trace is None:
        return "", True
    while trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    return f" ({code.co_filename}:{trace.tb_lineno} in {code.co_name})", code.co_filename.startswith(_OURS)


def _is_worker() -> bool:
    """Whether this is a worker of a program that runs on."""
    multiprocessing = sys.modules.get("multiprocessing.process")
    return multiprocessing is not None and multiprocessing.parent_process() is not None


def finish() -> None:
    """Say the last of it. Nothing remains of a process that had no problems."""
    if not _telling.lock.acquire(blocking=False):
        return
    try:
        attempt(_WORK, _finish)
    finally:
        _telling.lock.release()


def _finish() -> None:
    file = _telling.file
    has_file = file is not None and file.is_there
    settings = _telling.settings() if has_file or guard.failures else None
    if settings is None:
        return
    told = _told(settings)
    with contextlib.suppress(OSError):
        if told.problems or told.failures:
            _write_to(settings)
        elif file is not None:
            file.remove()


def _begin_in_child() -> None:
    """In a forked child: the file is the parent's, and so are the failures so far. One of its own comes with something to tell."""
    file, _telling.file = _telling.file, None
    if file is not None:
        with contextlib.suppress(OSError):
            file.let_go()
    _telling.begin_anew()
    _telling.former_failures = dict(guard.failures)
    _telling.words.clear()
    _telling.is_child = True


guard.heard_by(_failed)
atexit.register(finish)
os.register_at_fork(after_in_child=_begin_in_child)
