"""The flag of a store: one byte in a file that every process of the project maps, and that anyone may flip.

A missing file means on. The byte is changed in place; replacing the file, or truncating it from a shell
(`> control`), is not supported: mappings would keep the old file, or end in a SIGBUS.
"""

import mmap
import os
import weakref
from pathlib import Path
from time import monotonic

from agent_trace.recording.journal import layout
from agent_trace.recording.journal.layout import CONTROL, OFF, ON

_LOOK_AGAIN_S = 1.0

_controls: "weakref.WeakSet[Control]" = weakref.WeakSet()


class Control:
    """Whether the processes of a store are to record. `byte[0]` is `ord("1")` or `ord("0")`, read in 40 ns.

    As long as there is no control file, `byte` stands for on; the store's first segment brings one. `on`
    also notices, while off, that the file was replaced or removed.
    """

    __slots__ = ("__weakref__", "_directory", "_look_at", "_place", "byte")

    def __init__(self, directory: Path) -> None:
        self.byte: mmap.mmap | bytes = ON
        self._directory = directory
        self._place: tuple[int, int] | None = None
        self._look_at = 0.0
        self.refresh()
        _controls.add(self)

    @property
    def on(self) -> bool:
        """The flag, as the file has it now."""
        if self.byte[0] == ON[0]:
            return True
        now = monotonic()
        if now >= self._look_at:
            self._look_at = now + _LOOK_AGAIN_S
            self.refresh()
        return self.byte[0] == ON[0]

    def refresh(self) -> None:
        """Map the control file that is there now, if it is another one."""
        try:
            fd = os.open(self._directory / CONTROL, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self.byte, self._place = ON, None
            return
        try:
            self._map(fd)
        finally:
            os.close(fd)

    def _map(self, fd: int) -> None:
        status = os.fstat(fd)
        place = status.st_dev, status.st_ino
        if place == self._place:
            return
        if status.st_size == 0:  # being created just now, or emptied: reading it would be a SIGBUS
            return
        try:
            self.byte = mmap.mmap(fd, 1, access=mmap.ACCESS_READ)
        except OSError:  # no address space, no file descriptor, or a file system that cannot map
            return
        self._place = place


def refresh_controls() -> None:
    """Let every flag of this process look for its file: a store has just been created, or created again."""
    for control in list(_controls):
        control.refresh()


def write_flag(directory: Path, on: bool) -> None:
    """Switch recording on or off for every process that uses this store, now. Raises OSError.

    Creates the store if there is none, so that what starts later is switched off too.
    """
    layout.create_store(directory)
    fd = os.open(directory / CONTROL, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.pwrite(fd, ON if on else OFF, 0)
    finally:
        os.close(fd)
    refresh_controls()


def read_flag(directory: Path) -> bool | None:
    """The flag of a store; None when there is no control file, which counts as on."""
    try:
        return (directory / CONTROL).read_bytes()[:1] != OFF
    except (FileNotFoundError, NotADirectoryError):
        return None
