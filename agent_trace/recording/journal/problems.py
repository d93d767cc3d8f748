"""Why something could not be recorded: a reason to count by, words for the user, and who was told already."""

import errno
from collections.abc import Callable
from pathlib import Path

from agent_trace.recording.guard import guarded

OnProblem = Callable[[str, str], None]
"""Is given the reason, one word, and a message that says what happened, where, and what to do."""

_REASONS = {
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EFBIG: "file_limit",
    errno.EMFILE: "open_files",
    errno.ENFILE: "open_files",
    errno.ENOMEM: "memory",
    errno.EACCES: "directory",
    errno.EPERM: "directory",
    errno.EROFS: "directory",
    errno.ENOENT: "directory",
    errno.ENOTDIR: "directory",
    errno.EEXIST: "directory",
    errno.EISDIR: "directory",
    errno.ELOOP: "directory",
    errno.ENAMETOOLONG: "directory",
    errno.ENOLCK: "locking",
    errno.EOPNOTSUPP: "locking",
}

ADVICE = {
    "disk_full": "Free some space, run `agent-trace prune`, or set AGENT_TRACE_DIR to a directory elsewhere.",
    "file_limit": "Raise the file size limit (`ulimit -f`), or set a smaller AGENT_TRACE_SEGMENT_BYTES.",
    "open_files": "Raise the limit of open files (`ulimit -n`), or close some.",
    "memory": "Give the process more memory or address space (`ulimit -v`).",
    "directory": "Make it a directory that this user may write to, or set AGENT_TRACE_DIR to another one.",
    "locking": "Set AGENT_TRACE_DIR to a directory on a local disk: this file system cannot lock files.",
    "disk_error": "Check the disk, or set AGENT_TRACE_DIR to a directory elsewhere.",
    "too_large": "Set a smaller AGENT_TRACE_MAX_FIELD_BYTES.",
    "internal_error": "Report it: logging.getLogger('agent_trace') at level DEBUG has the traceback.",
}
"""What to do, by reason."""


def reason_of(error: OSError) -> str:
    """One word to count a loss by."""
    return _REASONS.get(error.errno or 0, "disk_error")


def describe(error: OSError, directory: Path) -> str:
    """What happened, where, what follows from it, and what to do."""
    reason = reason_of(error)
    what = error.strerror or type(error).__name__
    return (
        f"Tracing cannot write to {directory}: {what}. The program goes on; observations are counted as lost "
        f"({reason}) until this is resolved. {ADVICE[reason]}"
    )


def describe_too_large(line_bytes: int, max_bytes: int, directory: Path) -> str:
    """The same for a single record that no segment takes."""
    return (
        f"An observation of {line_bytes:,} bytes was not recorded in {directory}: one may have {max_bytes:,}. "
        f"It is counted as lost (too_large). {ADVICE['too_large']}"
    )


class Problems:
    """The problem that stands in the way now, and those that a listener has still to be told about, once each."""

    __slots__ = ("_listener", "_told", "_waiting", "standing")

    def __init__(self, listener: OnProblem | None) -> None:
        self.standing: tuple[str, str] | None = None
        self._listener = listener
        self._told: set[str] = set()
        self._waiting: list[tuple[str, str]] = []

    def note(self, reason: str, message: str) -> None:
        """Remember to tell, unless it has been told since things were last well."""
        if reason not in self._told:
            self._told.add(reason)
            self._waiting.append((reason, message))

    def resolve(self) -> None:
        """Things are well. A single record that was too large says nothing about the next."""
        self.standing = None
        self._told &= {"too_large"}

    def tell(self) -> None:
        """Tell what is waiting. Not to be called under a lock: a listener may log, trace, or fail."""
        while self._waiting:
            reason, message = self._waiting.pop(0)
            if self._listener is not None:
                with guarded("reporting a problem of the journal"):
                    self._listener(reason, message)
