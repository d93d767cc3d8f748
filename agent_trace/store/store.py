"""Store: what was recorded, asked one question at a time. The SQL lives in the modules around it."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from agent_trace.delivery.reader import list_segments, read_lines
from agent_trace.errors import NotFound, StoreError, StoreMissing
from agent_trace.observation import Observation
from agent_trace.recording.journal.eviction import evict
from agent_trace.recording.journal.layout import EVICTED
from agent_trace.settings import load
from agent_trace.store import cost_queries, queries
from agent_trace.store.answers import (
    CostKey,
    CostRow,
    Filter,
    Ledger,
    Match,
    Pruned,
    SignalRow,
    Trace,
    TraceRow,
)
from agent_trace.store.following import follow
from agent_trace.store.index import Index
from agent_trace.store.ledger import make_ledger
from agent_trace.store.liveness import Liveness
from agent_trace.store.names import find_observation, find_trace
from agent_trace.store.reading import PAGE, POINTERS, Reading
from agent_trace.store.records import Shelf
from agent_trace.store.refresh import Progress, fetcher, refresh
from agent_trace.store.searching import search
from agent_trace.store.text import LITTLE_BYTES, refresh_text
from agent_trace.store.tree import build_tree

Answer = TypeVar("Answer")

EVERYTHING: Final = Filter()


class Store:
    """Read what was recorded in a directory, from any process and at any time.

    Every question first reads what is new in the journal into the index (`refresh`). Raises StoreMissing
    when nothing was recorded there yet, StoreTooNew when a newer version of this package did.
    """

    def __init__(self, directory: Path | str | None = None) -> None:
        """Open the store of `directory`; without one, that of the settings."""
        self.directory = Path(directory) if directory is not None else load().directory
        if not list_segments(self.directory) and not (self.directory / EVICTED).exists():
            raise StoreMissing(
                f"nothing was recorded in {self.directory} yet: run a program that uses @observe_llm there, "
                "`agent-trace run SCRIPT`, or `agent-trace demo`"
            )
        self._index = Index(self.directory)
        self._shelf = Shelf(self.directory)

    def close(self) -> None:
        """Let go of the index and of all segments. A later question opens them again."""
        self._index.close()
        self._shelf.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def refresh(self, progress: Progress | None = None) -> int:
        """Read what is new in the journal into the index; gives the number of records read.

        The full text comes along when that is little work, and else with the next search.
        """
        return self._ask(lambda: self._read_news(progress))

    def refresh_text(self, progress: Progress | None = None) -> int:
        """Bring the full text up to date, as `search` does; gives the number of records read."""
        return self._ask(lambda: refresh_text(self._index, self.directory, progress))

    def traces(
        self,
        where: Filter = EVERYTHING,
        *,
        limit: int = 50,
        before: TraceRow | None = None,
        refresh: bool = True,
    ) -> list[TraceRow]:
        """The newest traces first; `before` is the last row of the page before this one."""
        if refresh:
            self.refresh()
        return self._ask(
            lambda: queries.trace_rows(self._index.connection, self._liveness(), where, limit, before)
        )

    def observations(
        self,
        where: Filter = EVERYTHING,
        *,
        limit: int | None = None,
        newest_first: bool = True,
        refresh: bool = True,
    ) -> Iterator[Observation]:
        """Whole observations, amendments merged and cost filled in; those still open have kind "opened"."""
        if refresh:
            self.refresh()
        after, left = None, limit
        while left is None or left > 0:
            size = PAGE if left is None else min(PAGE, left)
            page = self._ask(lambda at=after, n=size: self._reading().page(where, at, newest_first, n))  # type: ignore[misc]
            for _, pointer in page:
                found = self._ask(lambda at=pointer: self._reading().observation(at))  # type: ignore[misc]
                if found is not None:
                    yield found
            if len(page) < size:
                return
            after = (page[-1][0], page[-1][1][0])
            left = None if left is None else left - size

    def trace(self, id_or_prefix: str) -> Trace:
        """One trace as a tree, by the id of it or of any observation in it, or the start of either.

        Raises NotFound or AmbiguousId.
        """
        self.refresh()
        return self._ask(lambda: self._trace(id_or_prefix))

    def observation(self, id_or_prefix: str) -> Observation:
        """One observation by its id or the start of it. Raises NotFound or AmbiguousId."""
        self.refresh()
        return self._ask(lambda: self._observation(id_or_prefix))

    def search(
        self,
        text: str,
        where: Filter = EVERYTHING,
        *,
        limit: int = 50,
        progress: Progress | None = None,
    ) -> list[Match]:
        """Observations with all of these words, newest first. "Quotes" hold a phrase, `word*` a beginning.

        Words are looked for in one record at a time: those of an amendment do not add to its observation's.
        """
        self.refresh(progress)
        self.refresh_text(progress)
        return self._ask(lambda: search(self._index.connection, self._reading(), text, where, limit))

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

    def signals(self, where: Filter = EVERYTHING, *, limit: int | None = None) -> list[SignalRow]:
        """Every signal that was given, oldest first; with a limit, the newest so many."""
        self.refresh()
        return self._ask(lambda: queries.signal_list(self._index.connection, where, limit))

    def costs(
        self,
        where: Filter = EVERYTHING,
        by: CostKey | Sequence[CostKey] = "agent",
        *,
        idle: bool = False,
        refresh: bool = True,
    ) -> list[CostRow]:
        """Tokens and cost by agent, tenant, model, session or day, or by several; the most expensive first.

        `idle`: also what was invoked and had neither tokens nor a cost itself, as rows with 0 calls.
        """
        if refresh:
            self.refresh()
        keys: Sequence[CostKey] = (by,) if isinstance(by, str) else tuple(by)
        rows = self._ask(lambda: cost_queries.cost_list(self._index.connection, where, keys))
        return rows if idle else [row for row in rows if row.calls]

    def _ask(self, question: Callable[[], Answer]) -> Answer:
        return self._index.ask(question, rebuild=lambda: self._read_news(None))

    def _read_news(self, progress: Progress | None) -> int:
        count = refresh(self._index, self.directory, self._shelf, progress)
        refresh_text(self._index, self.directory, most_bytes=LITTLE_BYTES)
        return count

    def _liveness(self) -> Liveness:
        return Liveness(self._index.connection, self.directory)

    def _reading(self) -> Reading:
        return Reading(self._index.connection, fetcher(self._index.connection, self._shelf))

    def _trace(self, id_or_prefix: str) -> Trace:
        connection, liveness = self._index.connection, self._liveness()
        found = find_trace(connection, id_or_prefix)
        stated = [
            (observation, liveness.state_of(record) if opened else "finished")
            for record, opened, observation in self._reading().of_trace(found.trace)
        ]
        return Trace(
            trace_id=found.trace_id,
            row=queries.trace_row(connection, liveness, found.trace),
            roots=build_tree(stated),
            observations=[observation for observation, _ in stated],
        )

    def _observation(self, id_or_prefix: str) -> Observation:
        connection = self._index.connection
        found = find_observation(connection, id_or_prefix)
        query = f"SELECT {POINTERS} FROM observations AS o WHERE o.id = ? AND o.trace = ?"
        pointer = connection.execute(query, (bytes.fromhex(found.id), found.trace)).fetchone()
        observation = self._reading().observation(pointer)
        if observation is None:
            raise NotFound(f"the segment with {found.id} was removed just now")
        return observation
