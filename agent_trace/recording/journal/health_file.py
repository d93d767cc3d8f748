"""The file in which a process tells others how it is: what it is attached to, and what of our work failed.

One small file a process in `health/`, written whole, locked, and only then given its name. The lock holds as long as the
process lives, as that of a segment does; what a dead one said is kept for a day, if it had problems.
"""

import contextlib
import errno
import fcntl
import os
import time
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from agent_trace.recording.journal import layout

KEPT_S: Final = 86_400.0
"""How long the problems of a process that has died can be read."""

MOST_FILES: Final = 400
_LOOKS: Final = 20
MOST_BYTES: Final = 128 << 10
_SUFFIX: Final = ".json"
_VERSION: Final = 1


class AttachedTo(NamedTuple):
    """An entry point or provider that a process asked for. `places`: how many functions are wrapped for it."""

    entry_point: str
    state: str
    places: int


class Failure(NamedTuple):
    """Work of ours that failed, how often, and the last time in words. `is_ours`: raised by our own code."""

    work: str
    times: int
    last: str
    is_ours: bool


class Health(NamedTuple):
    """What a process says of itself. `problems` and `notes` of attaching, with how often they were met."""

    pid: int
    host: str
    service: str
    at_ns: int
    attached: tuple[AttachedTo, ...] = ()
    problems: Mapping[str, int] = {}
    notes: Mapping[str, int] = {}
    failures: tuple[Failure, ...] = ()
    is_running: bool = False


class HealthFile:
    """The file of this process, under another name each time it is written. Every method may raise OSError.

    Not in the place of the one before: ext4 writes the new one to the disk at once then, which takes 0.8 ms, not 0.05.
    """

    def __init__(self, directory: Path, service: str) -> None:
        self.directory = directory
        self._base = _new_base(service)
        self._written = 0
        self._path: Path | None = None
        self._fd = -1

    @property
    def is_there(self) -> bool:
        """Whether something is said."""
        return self._path is not None

    def write(self, health: Health) -> None:
        """Say this instead of what was said before, which stays if that fails."""
        self._written += 1
        path = self.directory / layout.HEALTH / f"{self._base}.{self._written:06}{_SUFFIX}"
        fd = self._locked_file(path, _encoded(health))
        self.remove()
        self._path, self._fd = path, fd

    def remove(self) -> None:
        """Take back what was said."""
        path, self._path = self._path, None
        if path is not None:
            path.unlink(missing_ok=True)
        self.let_go()

    def let_go(self) -> None:
        """Give up the lock, and leave the file as it is; in a forked child it is the parent's."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def clear_up(self, *, is_anew: bool) -> None:
        """Remove what is out of date, or too much; also what the program said when it last ran, if it runs anew."""
        now_s, program = time.time(), self._base.partition("-")[0]
        found = sorted(_entries(self.directory / layout.HEALTH))
        for number, (modified_s, path) in enumerate(found):
            is_old = now_s - modified_s > KEPT_S or len(found) - number > MOST_FILES
            # One that is being written has no lock yet.
            is_former = is_anew and path.suffix == _SUFFIX and path.name.startswith(program)
            if (is_old or is_former) and not layout.is_live(path):
                path.unlink(missing_ok=True)

    def _locked_file(self, path: Path, text: bytes) -> int:
        unborn = path.with_suffix(layout.UNBORN_SUFFIX)
        fd = self._create(unborn)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.write(fd, text) != len(text):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(unborn))
            os.rename(unborn, path)
        except OSError:
            os.close(fd)
            with contextlib.suppress(OSError):
                os.unlink(unborn)
            raise
        return fd

    def _create(self, path: Path) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        try:
            return layout.open_private(path, flags)
        except FileNotFoundError:
            layout.create_store(self.directory)
            layout.make_private_directory(path.parent)
            return layout.open_private(path, flags)


def read_health(directory: Path) -> list[Health]:
    """What the processes of a store say of themselves: those that live, and those that died with problems within a day.

    The newest first. Files that cannot be read are left out. Raises OSError when the folder cannot be.
    """
    found: dict[str, tuple[float, Health | None]] = {}
    for _ in range(_LOOKS):
        if not _look(directory / layout.HEALTH, found):
            break
    return [health for _, health in sorted(found.values(), key=lambda each: -each[0]) if health is not None]


def _look(folder: Path, found: dict[str, tuple[float, Health | None]]) -> bool:
    """Read the files of processes that are not found yet. Whether one went meanwhile, and another look is due."""
    has_missed = False
    now_s = time.time()
    for modified_s, path in sorted(_entries(folder), reverse=True):
        base = path.name.partition(".")[0]
        if base in found or path.suffix != _SUFFIX:
            continue
        try:
            health = _read(path)
        except FileNotFoundError:
            has_missed = True
            continue
        is_of_interest = health is not None and (
            health.is_running or (now_s - modified_s <= KEPT_S and (health.problems or health.failures))
        )
        found[base] = modified_s, health if is_of_interest else None
    return has_missed


def _entries(folder: Path) -> Iterator[tuple[float, Path]]:
    """The files of a folder with the time of their last change, in seconds."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        with os.scandir(folder) as entries:
            for each in entries:
                if each.name.endswith((_SUFFIX, layout.UNBORN_SUFFIX)):
                    yield _modified_s(each), Path(each.path)


