"""Reading what is new in the journal into a tally: from where the last reading ended, in whichever process that was."""

import logging
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from agent_trace.delivery.counting import lost_in
from agent_trace.delivery.reader import is_live, list_segments, read_lines
from agent_trace.errors import StoreError
from agent_trace.metrics.counting import Counting
from agent_trace.recording.guard import attempt

_KINDS: Final = frozenset({"observation", "opened", "amendment", "score"})

logger = logging.getLogger("agent_trace")


@dataclass(slots=True)
class Place:
    """How far a segment was read. `is_done`: its process is gone, and nothing more will come."""

    position: int = 0
    is_done: bool = False
    lost: dict[str, int] = field(default_factory=dict)


class Following:
    """What was counted of a store, and how far it was read."""

    def __init__(self, counting: Counting | None = None) -> None:
        self.counting = counting or Counting()
        self.places: dict[str, Place] = {}
        self.has_caught_up = False
        """Whether everything there was has been read once. What is counted before that is of no use to anybody."""
        self.is_changed = False

    def catch_up(self, directory: Path, until_s: float | None = None) -> bool:
        """Count what is new; False when time was up (`time.monotonic`). Segments that are gone are forgotten."""
        paths = list_segments(directory)
        names = {path.name for path in paths}
        for gone in self.places.keys() - names:
            del self.places[gone]
        for path in paths:
            place = self.places.setdefault(path.name, Place())
            if not place.is_done and not self._read(path, place, until_s):
                return False
        if not self.has_caught_up:
            self.has_caught_up = self.is_changed = True
        return True

    def to_json(self) -> dict[str, Any]:
        """As the state file holds it."""
        return {
            "has_caught_up": self.has_caught_up,
            "places": {
                name: [place.position, place.is_done, place.lost] for name, place in self.places.items()
            },
            "counting": self.counting.to_json(),
        }

    @classmethod
    def from_json(cls, found: dict[str, Any], limit: int) -> "Following":
        """The inverse. Raises KeyError, TypeError, ValueError or AttributeError for what this class has not written."""
        following = cls(Counting.from_json(found["counting"], limit))
        following.has_caught_up = bool(found["has_caught_up"])
        for name, (position, is_done, lost) in found["places"].items():
            following.places[name] = Place(int(position), bool(is_done), dict(lost))
        return following

    def _read(self, path: Path, place: Place, until_s: float | None) -> bool:
        # Asked before its end is looked for: what its writer adds in between would be missed, not read.
        alive = is_live(path)
        try:
            self._count_lost(path, place)
            while (chunk := read_lines(path, place.position)).position > place.position:
                for record in chunk.records:
                    # One that makes no sense must not keep all that follow from being counted.
                    attempt("counting a record", self._count, record)
                place.position, self.is_changed = chunk.position, True
                if until_s is not None and time.monotonic() >= until_s:
                    return False
        except (PermissionError, StoreError) as error:  # another user's, or a newer version's
            logger.debug("metrics: %s is left out: %s", path.name, error)
            return True
        if not alive:
            place.is_done = self.is_changed = True
        return True

    def _count(self, record: dict[str, Any]) -> None:
        id, start_ns = record.get("id"), record.get("start_ns", 0)
        if record.get("kind") in _KINDS and type(start_ns) is int and (isinstance(id, str) or id is None):
            record["id"] = id or ""
            self.counting.add(record)

    def _count_lost(self, path: Path, place: Place) -> None:
        for reason, count in lost_in(path).items():
            more = count - place.lost.get(reason, 0)
            if more > 0:
                self.counting.tally.count("agent_trace_lost_records_total", reason, by=more)
                place.lost[reason], self.is_changed = count, True
