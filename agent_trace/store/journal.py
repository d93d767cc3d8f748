"""What is asked of the journal itself: its records, what became of them, what arrives, and what has to go."""

from collections.abc import Iterator
from typing import Any

from agent_trace.delivery.reader import list_segments, read_lines
from agent_trace.errors import StoreError
from agent_trace.observation import Observation
from agent_trace.recording.journal.eviction import evict
from agent_trace.store.answers import Ledger, Pruned
from agent_trace.store.asking import EVERYTHING, OpenStore
from agent_trace.store.filter import Filter
from agent_trace.store.following import follow
from agent_trace.store.ledger import make_ledger


class StoredJournal(OpenStore):
    """The journal of a store."""

    def records(self) -> Iterator[dict[str, Any]]:
        """Every journal record as it was written, oldest segment first."""
        for path in list_segments(self.directory):
            position = 0
            while (chunk := read_lines(path, position)).position > position:
                yield from chunk.records
                position = chunk.position

    def ledger(self) -> Ledger:
        """Where every record went. Reads nothing new: what the index does not have yet is `pending`."""
        return self._ask(lambda: make_ledger(self._index, self.directory))

    def follow(self, poll_s: float = 0.2, *, where: Filter = EVERYTHING) -> Iterator[Observation]:
        """Observations as they arrive from this call on, without end.

        What was opened comes with kind "opened" and again when it finishes. What is added later comes with
        kind "amendment", the ids of its observation and only what was added.
        """
        return follow(self.directory, poll_s, where)

    def prune(
        self,
        *,
        older_than_s: float | None = None,
        max_bytes: int | None = None,
        dry_run: bool = False,
    ) -> Pruned:
        """Remove the oldest segments, and their rows, until what is left is within both bounds."""
        try:
            gone = evict(
                self.directory,
                max_bytes=max_bytes,
                older_than_s=older_than_s,
                dry_run=dry_run,
                reason="prune",
            )
        except OSError as error:
            raise StoreError(f"segments in {self.directory} cannot be removed: {error}") from error
        if not dry_run:
            self.refresh()
        return Pruned(segments=gone.segments, records=gone.records, bytes=gone.bytes)
