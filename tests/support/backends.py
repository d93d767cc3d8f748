"""A backend in memory that does as it is told, clocks that stand still, and forwarders made of both."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson

from agent_trace.delivery.backend import SCORES, SPANS, Answer, Item
from agent_trace.delivery.forwarding.backoff import Clock
from agent_trace.delivery.forwarding.forwarder import Forwarder

ACCEPTED = Answer("accepted", 200, "")
DOWN = Answer("later", None, "connection refused")
BUSY = Answer("later", 503, "busy")
BAD = Answer("refused", 400, "bad request")
WRONG_KEY = Answer("unauthorized", 401, "wrong key")

Script = Callable[[Sequence[Item]], Answer]


class Killed(BaseException):
    """The process ends here."""


class MemoryBackend:
    """Takes what `script` lets it take. `arrivals` holds every record as it was accepted, in order."""

    def __init__(self, name: str = "langfuse", script: Script | None = None) -> None:
        self.name = name
        self.address = f"memory://{name}"
        self.script = script or (lambda items: ACCEPTED)
        self.arrivals: list[dict[str, Any]] = []
        self.sizes: list[int] = []
        self.attempts = 0
        self.channels: list[str] = []

    def encode(self, record: dict[str, Any], line: bytes | None = None) -> list[Item]:
        if record["kind"] == "score":
            return [Item(str(record.get("id")), SCORES, record, 200)]
        return [Item(record["id"], SPANS, record, len(orjson.dumps(record)))]

    def send(self, items: Sequence[Item], timeout_s: float) -> Answer:
        assert items
        assert len({item.channel for item in items}) == 1
        self.attempts += 1
        answer = self.script(items)
        if answer.verdict == "accepted":
            self.take(items)
        return answer

    def take(self, items: Sequence[Item]) -> None:
        self.sizes.append(len(items))
        self.channels.append(items[0].channel)
        self.arrivals += [item.payload for item in items]

    def close(self) -> None:
        pass

    @property
    def ids(self) -> list[str]:
        """Ids of the accepted observations, without leading zeros, each once."""
        found = [each["id"].lstrip("0") for each in self.arrivals if each["kind"] == "observation"]
        return list(dict.fromkeys(found))

    @property
    def repeated(self) -> int:
        """How many arrivals were not the first of their kind and id."""
        counts = Counter((each["kind"], each["id"], str(each.get("score"))) for each in self.arrivals)
        return sum(count - 1 for count in counts.values())

    def last(self, id: str) -> dict[str, Any]:
        """The newest form of an observation, its id given short."""
        full = id.rjust(16, "0")
        return [each for each in self.arrivals if each["kind"] == "observation" and each["id"] == full][-1]


class StandingClock:
    """Time that passes only when told to; jitter that is the whole bound unless told otherwise."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.wall_now_ns = 1
        self.jitter = 1.0
        self.clock = Clock(lambda: self.now_s, lambda: self.wall_now_ns, lambda: self.jitter)

    def pass_s(self, seconds: float) -> None:
        self.now_s += seconds
        self.wall_now_ns += int(seconds * 1e9)


def forward(directory: Path, *backends: MemoryBackend, **settings: Any) -> Forwarder:
    """A forwarder whose consumers were registered before anything was recorded, and its first pass."""
    forwarder = forwarder_of(directory, *backends, **settings)
    forwarder.run_once()
    return forwarder


def forwarder_of(directory: Path, *backends: MemoryBackend, **settings: Any) -> Forwarder:
    return Forwarder(directory, backends, **{"clock": StandingClock().clock, **settings})
