"""From a chunk of a segment to entries: what is to be sent of each record, and what nothing is to be sent of.

An observation goes whole: with its amendments when they stand in the same chunk, and again when one comes later.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from agent_trace.delivery.amending import Record, amend, in_order
from agent_trace.delivery.forwarding.entry import Entry
from agent_trace.delivery.forwarding.originals import find_originals
from agent_trace.delivery.forwarding.remembered import Key, Memory, Place, arrive, end, fetch, open_, wait
from agent_trace.delivery.lines import OPENED, closes
from agent_trace.delivery.reader import Chunk, parse_line

_SENT: Final = ("observation", "score")
_KINDS: Final = frozenset({"observation", "opened", "amendment", "score"})

Pairs = list[tuple[Entry, Record]]
"""Each entry with the record as it stands in the journal."""
Opening = tuple[int, int, bytes]
"""Number of the entry that it goes with, offset and line."""
IsPassed = Callable[[Place], bool]
"""Whether what lies at a place was read before."""


class Gatherer:
    """Makes the entries of one consumer."""

    def __init__(self, directory: Path, consumer: str, memory: Memory, is_passed: IsPassed) -> None:
        self._directory = directory
        self._consumer = consumer
        self._memory = memory
        self._is_passed = is_passed

    def gather(self, segment: str, chunk: Chunk, first: int = 0) -> Pairs:
        """Entries for the lines of a chunk from number `first` on; nothing is encoded yet.

        `record` of an entry is what is to be sent, with amendments; None when there is nothing to send.
        """
        pairs: Pairs = []
        openings: list[Opening] = []
        passed, has_amendments = 0, False
        lines, records = chunk.lines, chunk.records
        if first:
            lines, records = lines[first:], records[first:]
        for (offset, line), record in zip(lines, records, strict=True):
            kind = "opened" if record is OPENED else _kind(record)
            if kind == "opened":
                openings.append((len(pairs), offset, line))
                passed += 1
                continue
            entry = Entry(segment, offset, offset + len(line))
            if passed:
                entry.passed, passed = passed, 0
                if openings and closes(line, openings[-1][2]):
                    del openings[-1]  # most end before another begins
            if kind in _SENT:
                entry.record, entry.line = record, line
            elif kind == "amendment":
                has_amendments = True
            else:
                entry.settle("damaged")
            pairs.append((entry, record))
        if passed:
            offset, line = lines[-1]
            entry = Entry(segment, offset, offset + len(line))
            entry.count = passed
            pairs.append((entry, records[-1]))
        if has_amendments or self._memory.waiting:
            self._merge(segment, pairs)
        if openings or self._memory.openings:
            self._note_openings(segment, pairs, openings)
        return pairs

    def _merge(self, segment: str, pairs: Pairs) -> None:
        """Put amendments together with their observations, those in the chunk and those before it."""
        additions = _of_kind("amendment", pairs)
        observations = _of_kind("observation", pairs)
        for key, found in observations.items():
            waiting = self._memory.waiting.get(key[1], ())
            if key in additions or waiting:
                earlier = self._waiting(key, waiting)
                for entry, record in found:
                    mine = [amendment for _, amendment in additions.get(key, ())]
                    entry.record, entry.line = amend(record, in_order([*earlier, *mine])), None
                    if waiting:
                        entry.add_effect(arrive(self._consumer, key[1]))
        without = {key: found for key, found in additions.items() if key not in observations}
        if without:
            self._complete(segment, pairs[0][0].offset, without)

    def _waiting(self, key: Key, places: list[Place] | tuple[()]) -> list[Record]:
        found = [fetch(self._directory, place) for place in places]
        return [record for record in found if record is not None and record.get("trace_id") == key[0]]

    def _complete(self, segment: str, position: int, additions: dict[Key, Pairs]) -> None:
        """Send the observations again that these amendments add to; one that was not read yet takes them along.

        Those whose observation is gone wait as well: nothing is to be sent of them.
        """
        originals = find_originals(self._directory, additions, segment, position)
        for key, found in additions.items():
            original = originals.get(key)
            if original is not None and original.place is not None and self._is_passed(original.place):
                amendments = [*original.amendments, *(record for _, record in found)]
                found[0][0].record = amend(original.record, in_order(amendments))
                continue
            for entry, _ in found:
                place = _place(entry)
                entry.add_effect(wait(self._consumer, key[1], place))
                self._memory.waiting.setdefault(key[1], []).append(place)

    def _note_openings(self, segment: str, pairs: Pairs, openings: list[Opening]) -> None:
        """Forget what began before and ended in this chunk, and remember what began in it and did not end."""
        observed = {
            record["id"]: entry for entry, record in pairs if entry.record and record["kind"] == "observation"
        }
        open_before = self._memory.openings
        for id in open_before & observed.keys():
            observed[id].add_effect(end(self._consumer, id))
        for number, offset, line in openings:
            record = parse_line(line) or {}
            if _kind(record) == "opened" and record["id"] not in observed:
                place = Place(segment, offset, len(line))
                pairs[number][0].add_effect(open_(self._consumer, record["id"], place))
                open_before.add(record["id"])


def merged(pairs: Pairs) -> None:
    """Give the observations among these entries their amendments among them."""
    additions = _of_kind("amendment", pairs)
    for key, found in _of_kind("observation", pairs).items():
        for entry, record in found:
            entry.record, entry.line = (
                amend(record, in_order(each for _, each in additions.get(key, ()))),
                None,
            )


def _kind(record: Record) -> Any:
    """What a record is, if it says that and what it belongs to; else None."""
    kind, id = record.get("kind"), record.get("id")
    if type(record.get("trace_id")) is not str:
        return None
    if type(id) is str:
        return kind if type(kind) is str and kind in _KINDS else None
    return kind if kind == "score" and id is None else None


def _of_kind(kind: str, pairs: Pairs) -> dict[Key, Pairs]:
    found: dict[Key, Pairs] = {}
    for entry, record in pairs:
        if record.get("kind") == kind and entry.outcome != "damaged":
            found.setdefault((record["trace_id"], record["id"]), []).append((entry, record))
    return found


def _place(entry: Entry) -> Place:
    return Place(entry.segment, entry.offset, 0 if entry.end is None else entry.end - entry.offset)
