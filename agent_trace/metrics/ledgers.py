"""Where every record is, for each backend, as samples; worked out no more often than its price allows."""

import logging
import time
from pathlib import Path
from typing import Final

from agent_trace.delivery.standing.ledger import ConsumerLedger, delivery_ledgers
from agent_trace.errors import StoreError

_LEAST_AGE_S: Final = 1.0
_SHARE: Final = 20
"""A backlog takes time to count: at most a twentieth of it all is spent on that."""

logger = logging.getLogger("agent_trace")

Row = tuple[str, str, int]
"""Consumer, state, records."""


class Ledgers:
    """The ledgers of one store."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._rows: list[Row] = []
        self._again_s = 0.0

    def rows(self) -> list[Row]:
        """Every state of every consumer that was ever registered, as of now or shortly before."""
        now_s = time.monotonic()
        if now_s >= self._again_s:
            try:
                self._rows = [row for each in delivery_ledgers(self._directory) for row in _rows_of(each)]
            except StoreError as error:
                logger.debug("metrics: no ledger: %s", error)
            took_s = time.monotonic() - now_s
            self._again_s = now_s + max(_LEAST_AGE_S, _SHARE * took_s)
        return self._rows


def _rows_of(ledger: ConsumerLedger) -> list[Row]:
    states = {
        "recorded": ledger.recorded,
        "delivered": ledger.delivered,
        "pending": ledger.pending,
        "dead_lettered": ledger.dead_lettered,
        "held_back": sum(ledger.held_back.values()),
        "evicted": ledger.evicted,
        "torn": ledger.torn,
        "damaged": ledger.damaged,
        "lost": sum(ledger.lost.values()),
    }
    return [(ledger.consumer, state, count) for state, count in states.items()]
