"""Which observations of a trace are closed, so that nothing below them is listed; and how a URL says so."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from agent_trace.store.overviews import Entry

_ALL = "all"


@dataclass(frozen=True, slots=True)
class Folds:
    """Closed are the observations in `ids`; or with `is_all` every one below the roots but those."""

    ids: frozenset[str] = frozenset()
    is_all: bool = False

    @classmethod
    def read(cls, text: str) -> Self:
        """From a URL: ids with dots between them, `all` before those that are open."""
        first, *rest = text.split(".")
        is_all = first == _ALL
        return cls(frozenset(filter(None, rest if is_all else (first, *rest))), is_all)

    def __str__(self) -> str:
        return ".".join(((_ALL,) if self.is_all else ()) + tuple(sorted(self.ids)))

    def toggled(self, id: str) -> "Folds":
        """With that one closed where it was open, and open where it was closed."""
        return Folds(self.ids ^ {id}, self.is_all)

    def closes(self, entry: Entry) -> bool:
        """Whether what lies below it is not listed."""
        if not entry.has_children:
            return False
        return (entry.id in self.ids) != (self.is_all and entry.depth > 0)

    def listed(self, entries: Sequence[Entry]) -> Iterator[int]:
        """Places of the entries, in tree order, that lie below no closed one."""
        closed_at: int | None = None
        for place, entry in enumerate(entries):
            if closed_at is not None and entry.depth > closed_at:
                continue
            yield place
            closed_at = entry.depth if self.closes(entry) else None


def with_ancestors(entries: Sequence[Entry], found: frozenset[str]) -> Iterator[int]:
    """Places of the entries that were found, and of those that they lie in."""
    above: list[int] = []
    told: set[int] = set()
    for place, entry in enumerate(entries):
        del above[entry.depth :]
        above.append(place)
        if entry.id in found:
            told.update(above)
    yield from sorted(told)
