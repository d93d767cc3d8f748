"""The lock of the one process that forwards a store: whose it is, and that a forked child does not inherit it."""

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Final

from agent_trace.recording import forks
from agent_trace.recording.journal import layout

LOCK_NAME: Final = "lock"
_PID_BYTES: Final = 20


class ForwarderLock:
    """An advisory lock on `delivery/lock`, which the kernel lets go of when the process ends, however it ends."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / layout.DELIVERY / LOCK_NAME
        self._fd = -1
        forks.watch(self)

    @property
    def is_held(self) -> bool:
        """Whether this object holds the lock."""
        return self._fd >= 0

    def try_acquire(self) -> bool:
        """Take the lock if nobody else has it; True if it is held now. Raises OSError when it cannot be made."""
        if self.is_held:
            return self._is_in_place() or self._take_again()
        layout.make_private_directory(self._path.parent)
        fd = layout.open_private(self._path, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
            return False
        except OSError:
            os.close(fd)
            raise
        self._fd = fd
        os.pwrite(fd, str(os.getpid()).ljust(_PID_BYTES).encode(), 0)
        return True

    def release(self) -> None:
        """Let go of the lock; does nothing when it is not held."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _is_in_place(self) -> bool:
        """False when the store was removed: whoever makes it again must not forward beside us."""
        with contextlib.suppress(OSError):
            return os.path.samestat(os.fstat(self._fd), self._path.stat())
        return False

    def forget_parent(self) -> None:
        """In a forked child, whose descriptor refers to the same open file: kept, the lock would outlive the parent."""
        self.release()

    def _take_again(self) -> bool:
        self.release()
        return self.try_acquire()


def forwarding_pid(directory: Path) -> int | None:
    """The process that forwards this store now; None when there is none."""
    try:
        fd = os.open(directory / layout.DELIVERY / LOCK_NAME, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    try:
        if not layout.has_writer(fd):
            return None
        written = os.pread(fd, _PID_BYTES, 0).strip()
        return int(written) if written.isdigit() else None
    finally:
        os.close(fd)
