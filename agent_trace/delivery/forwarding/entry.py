"""One record on its way to one backend: what is to be sent of it, and what settling it changes in the state."""

from collections.abc import Iterable
from typing import Any

import orjson

from agent_trace.delivery.backend import Item
from agent_trace.delivery.standing.state import Advance, Effect

Record = dict[str, Any]


class Entry:
    """A record, or a stretch of `count` records that nothing is to be sent of.

    `record` is what is to be sent, `line` where it can be read again when it is sent as it stands in the journal.
    `end` is the position in its segment that is reached when it is settled; None for one that is sent outside of
    the order of reading. `outcome` names the count that it goes into, `moved_from` the one that it was in so far.
    `passed` counts openings just before it, of which nothing is sent and which are delivered with it, whatever
    becomes of the record itself: every other record is one, so they get no entry each. One that is `ahead` was settled in an earlier run, or before some that precede it.
    """

    # Defaults stand on the class and not in `__init__`: there is one of these for every record.
    outcome = "delivered"
    items: list[Item] | tuple[()] = ()
    unanswered = 0
    record: Record | None = None
    line: bytes | None = None
    count = 1
    passed = 0
    torn = 0
    damaged = 0
    moved_from: str | None = None
    begins = False
    finishes = False
    is_ahead = False
    effects: list[Effect] | tuple[()] = ()
    on_delivery: Effect | None = None

    def __init__(self, segment: str, offset: int, end: int | None) -> None:
        self.segment = segment
        self.offset = offset
        self.end = end

    def send(self, record: Record, items: list[Item]) -> None:
        """Settle this by sending items.

        Of a record that can be read again from its line, nothing more is kept: thousands of parsed records in a
        window would keep the garbage collector of the program busy.
        """
        self.record = record if self.line is None else None
        self.items = items
        self.unanswered = len(items)

    def whole_record(self) -> Record:
        """What was to be sent."""
        if self.record is None and self.line is not None:
            found = orjson.loads(self.line)
            return found if isinstance(found, dict) else {}
        return self.record or {}

    def settle(self, outcome: str) -> None:
        """Nothing (more) is to be sent."""
        self.outcome, self.unanswered = outcome, 0

    def add_effect(self, effect: Effect) -> None:
        """Have a statement executed when this is settled."""
        self.effects = [*self.effects, effect]


def account(entries: Iterable[Entry]) -> tuple[dict[str, Advance], list[Effect]]:
    """What settling these entries changes: by segment, and the statements to execute."""
    advances: dict[str, Advance] = {}
    effects: list[Effect] = []
    segment, advance = "", Advance()
    for entry in entries:
        if entry.segment != segment:
            segment = entry.segment
            advance = advances.setdefault(segment, Advance())
        counts = advance.counts
        counts[entry.outcome] = counts.get(entry.outcome, 0) + entry.count
        if entry.passed:
            counts["delivered"] = counts.get("delivered", 0) + entry.passed
        if entry.end is not None:
            advance.position = entry.end
        if entry.effects:
            effects += entry.effects
        if entry.on_delivery is not None and entry.outcome != "dead":
            effects.append(entry.on_delivery)
        if entry.begins or entry.finishes or entry.moved_from or entry.torn or entry.damaged:
            _account_for_rest(entry, advance)
    return advances, effects


def _account_for_rest(entry: Entry, advance: Advance) -> None:
    counts = advance.counts
    if entry.begins:
        advance.start = entry.offset
    advance.finished |= entry.finishes
    if entry.moved_from is not None:
        counts[entry.moved_from] = counts.get(entry.moved_from, 0) - entry.count
    counts["torn"] = counts.get("torn", 0) + entry.torn
    counts["damaged"] = counts.get("damaged", 0) + entry.damaged
