"""The counts of a store, kept in it: every process that serves metrics goes on from the same figures.

So the figures are the same whichever worker of a server is asked, go on after a restart, and stay when segments are
removed. Derived from the journal: without the file, what the journal still has is counted anew.
"""

import contextlib
import fcntl
import json
import logging
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from agent_trace.metrics.following import Following
from agent_trace.recording.journal.layout import SEGMENTS, open_private

STATE: Final = "metrics.json"
LOCK: Final = "metrics.lock"
_VERSION: Final = 1
_LOCK_POLL_S: Final = 0.02

logger = logging.getLogger("agent_trace")

_Signature = tuple[int, int, int]


class Standing:
    """The counts of one store, brought up to date by `refresh`. For one thread at a time."""

    def __init__(self, directory: Path, limit: int) -> None:
        self.directory = directory
        self._limit = limit
        self._signature: _Signature | None = None
        self._has_complained = False
        self.following = self._new()

    @property
    def is_there(self) -> bool:
        """Whether anything was recorded in this directory; in any other one we leave no file."""
        return (self.directory / SEGMENTS).is_dir()

    def refresh(self, within_s: float | None) -> None:
        """Count what is new, for `within_s` seconds at most; while another process is at it, take what it leaves."""
        if not self.is_there:
            return
        until_s = None if within_s is None else time.monotonic() + within_s
        with _alone(self.directory, until_s) as may_write:
            if may_write is None:
                return
            self._reload()
            self.following.catch_up(self.directory, until_s)
            if may_write and self.following.is_changed:
                self._save()

    def _new(self) -> Following:
        following = Following()
        following.counting.tally.names.limit = self._limit
        return following

    def _reload(self) -> None:
        path = self.directory / STATE
        try:
            signature = _signature(path)
            if signature == self._signature:
                return
            found = json.loads(path.read_bytes())
            if found["v"] != _VERSION:
                raise ValueError(f"version {found['v']!r}")
            self.following = Following.from_json(found, self._limit)
            self._signature = signature
        except FileNotFoundError:
            return  # not written yet, or removed: what this process has counted stays right
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            logger.warning("metrics: %s cannot be read (%s); counting the journal anew", path, error)
            self.following = self._new()

    def _save(self) -> None:
        path, new = self.directory / STATE, self.directory / f"{STATE}.new"
        text = json.dumps({"v": _VERSION, **self.following.to_json()}, separators=(",", ":"))
        try:
            fd = open_private(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            with open(fd, "wb") as file:
                file.write(text.encode())
            new.replace(path)
            self._signature = _signature(path)
            self.following.is_changed = False
        except OSError as error:
            if not self._has_complained:
                logger.warning("metrics: %s cannot be written (%s); counts stay in this process", path, error)
            self._has_complained = True


@contextlib.contextmanager
def _alone(directory: Path, until_s: float | None) -> Iterator[bool | None]:
    """Hold the lock: True. False where this user may not write. None when another process keeps it until time is up."""
    try:
        fd = open_private(directory / LOCK, os.O_RDWR | os.O_CREAT)
    except OSError:
        yield False
        return
    try:
        if not _locked(fd, until_s):
            yield None
            return
        yield True
    finally:
        # Not left to closing: a child that was forked meanwhile has the same open file.
        fcntl.flock(fd, fcntl.LOCK_UN)
        os.close(fd)


def _locked(fd: int, until_s: float | None) -> bool:
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if until_s is not None and time.monotonic() >= until_s:
                return False
            time.sleep(_LOCK_POLL_S)
        else:
            return True


def _signature(path: Path) -> _Signature:
    status = path.stat()
    return status.st_ino, status.st_mtime_ns, status.st_size


_alone_here = threading.Lock()


def in_turn() -> threading.Lock:
    """Held around `refresh` and what is read of it afterwards: scrapes may come on several threads."""
    return _alone_here


def _renew_lock() -> None:
    global _alone_here
    _alone_here = threading.Lock()


os.register_at_fork(after_in_child=_renew_lock)
