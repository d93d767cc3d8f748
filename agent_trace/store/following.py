"""Records as they arrive, straight from the journal: a live view needs no index and waits for none."""

import time
from collections.abc import Iterator
from pathlib import Path

from agent_trace.delivery.reader import is_live, list_segments, read_lines
from agent_trace.observation import Observation
from agent_trace.store.conditions import fits
from agent_trace.store.filter import Filter
from agent_trace.store.reading import as_observation
from agent_trace.store.records import is_record


class Following:
    """Where a live view is in each segment; what was there when it was made is not shown."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._positions: dict[str, int] = {}
        self._done: set[str] = set()
        for path in list_segments(directory):
            # Taken before the look at its end: what its writer adds in between would be shown, not missed.
            alive = is_live(path)
            self._positions[path.name] = _end(path) if alive else 0
            if not alive:
                self._done.add(path.name)

    def news(self, where: Filter) -> Iterator[Observation]:
        """What arrived since the last time, segment by segment."""
        for path in list_segments(self._directory):
            if path.name not in self._done:
                yield from self._news_of(path, where)

    def _news_of(self, path: Path, where: Filter) -> Iterator[Observation]:
        alive = is_live(path)
        position = self._positions.get(path.name, 0)
        while (chunk := read_lines(path, position)).position > position:
            position = self._positions[path.name] = chunk.position
            for record in chunk.records:
                if is_record(record) and record["kind"] != "score":
                    observation = as_observation(record)
                    if fits(observation, where):
                        yield observation
        if not alive:
            self._done.add(path.name)


def follow(directory: Path, poll_s: float, where: Filter) -> Iterator[Observation]:
    """Everything that arrives from now on, without end. Starts when it is called, not at the first step."""
    following = Following(directory)

    def steps() -> Iterator[Observation]:
        while True:
            yield from following.news(where)
            time.sleep(poll_s)

    return steps()


def _end(path: Path) -> int:
    position = 0
    while (chunk := read_lines(path, position)).position > position and chunk.lines:
        position = chunk.position
    return position
