"""One segment file and the mapping through which its process writes it: create, grow, seal.

When to do so is the journal's decision. A segment is a header line, then one line of JSON a record, then
NUL bytes up to its allocated size while its writer lives.
"""

import contextlib
import errno
import fcntl
import mmap
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from agent_trace.recording.journal import layout
from agent_trace.recording.journal.header import HEADER_BYTES, Header, encode_header, package_version

STEP_BYTES = 256 << 10
"""How much is allocated and mapped at once: bounds the pause of one append, the resident memory, and what
hundreds of short processes take. Larger steps are hardly faster (1.5 against 1.2 µs an append, all told)."""
MAX_LINE_BYTES = 64 << 20

_MADV_POPULATE_WRITE = 23
_PAGE_BYTES = mmap.ALLOCATIONGRANULARITY
# Not larger: on ext4 the size of a write decides the size of a page cache folio, and the first touch of
# each page of a 1 MiB folio takes 9 µs.
_ZEROS = bytes(64 << 10)


class Segment:
    """A segment open for writing. `position` and `limit` count bytes in `mapping`, which begins at `base`."""

    __slots__ = (
        "_checked",
        "_header",
        "_place",
        "allocated",
        "base",
        "fd",
        "limit",
        "lost",
        "mapping",
        "path",
        "position",
        "records",
    )

    def __init__(self, path: Path, fd: int, header: Header) -> None:
        self.path = path
        self.fd = fd
        self.lost = dict(header.lost)
        self.records = 0
        self.base = self.allocated = self.limit = 0
        self.position = HEADER_BYTES
        self.mapping: mmap.mmap | None = None
        self._header = header
        self._checked = HEADER_BYTES
        self._place = _place(os.fstat(fd))

    @classmethod
    def create(
        cls,
        directory: Path,
        service: str,
        consumers: tuple[str, ...],
        lost: dict[str, int],
        line_bytes: int,
    ) -> "Segment":
        """A new segment with room for a line of `line_bytes`, locked, allocated and mapped. Raises OSError.

        It is made under another name and renamed when it is whole: a reader that finds a segment without
        a lock may believe that its writer is dead.
        """
        name = layout.new_segment_name()
        path = directory / layout.SEGMENTS / name
        unborn = path.with_suffix(layout.UNBORN_SUFFIX)
        fd = _create_file(directory, unborn)
        host, now_ns = os.uname().nodename, time.time_ns()
        header = Header(
            os.getpid(), host, service, now_ns, lost, package=package_version(), consumers=consumers
        )
        segment = cls(path, fd, header)
        born = False
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            segment._extend(max(STEP_BYTES, HEADER_BYTES + line_bytes))
            segment._write_header()
            os.rename(unborn, path)
            born = True
        finally:
            if not born:
                segment.abandon()
                with contextlib.suppress(OSError):
                    os.unlink(unborn)
        return segment

    @property
    def pid(self) -> int:
        """The process that made this segment: a forked child has to make its own."""
        return self._header.pid

    @property
    def used(self) -> int:
        """Bytes from the start of the file to the end of the last record."""
        return self.base + self.position

    def has_room(self, line_bytes: int) -> bool:
        """Whether a line fits into what is allocated and mapped."""
        return self.position + line_bytes <= self.limit

    def grow(self, line_bytes: int, max_bytes: int) -> None:
        """Allocate and map room for one more line, and for later ones if there is space. Raises OSError."""
        needed = self.used + line_bytes
        wished = max(needed, min(self.allocated + STEP_BYTES, max_bytes))
        try:
            self._extend(wished)
        except OSError:
            if wished == needed:
                raise
            self._extend(needed)

    def append_lines(self, lines: bytes) -> None:
        """Write whole lines that another segment held before; there must be room."""
        end = self.position + len(lines)
        if self.mapping is not None:
            self.mapping[self.position : end] = lines
        self.position = end
        self.records += lines.count(b"\n")

    def note_lost(self, reason: str, count: int) -> None:
        """Count observations that could not be recorded, in the header."""
        self.lost[reason] = self.lost.get(reason, 0) + count
        with contextlib.suppress(OSError):
            self._write_header()

    def in_place(self) -> bool:
        """Whether the path still leads to this file; if so, all that is in it now counts as confirmed."""
        try:
            there = _place(os.stat(self.path)) == self._place
        except OSError:
            return False
        if there:
            self._checked = self.used
        return there

    def unconfirmed(self) -> bytes:
        """The lines written since the file was last seen at its path, without torn ones."""
        length = self.used - self._checked
        found = os.pread(self.fd, length, self._checked) if length else b""
        return b"".join(line for line in found.splitlines(keepends=True) if b"\0" not in line)

    def sync(self) -> None:
        """Wait until what was written is on the disk. Raises OSError."""
        if self.mapping is not None:
            self.mapping.flush()
            os.fsync(self.fd)

    def seal(self, durable: bool = False) -> None:
        """Write the number of records into the header, give unused space back, and let go of the file."""
        if self.fd < 0:
            return
        self._header = self._header._replace(sealed=True, records=self.records)
        with contextlib.suppress(OSError):
            self._write_header()
        self._unmap()
        with contextlib.suppress(OSError):
            os.ftruncate(self.fd, self.used)
            if durable:
                os.fsync(self.fd)
        self.abandon()

    def abandon(self) -> None:
        """Let go of the file and the mapping as they are: in a forked child they are the parent's."""
        self._unmap()
        fd, self.fd = self.fd, -1
        if fd >= 0:
            with contextlib.suppress(OSError):
                os.close(fd)

    def __del__(self, is_finalizing: Callable[[], bool] = sys.is_finalizing) -> None:
        if not is_finalizing():  # when modules are taken apart, what they held is closed by the kernel
            self.abandon()

    def _extend(self, size: int) -> None:
        size = -(-size // _PAGE_BYTES) * _PAGE_BYTES
        _allocate(self.fd, self.allocated, size)
        used = self.used
        base = used // _PAGE_BYTES * _PAGE_BYTES
        mapping = mmap.mmap(self.fd, size - base, offset=base)
        _touch_pages(mapping)
        self._unmap()
        self.mapping, self.base, self.position = mapping, base, used - base
        self.limit, self.allocated = size - base, size

    def _unmap(self) -> None:
        mapping, self.mapping = self.mapping, None
        self.limit = 0
        if mapping is not None:
            mapping.close()

    def _write_header(self) -> None:
        # Not through the mapping: on a copy-on-write file system this may need space, and must then be an
        # error code and not a SIGBUS.
        os.pwrite(self.fd, encode_header(self._header._replace(lost=self.lost)), 0)


def _create_file(directory: Path, path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
    try:
        return layout.open_private(path, flags)
    except FileNotFoundError:
        layout.create_store(directory)
        return layout.open_private(path, flags)


def _allocate(fd: int, start: int, end: int) -> None:
    """Take real space for `start` to `end`; give it back and raise OSError if there is not enough.

    The zeros are written even where `posix_fallocate` exists: they bring the pages into memory in one call,
    where touching each for the first time through the mapping costs 5 µs (ext4: 5.8 against 1.5 µs an append).
    """
    try:
        _reserve_blocks(fd, start, end)
        offset = start
        while offset < end:
            offset += os.pwrite(fd, _ZEROS[: end - offset], offset)
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(fd, start)
        raise


def _reserve_blocks(fd: int, start: int, end: int) -> None:
    if not hasattr(os, "posix_fallocate"):
        return
    try:
        os.posix_fallocate(fd, start, end - start)
    except OSError as error:
        if error.errno not in (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL):
            raise


def _touch_pages(mapping: mmap.mmap) -> None:
    """Have every page made writable at once, where the kernel can (Linux 5.14): else each append has a fault."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            mapping.madvise(_MADV_POPULATE_WRITE)


def _place(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