def _modified_s(entry: "os.DirEntry[str]") -> float:
    with contextlib.suppress(FileNotFoundError):
        return entry.stat(follow_symlinks=False).st_mtime
    return 0.0  # whoever opens it will find that it has gone


def _new_base(service: str) -> str:
    # The program comes first, so that what it said when it last ran is found without reading all of them.
    program = zlib.crc32(service.encode("utf-8", "replace"))
    return f"{program:08x}-{os.getpid()}-{os.urandom(4).hex()}"


def _read(path: Path) -> Health | None:
    """None for a file that cannot be read. Raises FileNotFoundError for one that has gone, or goes meanwhile."""
    try:
        is_running, text = _text_of(path)
        return _decoded(text)._replace(is_running=is_running)
    except FileNotFoundError:
        raise
    except (OSError, ValueError, TypeError, KeyError, OverflowError):
        return None


def _text_of(path: Path) -> tuple[bool, bytes]:
    """Whether the process lives, and what it says."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        is_running, text = layout.has_writer(fd), os.read(fd, MOST_BYTES)
        if not is_running and os.fstat(fd).st_nlink == 0:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        return is_running, text
    finally:
        os.close(fd)


def _encoded(health: Health) -> bytes:
    fields: dict[str, Any] = {"v": _VERSION, "kind": "health", **health._asdict()}
    del fields["is_running"]
    fields["attached"] = [each._asdict() for each in health.attached]
    fields["failures"] = [each._asdict() for each in health.failures]
    return orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE)


def _decoded(text: bytes) -> Health:
    """Raises ValueError, TypeError, KeyError or OverflowError for what is none of ours."""
    fields = orjson.loads(text)
    if fields["v"] != _VERSION or fields["kind"] != "health":
        raise ValueError(f"version {fields['v']!r}")
    return Health(
        pid=int(fields["pid"]),
        host=str(fields["host"]),
        service=str(fields["service"]),
        at_ns=int(fields["at_ns"]),
        attached=tuple(
            AttachedTo(str(each["entry_point"]), str(each["state"]), int(each["places"]))
            for each in fields["attached"]
        ),
        problems=_counts(fields["problems"]),
        notes=_counts(fields["notes"]),
        failures=tuple(
            Failure(str(each["work"]), int(each["times"]), str(each["last"]), bool(each["is_ours"]))
            for each in fields["failures"]
        ),
    )


def _counts(fields: Any) -> dict[str, int]:
    if not isinstance(fields, dict):
        raise TypeError(type(fields).__name__)
    return {str(what): int(count) for what, count in fields.items()}
