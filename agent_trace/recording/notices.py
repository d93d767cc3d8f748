"""What we say to the person at the terminal: short lines on stderr, each once. stdout belongs to the program."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from agent_trace.recording.guard import attempt

if TYPE_CHECKING:
    from pathlib import Path

    from agent_trace.settings import Settings


class Notices:
    """Says each thing once in a process, and nothing when `quiet`."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._said: set[str] = set()

    def started(self, settings: Settings) -> None:
        """Where observations go from here on."""
        if (settings.public_key and settings.secret_key) or _is_worker():
            return
        where = _shortest(settings.directory)
        self._say(f"recording to {where}; `agent-trace list` shows it (no Langfuse keys set)", "cyan")

    def warn(self, message: str) -> None:
        """Something the person should know of or can put right."""
        self._say(message, "yellow")

    def _say(self, message: str, colour: str) -> None:
        if self._quiet or message in self._said or sys.stderr is None:
            return
        self._said.add(message)
        # A program may have put anything in the place of stderr.
        attempt("printing a notice", _print_notice, message, colour)


def _is_worker() -> bool:
    """Whether `multiprocessing` has started this process: then its parent has said it already."""
    multiprocessing = sys.modules.get("multiprocessing.process")
    return multiprocessing is not None and multiprocessing.parent_process() is not None


def _print_notice(message: str, colour: str) -> None:
    from termcolor import colored

    with contextlib.suppress(OSError, ValueError):  # closed, or a broken pipe
        plain = None if sys.stderr.isatty() else True
        prefix = colored("agent_trace:", attrs=["bold"], no_color=plain)
        sys.stderr.write(f"{prefix} {colored(message, colour, no_color=plain)}\n")


def _shortest(directory: Path) -> str:
    """Relative to the working directory where it lies below it."""
    with contextlib.suppress(ValueError, OSError):
        relative = os.path.relpath(directory)
        return relative if not relative.startswith("..") else str(directory)
    return str(directory)
