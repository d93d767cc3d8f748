"""What one consumer gets next: segments read in order and made into entries, then what is sent out of order."""

from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from agent_trace.delivery.backend import Answer, Backend
from agent_trace.delivery.forwarding.backoff import Clock
from agent_trace.delivery.forwarding.batching import Window
from agent_trace.delivery.forwarding.entry import Entry
from agent_trace.delivery.forwarding.gathering import Gatherer
from agent_trace.delivery.forwarding.interruptions import interrupted
from agent_trace.delivery.forwarding.remembered import Memory
from agent_trace.delivery.forwarding.route import Cursor, Route
from agent_trace.delivery.forwarding.sampling import Sampling
from agent_trace.delivery.forwarding.selecting import Selector
from agent_trace.delivery.reader import Chunk
from agent_trace.delivery.standing.dead_letters import dead_letters, unbury
from agent_trace.delivery.standing.state import DeliveryState


class Supply:
    """Made from the state as it is now; to go back to what is settled, make another."""

    def __init__(
        self,
        directory: Path,
        backend: Backend,
        state: DeliveryState,
        since_ns: int,
        sampling: Sampling,
        clock: Clock,
        report: Callable[[str], None],
    ) -> None:
        self._directory = directory
        self._consumer = backend.name
        self._state = state
        self._memory = Memory(state.connection, backend.name)
        self.route = Route(directory, backend.name, since_ns, state.offsets(backend.name), report)
        self._gatherer = Gatherer(directory, backend.name, self._memory, self.route.is_passed)
        self._selector = Selector(directory, backend, sampling, self._memory, clock)
        self._ready: deque[Entry] = deque()
        self._retried = False

    def begin(self, first: Sequence[str]) -> None:
        """Start a pass over everything that this consumer has not got."""
        self.route.begin(first)
        self._retried = False

    def prune(self, now_ns: int) -> None:
        """Forget what was remembered of segments that are gone."""
        self._memory.prune(self.route.present, now_ns)

    def bury(self, entry: Entry, answer: Answer) -> None:
        """Settle an entry that the backend refused."""
        self._selector.bury(entry, entry.whole_record(), answer)

    def window(self, most_bytes: int) -> Window:
        """The next entries to settle together, about so many bytes; an empty window when there are none."""
        window = Window(most_bytes)
        while not window.is_full and (self._ready or self._read_on(window)):
            window.take(self._ready)
        return window

    def _read_on(self, window: Window) -> bool:
        """Make entries of what comes next; False when nothing comes, or only after this window."""
        found = self.route.read()
        if found is not None:
            self._add(self._entries(*found))
            return True
        # What is left over is asked of the state, which knows it once everything before is settled.
        if not window.entries:
            self._add(self._left_over())
        return bool(self._ready)

    def _add(self, entries: list[Entry]) -> None:
        if self._memory.ahead:
            for entry in entries:
                outcome = self._memory.ahead.get((entry.segment, entry.offset))
                if outcome is not None and entry.items:
                    entry.settle(outcome)
                    entry.is_ahead = True
        self._ready.extend(entries)

    def _entries(self, cursor: Cursor, found: Chunk | Entry | None) -> list[Entry]:
        name = cursor.path.name
        if isinstance(found, Entry):
            return [found]
        if found is None:
            last = Entry(name, cursor.position, cursor.position)
            last.count, last.finishes = 0, True
            return [last]
        first = self.route.first_after_history(cursor, found)
        entries = self._of_lines(name, found, first) if first < len(found.lines) else []
        if first:
            entries.insert(0, _history(name, found, first))
        return _with_gaps(name, entries, found) if found.gaps else entries

    def _of_lines(self, segment: str, chunk: Chunk, first: int) -> list[Entry]:
        pairs = self._gatherer.gather(segment, chunk, first)
        self._selector.select(pairs)
        entries = [entry for entry, _ in pairs]
        entries[0].begins = True
        return entries

    def _left_over(self) -> list[Entry]:
        """Dead letters that are to be tried again, traces that turned out to matter, what was interrupted."""
        entries = [] if self._retried else self._dead_letters()
        self._retried = True
        return entries or [entry for entry, _ in self._selector.rescued()] or self._interrupted()

    def _dead_letters(self) -> list[Entry]:
        entries = []
        for letter in dead_letters(self._state, self._consumer, to_retry=True):
            entry = Entry(letter.segment, letter.offset, None)
            entry.moved_from = "dead"
            entry.on_delivery = unbury(self._consumer, letter.segment, letter.offset)
            self._selector.prepare(entry, letter.record)
            entries.append(entry)
        return entries

    def _interrupted(self) -> list[Entry]:
        entries = []
        openings = self._memory.opened()
        for entry, record in interrupted(self._directory, self._consumer, openings, self.route.finished):
            if record is not None:
                self._selector.prepare(entry, record)
            entries.append(entry)
        return entries


def _history(segment: str, chunk: Chunk, count: int) -> Entry:
    """The first lines of a chunk, which are not sent."""
    offset, line = chunk.lines[count - 1]
    entry = Entry(segment, chunk.lines[0][0], offset + len(line))
    entry.settle("held_history")
    entry.count = count
    return entry


def _with_gaps(segment: str, entries: list[Entry], chunk: Chunk) -> list[Entry]:
    """Have what is torn or damaged counted with the entry that it lies before, or with one at the end."""
    gaps = deque(chunk.gaps)
    last = Entry(segment, chunk.position, chunk.position)
    last.count = 0
    for entry in [*entries, last]:
        while gaps and entry.end is not None and gaps[0][0] <= entry.end:
            _, torn, damaged = gaps.popleft()
            entry.torn, entry.damaged = entry.torn + torn, entry.damaged + damaged
    return [*entries, last]
