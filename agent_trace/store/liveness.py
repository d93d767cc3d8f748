"""Whether what was opened and never finished is still running, or was interrupted with its process."""

import sqlite3
from pathlib import Path

from agent_trace.delivery.reader import is_live
from agent_trace.store.answers import State
from agent_trace.store.records import SEGMENT_SHIFT, segment_pid


class Liveness:
    """Looks at each segment at most once; make a new one for each question."""

    def __init__(self, connection: sqlite3.Connection, directory: Path) -> None:
        self._connection = connection
        self._directory = directory
        self._states: dict[int, State] = {}
        self._segments: list[tuple[int, str, bool, bool]] | None = None

    def state_of(self, record: int) -> State:
        """`running` or `interrupted`, for the address of an opening."""
        number = record >> SEGMENT_SHIFT
        if number not in self._states:
            self._states[number] = self._look(number)
        return self._states[number]

    def _look(self, number: int) -> State:
        """Follow the process from segment to segment: it writes on in a new one when one is full.

        A number alone does not tell a process: in a container, every one of them may be number 1. Hence
        the walk, which ends at the first segment that was left unsealed.
        """
        pid = None
        for each, name, finished, crashed in self._known():
            if each == number:
                pid = segment_pid(name)
            if each < number or pid is None or segment_pid(name) != pid:
                continue
            if not finished and is_live(self._directory / "segments" / name):
                return "running"
            if crashed or not finished:
                break
        return "interrupted"

    def _known(self) -> list[tuple[int, str, bool, bool]]:
        if self._segments is None:
            query = "SELECT number, name, finished, crashed FROM segments ORDER BY number"
            self._segments = [
                (each[0], each[1], bool(each[2]), bool(each[3])) for each in self._connection.execute(query)
            ]
        return self._segments
