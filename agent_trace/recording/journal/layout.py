"""Where things lie in a store directory: names, modes, creation, and whether a segment's writer lives.

What stands inside a segment is `segment.py`'s matter.
"""

import fcntl
import os
import time
from pathlib import Path

SEGMENTS = "segments"
CONTROL = "control"
EVICTED = "evicted.jsonl"
HEALTH = "health"
DELIVERY = "delivery"
DONE_SUFFIX = ".done"
"""`<consumer>.done` in the delivery folder names the segments that a consumer needs no more, one a line."""
SEGMENT_SUFFIX = ".jsonl"
UNBORN_SUFFIX = ".new"
"""A segment that is being made: not yet locked or allocated, so no reader may take it for a dead one."""

ON = b"1"
OFF = b"0"

_DIRECTORY_MODE = 0o700
_FILE_MODE = 0o600

_last_stamp_us = 0


def create_store(directory: Path) -> None:
    """Make the store directory, private to its owner, with what belongs into it; what is there stays.

    Raises OSError when the directory cannot be made or written to.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    make_private_directory(directory)
    make_private_directory(directory / SEGMENTS)
    _write_once(directory / ".gitignore", b"*\n")
    _write_once(directory / CONTROL, ON)


def open_private(path: Path, flags: int) -> int:
    """`os.open` with mode 0600 whatever the umask, not inherited by programs that are started."""
    fd = os.open(path, flags | os.O_CLOEXEC, _FILE_MODE)
    if flags & os.O_CREAT:
        os.fchmod(fd, _FILE_MODE)
    return fd


def new_segment_name() -> str:
    """A name that sorts by time, within this process even when the clock goes backwards."""
    stamp_us = _next_stamp_us()
    moment = time.gmtime(stamp_us // 1_000_000)
    utc = time.strftime("%Y%m%dT%H%M%S", moment)
    return f"{utc}.{stamp_us % 1_000_000:06d}-{os.getpid()}-{os.urandom(4).hex()}{SEGMENT_SUFFIX}"


def list_segments(directory: Path) -> list[Path]:
    """The segments of a store, the oldest first; empty when nothing was recorded there."""
    folder = directory / SEGMENTS
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [folder / name for name in sorted(names) if name.endswith(SEGMENT_SUFFIX)]


def is_live(path: Path) -> bool:
    """Whether the process that writes this segment still has it open.

    One that is gone is not live; one that another user keeps to himself counts as live: it is left alone.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    except PermissionError:
        return True
    try:
        return has_writer(fd)
    finally:
        os.close(fd)


def has_writer(fd: int) -> bool:
    """Whether some other open file holds the lock of a segment's writer."""
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(fd, fcntl.LOCK_UN)
    return False


def _next_stamp_us() -> int:
    # No lock, which a signal handler could deadlock on: two threads may get the same microsecond, and the
    # names still differ.
    global _last_stamp_us
    _last_stamp_us = max(time.time_ns() // 1000, _last_stamp_us + 1)
    return _last_stamp_us


def make_private_directory(path: Path) -> None:
    """Make a directory that only its owner can enter; one that is there stays as it is. Raises OSError."""
    try:
        path.mkdir(_DIRECTORY_MODE)
    except FileExistsError:
        if not path.is_dir():
            raise
        return
    path.chmod(_DIRECTORY_MODE)


def _write_once(path: Path, content: bytes) -> None:
    """Create the file, or fill it if somebody emptied it; two processes may do so at once."""
    fd = open_private(path, os.O_RDWR | os.O_CREAT)
    try:
        if os.fstat(fd).st_size == 0:
            os.pwrite(fd, content, 0)
    finally:
        os.close(fd)
