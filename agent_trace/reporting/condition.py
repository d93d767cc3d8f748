"""How recording stands: gathered from settings, control file, journal and index for `agent-trace status` and the page."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from agent_trace.delivery.reader import is_live, list_segments, read_header
from agent_trace.delivery.standing.ledger import ConsumerLedger, delivery_ledgers
from agent_trace.errors import SettingError, StoreError, StoreMissing
from agent_trace.instrumentation.providers import Provider, providers
from agent_trace.recording.journal.control import read_flag
from agent_trace.recording.journal.problems import ADVICE
from agent_trace.recording.redaction.redactor import Redactor
from agent_trace.reporting.problem import Problem
from agent_trace.reporting.processes import Process, problems_of, processes
from agent_trace.reporting.versions import versions
from agent_trace.settings import Settings
from agent_trace.store import Store
from agent_trace.store.answers import Ledger


@dataclass(frozen=True, slots=True)
class Writer:
    """A process that is recording right now."""

    pid: int
    host: str
    service: str


@dataclass(frozen=True, slots=True)
class Condition:
    """Everything that `agent-trace status` says. `ledger` is None when nothing was recorded yet, or is readable.

    entry_points: what the settings have `agent-trace run` attach to. providers: what `--providers` would, and would not.
    processes: what programs tell of what is attached in them, and what went wrong there.
    """

    on: bool
    why: str
    directory: str
    ledger: Ledger | None
    deliveries: list[ConsumerLedger] = field(default_factory=list)
    writers: list[Writer] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    entry_points: tuple[str, ...] = ()
    providers: list[Provider] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)


OpenStore = Callable[[Path], AbstractContextManager[Store]]


def condition(settings: Settings, directory: Path | None, open_store: OpenStore = Store) -> Condition:
    """How recording into the project's store, or `directory`, stands.

    open_store: gives the store of a directory; whoever calls may show progress, or have one open already.
    """
    store = directory or settings.directory
    on, why = _switch(settings, read_flag(store))
    ledger, unreadable = _ledger(store, open_store)
    rules = _of_rules(settings)
    if on and rules:
        on, why = False, "a redaction rule cannot be used, and nothing is written unredacted"
    problems = [Problem(problem, "") for problem in settings.problems]
    problems += rules + (_of_directory(store) or unreadable)
    if ledger is not None:
        problems += _problems(ledger)
    deliveries, unreadable = _deliveries(store)
    problems += unreadable + [problem for each in deliveries for problem in _of_delivery(each)]
    running = processes(store)
    problems += problems_of(running)
    return Condition(
        on,
        why,
        str(store),
        ledger,
        deliveries,
        _writers(store),
        problems,
        versions(),
        settings.instrument,
        providers(),
        running,
    )


def _switch(settings: Settings, flag: bool | None) -> tuple[bool, str]:
    if not settings.enabled:
        return False, f"switched off by {settings.origin('enabled')}"
    if flag is False:
        return False, "switched off by `agent-trace off`; `agent-trace on` switches it on again"
    origin = settings.origin("enabled")
    return True, "by default" if origin == "default" else f"switched on by {origin}"


def _ledger(store: Path, open_store: OpenStore) -> tuple[Ledger | None, list[Problem]]:
    """The ledger; or None, and what keeps it from being read."""
    try:
        with open_store(store) as opened_store:
            opened_store.refresh()
            return opened_store.ledger(), []
    except StoreMissing:
        return None, []
    except StoreError as error:
        return None, [Problem(str(error), "")]
    except OSError as error:
        return None, [Problem(f"{error.filename or store}: {error.strerror}", ADVICE["directory"])]


def _deliveries(store: Path) -> tuple[list[ConsumerLedger], list[Problem]]:
    """The ledger of each backend that anything was ever forwarded to; or what keeps them from being read."""
    try:
        return delivery_ledgers(store), []
    except StoreError as error:
        return [], [Problem(str(error), "")]
    except OSError as error:
        return [], [Problem(f"{error.filename or store}: {error.strerror}", ADVICE["directory"])]


def _of_delivery(ledger: ConsumerLedger) -> list[Problem]:
    found = []
    if ledger.problem:
        found.append(Problem(f"{ledger.consumer}: {ledger.problem}", ""))
    if ledger.dead_lettered:
        what = f"{ledger.consumer} refused {ledger.dead_lettered:,} records for good"
        found.append(Problem(what, "`agent-trace forward --dead` lists and retries them"))
    return found


def _of_rules(settings: Settings) -> list[Problem]:
    """Redaction rules that keep programs from recording."""
    try:
        Redactor(off=settings.redact_off, extra=settings.redact_rules)
    except SettingError as error:
        origin = "redact_off" if settings.redact_off else "redact_rules"
        return [Problem(str(error), f"correct it: {settings.origin(origin)}")]
    return []


def _of_directory(store: Path) -> list[Problem]:
    """What keeps programs of this user from recording there."""
    if not store.exists():
        return []
    if not store.is_dir():
        return [Problem(f"{store} is not a directory", ADVICE["directory"])]
    if not os.access(store, os.W_OK | os.X_OK):
        return [Problem(f"{store} cannot be written to", ADVICE["directory"])]
    return []


def _problems(ledger: Ledger) -> list[Problem]:
    found = [
        Problem(
            f"{count:,} records were never written ({reason})",
            ADVICE.get(reason, "see `agent-trace settings`"),
        )
        for reason, count in ledger.lost.items()
    ]
    if ledger.torn:
        found.append(Problem(f"{ledger.torn:,} torn", "nothing: a process died while it wrote them"))
    if ledger.damaged:
        found.append(
            Problem(f"{ledger.damaged:,} damaged", "check the disk; the rest of the journal is read")
        )
    return found


def _writers(store: Path) -> list[Writer]:
    try:
        found = [_writer(path) for path in list_segments(store)]
    except OSError:  # told as a problem already
        return []
    return list(dict.fromkeys(writer for writer in found if writer is not None))


def _writer(segment: Path) -> Writer | None:
    """Who is writing a segment; None when nobody is, or when its head cannot be read."""
    try:
        if not is_live(segment):
            return None
        header = read_header(segment)
    except (StoreError, OSError):
        return None
    return Writer(header.pid, header.host, header.service)
