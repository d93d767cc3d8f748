"""What programs tell of themselves: what is attached in those that run, and what went wrong in them or those that have died."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent_trace.display import figures
from agent_trace.recording.journal.health_file import Failure, Health, read_health
from agent_trace.recording.journal.problems import ADVICE
from agent_trace.reporting.problem import Problem

_NAMED: Final = 3
_ABOUT_ATTACHING: Final = (
    "`agent-trace discover PATH` finds what can be attached to, spelled as it has to be."
)
_FOREIGN: Final = (
    "Look at that line: it raised this when it was asked for what was to be recorded, which was left out."
)


@dataclass(frozen=True, slots=True)
class AttachedTold:
    """An entry point or provider that a process asked for, and how many functions are wrapped for it."""

    entry_point: str
    state: str
    functions: int


@dataclass(frozen=True, slots=True)
class FailureTold:
    """Work of ours that failed in a process: how often, the last time in words, what to do."""

    work: str
    times: int
    last: str
    fix: str


@dataclass(frozen=True, slots=True)
class Process:
    """A process that runs, or has died with problems within a day. `told_ns`: when it last told of itself.

    attaching_problems, attaching_notes: in words, with how often they were met; notes are nothing to put right.
    """

    pid: int
    host: str
    service: str
    is_running: bool
    told_ns: int
    attached: list[AttachedTold]
    attaching_problems: dict[str, int]
    attaching_notes: dict[str, int]
    failures: list[FailureTold]


def processes(store: Path) -> list[Process]:
    """Those of a store, the last to tell of itself first. Nothing when their files cannot be read."""
    try:
        return [_process(each) for each in read_health(store)]
    except OSError:  # told as a problem of the store
        return []


def problems_of(found: Iterable[Process]) -> list[Problem]:
    """What is to be put right in them: once, however many processes have it."""
    having: dict[tuple[str, str, str, str], list[Process]] = {}
    for process in found:
        for what, fix in _problems(process):
            having.setdefault((process.service, process.host, what, fix), []).append(process)
    return [Problem(f"{named(those)}: {what}", fix) for (_, _, what, fix), those in having.items()]


def alike(found: Iterable[Process]) -> list[list[Process]]:
    """Running processes of one program that are attached to the same, together."""
    groups: dict[object, list[Process]] = {}
    for process in found:
        if process.is_running and process.attached:
            groups.setdefault((process.service, process.host, tuple(process.attached)), []).append(process)
    return list(groups.values())


def named(those: list[Process]) -> str:
    """`main.py (pid 12)`, `main.py (pid 12, 13, 14 and 5 more)`, `main.py (pid 12, ended 14:03:22)`."""
    pids = ", ".join(str(each.pid) for each in those[:_NAMED])
    more = f" and {len(those) - _NAMED:,} more" if len(those) > _NAMED else ""
    last_ns = max(each.told_ns for each in those)
    ended = "" if any(each.is_running for each in those) else f", ended {figures.moment(last_ns)}"
    return f"{those[0].service} (pid {pids}{more}{ended})"


def _problems(process: Process) -> Iterable[tuple[str, str]]:
    for what in process.attaching_problems:
        yield what, _ABOUT_ATTACHING
    for each in process.failures:
        times = "" if each.times == 1 else f" {each.times:,} times"
        yield f"{each.work} failed{times}: {each.last or 'nothing more is known'}", each.fix


def _process(health: Health) -> Process:
    return Process(
        pid=health.pid,
        host=health.host,
        service=health.service,
        is_running=health.is_running,
        told_ns=health.at_ns,
        attached=[AttachedTold(*each) for each in health.attached],
        attaching_problems=dict(health.problems),
        attaching_notes=dict(health.notes),
        failures=[_failure(each) for each in health.failures],
    )


def _failure(failure: Failure) -> FailureTold:
    fix = ADVICE["internal_error"] if failure.is_ours else _FOREIGN
    return FailureTold(failure.work, failure.times, failure.last, fix)
