"""A batch on its way to a backend: whole, or in halves until the one item is found that the backend refuses."""

from collections.abc import Iterator, Sequence
from typing import Final

from agent_trace.delivery.backend import Answer, Backend, Item
from agent_trace.delivery.forwarding.backoff import Clock
from agent_trace.delivery.forwarding.batching import MOST_ITEMS
from agent_trace.delivery.forwarding.entry import Entry
from agent_trace.delivery.forwarding.pace import Pace

TIMEOUT_S: Final = 10.0
_LEAST_S: Final = 0.05
"""With less time than this left, nothing is sent any more."""

Sent = Sequence[tuple[Entry, Item]]


class Sender:
    """Sends batches to one backend, in order, and remembers what size it takes.

    `pace` says how large the next batch should be.
    """

    def __init__(self, backend: Backend, clock: Clock) -> None:
        self._backend = backend
        self._clock = clock
        self._limit = MOST_ITEMS
        self.pace = Pace()

    def send(self, batch: Sent, deadline_s: float | None) -> Iterator[tuple[Answer, Sent]]:
        """Each answer with what it settles: accepted, or refused when it is a single one.

        Ends after an answer that settles nothing, and when the deadline (of the monotonic clock) is near. Nothing
        that was accepted is sent again: of a stretch that was refused, its halves are sent in turn.
        """
        start = suspect_end = 0
        while start < len(batch):
            timeout_s = self._timeout_s(deadline_s)
            if timeout_s < _LEAST_S:
                return
            size = max((suspect_end - start) // 2, 1) if start < suspect_end else self._limit
            portion = batch[start : start + size]
            answer = self._send([item for _, item in portion], timeout_s)
            if answer.verdict == "refused" and len(portion) > 1:
                # Kept for the next batch too: a server that answers some of the halves with "later" would else
                # get the whole again and again.
                suspect_end = start + len(portion)
                self._limit = len(portion) // 2
                continue
            if answer.verdict not in ("accepted", "refused"):
                yield answer, ()
                return
            start += len(portion)
            if answer.verdict == "refused":
                suspect_end, self._limit = start, MOST_ITEMS
            elif start >= suspect_end:
                self._limit = min(self._limit * 2, MOST_ITEMS)
            yield answer, portion

    def _send(self, items: list[Item], timeout_s: float) -> Answer:
        began_s = self._clock.monotonic_s()
        answer = self._backend.send(items, timeout_s)
        sent_bytes = sum(item.size_bytes for item in items)
        self.pace.note(sent_bytes, self._clock.monotonic_s() - began_s, answer)
        return answer

    def _timeout_s(self, deadline_s: float | None) -> float:
        if deadline_s is None:
            return TIMEOUT_S
        return min(deadline_s - self._clock.monotonic_s(), TIMEOUT_S)
