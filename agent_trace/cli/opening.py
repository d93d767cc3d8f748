"""Opens the store for a command: brings its index up to date, and passes on what the store has to say."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent_trace.cli.console import tell
from agent_trace.cli.progress import progress
from agent_trace.store import Store


class _Told(logging.Handler):
    """Warnings of the package, such as an index that had to be rebuilt, as lines on stderr."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        """Say one warning."""
        tell(record.getMessage())


@contextmanager
def opened(directory: Path | None, *, refresh: bool = True) -> Iterator[Store]:
    """The store of the project, or of `directory`, up to date. Raises StoreError when it cannot be read."""
    with warnings_told(), Store(directory) as store:
        if refresh:
            with progress("Reading the journal") as advance:
                store.refresh(advance)
        yield store


@contextmanager
def warnings_told() -> Iterator[None]:
    """Say on stderr what the package warns of meanwhile."""
    logger, told = logging.getLogger("agent_trace"), _Told()
    logger.addHandler(told)
    try:
        yield
    finally:
        logger.removeHandler(told)
