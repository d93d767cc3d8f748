"""Whether what was opened and never finished is still running, or was interrupted with its process."""

import sqlite3
from pathlib import Path

from agent_trace.delivery.reader import is_live
from agent_trace.store.answers import State
from agent_trace.store.records import SEGMENT_SHIFT, segment_pid


class Liveness:
    """Looks at each unfinished segment once; make a new one for each question."""

    def __init__(self, connection: sqlite3.Connection, directory: Path) -> None:
        self._connection = connection
        self._directory = directory
        self._running: frozenset[int] | None = None

    def state_of(self, record: int) -> State:
        """`running` or `interrupted`, for the address of an opening."""
        return "running" if record >> SEGMENT_SHIFT in self.running() else "interrupted"

    def running(self) -> frozenset[int]:
        """Numbers of the segments whose process is alive, in this segment or a later one."""
        if self._running is None:
            self._running = frozenset(self._look())
        return self._running

    def _look(self) -> list[int]:
        """Follow each process from segment to segment, backwards: it writes on in a new one when one is full.

        A number alone does not tell a process: in a container, every one of them may be number 1. Hence
        the walk, which begins anew at each segment that its writer left unsealed.
        """
        query = "SELECT number, name, finished, crashed FROM segments ORDER BY number DESC"
        alive: dict[int, bool] = {}
        found = []
        for number, name, finished, crashed in self._connection.execute(query).fetchall():
            pid = segment_pid(name)
            if not finished:
                alive[pid] = is_live(self._directory / "segments" / name)
            elif crashed:
                alive[pid] = False
            if alive.get(pid):
                found.append(number)
        return found
