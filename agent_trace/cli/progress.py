"""A progress bar on stderr, for whoever waits longer than a second in front of a terminal."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from agent_trace.cli.console import is_terminal, stderr_console

if TYPE_CHECKING:
    from rich.progress import Progress

PATIENCE_S: Final = 1.0
"""How long nothing is shown: most of what we do is over by then."""


@contextmanager
def progress(
    work: str, clock: Callable[[], float] = time.monotonic
) -> "Iterator[Callable[[int, int | None], None]]":
    """`with progress("Reading the journal") as advance:`, then `advance(done, total)` as often as one likes."""
    started, shown = clock(), list["Progress"]()

    def advance(done: int, total: int | None) -> None:
        if not shown:
            if clock() - started < PATIENCE_S or not is_terminal(sys.stderr):
                return
            shown.append(_bar(work))
        shown[0].update(shown[0].task_ids[0], completed=done, total=total)

    try:
        yield advance
    finally:
        for bar in shown:
            bar.stop()


def _bar(work: str) -> "Progress":
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    parts = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    bar = Progress(*parts, console=stderr_console(), transient=True)
    bar.add_task(work, total=None)
    bar.start()
    return bar
