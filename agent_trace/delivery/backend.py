"""What the forwarder and the wire have in common: one thing to send, the answer to it, and what a backend can do.

Knows neither Langfuse nor OpenTelemetry, neither segments nor offsets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

Record: TypeAlias = dict[str, Any]
Verdict: TypeAlias = Literal["accepted", "later", "refused", "unauthorized"]

SPANS: Literal["spans"] = "spans"
SCORES: Literal["scores"] = "scores"


class Item(NamedTuple):
    """One thing to send, made by a backend for itself.

    `id` is that of the observation or score, for dead letters and messages. A batch holds items of one
    `channel` ("spans" or "scores") only. `size_bytes` is what it adds to the body of a request, about.
    """

    id: str
    channel: str
    payload: Any
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a batch.

    `accepted`: the server has all of it. `later`: nothing is wrong with the batch, send it again. `refused`: the
    server will never take this batch as it is. `unauthorized`: it does not take anything with these credentials.
    `status` is the HTTP status, None when nobody answered; `text` is for people, at most 1000 characters.
    """

    verdict: Verdict
    status: int | None
    text: str
    retry_after_s: float | None = None


class Backend(Protocol):
    """Somewhere that records can be sent to. Used by one thread at a time."""

    @property
    def name(self) -> str:
        """The consumer's name: `langfuse` or `otlp`."""

    @property
    def address(self) -> str:
        """The URL for people, without credentials."""

    def encode(self, record: Record, line: bytes | None = None) -> list[Item]:
        """What to send for a whole observation (amendments merged) or a score record; [] when there is nothing.

        `line` is the line that the record was read from, None for one that was changed since. Never raises, whatever
        stands in the record.
        """

    def send(self, items: Sequence[Item], timeout_s: float) -> Answer:
        """Send items of one channel. Never raises for what a server or a network does.

        `timeout_s` bounds the whole exchange, also with a server that answers one byte a second.
        """

    def close(self) -> None:
        """Let go of connections; sending again opens new ones."""
