"""The list of segments that a consumer needs no more, which retention reads; and since when it gets records.

A file of lines beside the state, so that recording, which does retention, need not open a database. Only the
one forwarder of a store writes to it.
"""

import contextlib
import os
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from agent_trace.recording.journal import layout
from agent_trace.recording.journal.needs import COMMENT

_SINCE: Final = re.compile(rb"# since_ns (\d{1,19})\n")
_SPARE_LINES: Final = 1000
"""So many names of segments that are gone may stand in the file before it is written anew."""


class DoneList:
    """`<consumer>.done`. Its existence says that the consumer is registered."""

    def __init__(self, directory: Path, consumer: str) -> None:
        self.path = directory / layout.DELIVERY / f"{consumer}{layout.DONE_SUFFIX}"

    def since_ns(self) -> int | None:
        """When the consumer was registered, in nanoseconds since the epoch; None when it was not, or nobody knows."""
        try:
            with open(self.path, "rb") as file:
                found = _SINCE.fullmatch(file.readline(64))
        except FileNotFoundError:
            return None
        return int(found[1]) if found else None

    def names(self) -> set[str]:
        """The segments that are named."""
        try:
            lines = self.path.read_bytes().splitlines()
        except FileNotFoundError:
            return set()
        return {line.decode("utf-8", "replace") for line in lines if line and not line.startswith(COMMENT)}

    def add(self, names: Iterable[str]) -> None:
        """These segments are needed no more. Raises OSError."""
        text = "".join(f"{name}\n" for name in names)
        fd = layout.open_private(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)

    def write(self, since_ns: int, names: Collection[str]) -> None:
        """Write the list anew; whoever reads it meanwhile sees the old one or the new one. Raises OSError."""
        layout.make_private_directory(self.path.parent)
        text = (
            COMMENT + b" since_ns %d\n" % since_ns + "".join(f"{each}\n" for each in sorted(names)).encode()
        )
        fresh = self.path.with_suffix(".new")
        fd = layout.open_private(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            os.write(fd, text)
        finally:
            os.close(fd)
        os.replace(fresh, self.path)

    def match(self, since_ns: int, done: Collection[str], present: Collection[str]) -> None:
        """Make it say what the state says, of the segments that are still there; written only if it does not.

        Raises OSError.
        """
        named = self.names()
        wanted = set(done) & set(present)
        differs = named & set(present) != wanted or self.since_ns() != since_ns
        if differs or len(named) > len(wanted) + _SPARE_LINES:
            self.write(since_ns, wanted)

    def touch(self) -> None:
        """Somebody serves this consumer: retention forgets one that nobody has served for a month."""
        with contextlib.suppress(OSError):
            os.utime(self.path)

    def remove(self) -> None:
        """The consumer is registered no more."""
        self.path.unlink(missing_ok=True)
