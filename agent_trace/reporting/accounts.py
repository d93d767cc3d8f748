"""Ledgers as accounts: how many records there were, and where each of them went, in words."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from agent_trace.delivery.standing.ledger import ConsumerLedger
from agent_trace.recording.journal.problems import ADVICE
from agent_trace.store.answers import Ledger

_HELD: Final = {
    "history": "from before it was set up; `agent-trace forward --once --since 30d` sends them",
    "sampling": "see the setting sample_rate",
    "sent elsewhere": "by the exporter of the program itself",
}


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the records. `fix`: what to do about them, where there is something to do."""

    name: str
    count: int
    meaning: str = ""
    fix: str = ""
    usual: bool = False
    """Told even when there are none."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where the records went, of the store itself (`whose` is "") or of a backend. The parts add up to `recorded`."""

    whose: str
    recorded: int
    parts: tuple[Part, ...]

    @property
    def missing(self) -> int:
        """What no part accounts for: 0, unless something is wrong."""
        return self.recorded - sum(part.count for part in self.parts)

    @property
    def told(self) -> list[Part]:
        """The parts that somebody wants to read of."""
        return [part for part in self.parts if part.count or part.usual]


def of_store(ledger: Ledger) -> Account:
    """What became of the records that programs wrote."""
    parts = (
        Part("indexed", ledger.indexed, usual=True),
        Part("pending", ledger.pending, "not read into the index yet", usual=True),
        Part("torn", ledger.torn, "the process died while it wrote them", usual=True),
        Part("damaged", ledger.damaged, "set aside, they are no records any more", usual=True),
        Part("evicted", ledger.evicted, "removed by retention or `agent-trace prune`", usual=True),
        *_lost(ledger.lost.items()),
    )
    return Account("", ledger.recorded, parts)


def of_delivery(ledger: ConsumerLedger) -> Account:
    """What became of them on their way to a backend."""
    parts = (
        Part("delivered", ledger.delivered, usual=True),
        Part("pending", ledger.pending, "not sent yet", usual=True),
        Part(
            "dead-lettered",
            ledger.dead_lettered,
            "refused for good; `agent-trace forward --dead`",
            usual=True,
        ),
        Part("evicted", ledger.evicted, "removed before they could be delivered"),
        Part("torn", ledger.torn),
        Part("damaged", ledger.damaged),
        *(
            Part(f"held back: {reason}", count, _HELD.get(reason, ""))
            for reason, count in ledger.held_back.items()
        ),
        *_lost(ledger.lost.items()),
    )
    return Account(ledger.consumer, ledger.recorded, parts)


def _lost(counts: Iterable[tuple[str, int]]) -> Iterable[Part]:
    for reason, count in counts:
        yield Part(f"lost: {reason}", count, "never written", ADVICE.get(reason, ""), usual=True)
