"""Which entries are sent to one backend: what somebody else sends, or sampling leaves out, is held back."""

from pathlib import Path
from typing import Final

from agent_trace.delivery.backend import Answer, Backend
from agent_trace.delivery.forwarding.backoff import Clock
from agent_trace.delivery.forwarding.entry import Entry, Record
from agent_trace.delivery.forwarding.gathering import Pairs, merged
from agent_trace.delivery.forwarding.remembered import Memory, Place, add_up, fetch, hold, keep, release
from agent_trace.delivery.forwarding.sampling import Sampling, total_of
from agent_trace.delivery.standing.dead_letters import bury
from agent_trace.recording.guard import attempt

UNENCODABLE: Final = Answer("refused", None, "it cannot be put into the form that the backend takes")
_TRACES_AT_ONCE: Final = 20


class Selector:
    """Decides for one consumer, and encodes what goes."""

    def __init__(
        self, directory: Path, backend: Backend, sampling: Sampling, memory: Memory, clock: Clock
    ) -> None:
        self._directory = directory
        self._consumer = backend.name
        self._encode = backend.encode
        self._sampling = sampling
        self._memory = memory
        self._clock = clock

    def select(self, pairs: Pairs) -> None:
        """Make ready what goes, settle what does not."""
        if not self._sampling.sends_all:
            self._sample(pairs)
        for entry, _ in pairs:
            if entry.record is not None and entry.outcome == "delivered":
                self.prepare(entry, entry.record)

    def prepare(self, entry: Entry, record: Record) -> None:
        """Encode a record, unless somebody else sends it to the same backend."""
        elsewhere = record.get("sent_elsewhere")
        if elsewhere and self._consumer in elsewhere:
            entry.settle("held_elsewhere")
            return
        items = attempt("encoding a record", self._encode, record, entry.line)
        if items is None:
            self.bury(entry, record, UNENCODABLE)
        else:
            entry.send(record, items)

    def bury(self, entry: Entry, record: Record, answer: Answer) -> None:
        """Settle an entry that the backend refused, and keep its record."""
        now_ns, id = self._clock.wall_ns(), str(record.get("id") or record.get("trace_id"))
        entry.settle("dead")
        if entry.count:
            entry.add_effect(bury(self._consumer, entry.segment, entry.offset, id, record, answer, now_ns))

    def rescued(self) -> Pairs:
        """What is held of traces that turned out to matter: some of them, none when there are none."""
        pairs: Pairs = []
        for trace_id in self._memory.to_rescue(_TRACES_AT_ONCE):
            of_trace = [self._rescue(trace_id, place) for place in self._memory.held(trace_id)]
            merged(of_trace)
            pairs += of_trace
        for entry, record in pairs:
            if record.get("kind") in ("observation", "score"):
                self.prepare(entry, entry.record or record)
        return pairs

    def _rescue(self, trace_id: str, place: Place) -> tuple[Entry, Record]:
        entry = Entry(place.segment, place.offset, None)
        entry.moved_from = "held_sampling"
        entry.add_effect(release(self._consumer, trace_id, place))
        record = fetch(self._directory, place)
        if record is None:  # evicted: it stays in the count that it is in
            entry.count = 0
        return entry, record or {}

    def _sample(self, pairs: Pairs) -> None:
        for entry, _ in pairs:
            if entry.record is not None and entry.outcome == "delivered":
                self._keep_if_it_matters(entry, entry.record)
        for entry, record in pairs:
            if entry.outcome == "delivered" and record["kind"] != "opened" and not self._goes(record):
                length = 0 if entry.end is None else entry.end - entry.offset
                place = Place(entry.segment, entry.offset, length)
                entry.settle("held_sampling")
                entry.add_effect(hold(self._consumer, record["trace_id"], place))

    def _keep_if_it_matters(self, entry: Entry, record: Record) -> None:
        if self._goes(record):
            return
        if self._sampling.matters(record) or self._is_too_much(entry, record):
            self._memory.kept.add(record["trace_id"])
            entry.add_effect(keep(self._consumer, record["trace_id"], self._clock.wall_ns()))

    def _is_too_much(self, entry: Entry, record: Record) -> bool:
        """Whether the trace of an observation, with it, takes or costs so much that it goes."""
        if not self._sampling.adds_up or record.get("kind") != "observation":
            return False
        trace_id, own = record["trace_id"], total_of(entry.record or record)
        entry.add_effect(add_up(self._consumer, trace_id, own))
        return self._sampling.is_much(self._memory.added_up(trace_id, own))

    def _goes(self, record: Record) -> bool:
        return self._sampling.is_in(record["trace_id"]) or record["trace_id"] in self._memory.kept
