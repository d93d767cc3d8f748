"""Answers that would come out as they are: an open page that asks every second costs little while nothing happens."""

import time
from typing import Final, NamedTuple

from agent_trace.store import Store

_TRUSTED_S: Final = 5.0
"""Not all that a page says is in the index: who is alive, how long something has been running, what day it is."""

_MOST: Final = 64


class _Answer(NamedTuple):
    etag: str
    version: tuple[int, ...]
    at_s: float


class Unchanged:
    """What one store answered lately, by URL. For one thread: versions of two stores cannot be compared."""

    def __init__(self) -> None:
        self._answers: dict[str, _Answer] = {}

    def knows(self, url: str, etag: str, store: Store) -> bool:
        """Whether this URL would be answered with this ETag again."""
        last: _Answer | None = self._answers.get(url)
        if last is None or last.etag != etag or time.monotonic() - last.at_s > _TRUSTED_S:
            return False
        return last.version == store.version()

    def note(self, url: str, etag: str, version: tuple[int, ...]) -> None:
        """Remember an answer that was made of what the index held at `version`, or of something newer."""
        self._answers.pop(url, None)
        self._answers[url] = _Answer(etag, version, time.monotonic())
        if len(self._answers) > _MOST:
            del self._answers[next(iter(self._answers))]
