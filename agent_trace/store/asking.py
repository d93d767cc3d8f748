"""An open store: the index and the segments of a directory, brought up to date before a question. No questions here."""

from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from agent_trace.delivery.reader import list_segments
from agent_trace.errors import StoreMissing
from agent_trace.recording.journal.layout import EVICTED
from agent_trace.settings import load
from agent_trace.store.conditions import Narrowing
from agent_trace.store.filter import Filter
from agent_trace.store.index import Index
from agent_trace.store.liveness import Liveness
from agent_trace.store.reading import Reading
from agent_trace.store.recalling import Recalled
from agent_trace.store.records import Shelf
from agent_trace.store.refresh import Progress, byte_reader, refresh
from agent_trace.store.said import Said
from agent_trace.store.text import LITTLE_BYTES, refresh_text

Answer = TypeVar("Answer")

EVERYTHING: Final = Filter()


class OpenStore:
    """What every question needs: the connection, the records behind it, and who is still alive."""

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
        self._said: tuple[tuple[object, ...], Said] | None = None
        self._recalled = Recalled()

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

    def version(self) -> tuple[int, ...]:
        """Another value after whatever changed in the index; only values of one open store may be compared."""
        self.refresh()
        return self._ask(lambda: self._index.version)

    def _ask(self, question: Callable[[], Answer]) -> Answer:
        return self._index.ask(question, rebuild=lambda: self._read_news(None))

    def _ask_about(self, where: Filter, refresh: bool, question: Callable[[Narrowing], Answer]) -> Answer:
        """Put a question about what fits a filter, on news if these are wanted."""
        if refresh:
            self.refresh()
            if where.text is not None:
                self.refresh_text()
        return self._ask(lambda: question(self._narrowed(where)))

    def _narrowed(self, where: Filter) -> Narrowing:
        return Narrowing(
            where,
            None if where.text is None else self._said_in(where.text),
            self._liveness().running() if where.status in ("running", "interrupted") else (),
        )

    def _said_in(self, text: str) -> Said:
        """Where a text stands. A page asks for its list and for its totals: what was looked up serves both."""
        of = text, self._index.version
        if self._said is None or self._said[0] != of:
            self._said = of, Said(self._index.connection, self._reading(), text)
        return self._said[1]

    def _rows(self, query: str, values: Sequence[object]) -> list[Any]:
        """The rows of a query, which are not read again while the index is as it was."""
        return self._recall(
            (query, *values), lambda: self._index.connection.execute(query, values).fetchall()
        )

    def _recall(self, question: Hashable, answer: Callable[[], Answer]) -> Answer:
        # Asked for before the answer: what changes meanwhile makes it an answer to an older version, and never a newer one.
        return self._recalled.get(self._index.version, question, answer)

    def _read_news(self, progress: Progress | None) -> int:
        count = refresh(self._index, self.directory, self._shelf, progress)
        refresh_text(self._index, self.directory, most_bytes=LITTLE_BYTES)
        return count

    def _liveness(self) -> Liveness:
        return Liveness(self._index.connection, self.directory)

    def _reading(self) -> Reading:
        return Reading(self._index.connection, byte_reader(self._index.connection, self._shelf))
