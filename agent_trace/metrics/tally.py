"""Counts by metric and labels, with bounded labels. Whole numbers only: sums are exact in any order."""

import bisect
import logging
from collections.abc import Iterator
from typing import Any, Final

from agent_trace.metrics.catalogue import BUCKETS_S, BY_NAME, KIND_OF_LABEL, METRICS, OTHER

Labels = tuple[str, ...]

_BOUNDS_NS: Final = tuple(round(bound * 1e9) for bound in BUCKETS_S)
_CELLS: Final = len(_BOUNDS_NS) + 2
"""A histogram is one count for each bucket, `+Inf` included, and the sum in nanoseconds behind them."""
NO_LIMIT: Final = 1 << 31
_MAX_CHARACTERS: Final = 200
_MAX_REMEMBERED: Final = 50_000

logger = logging.getLogger("agent_trace")


class Names:
    """The values of each kind of label, up to a limit: those that come first keep a series of their own."""

    _said: Final[set[str]] = set()

    def __init__(self, limit: int = NO_LIMIT) -> None:
        self.limit = limit
        self.known: dict[str, dict[str, None]] = {}

    def bounded(self, label: str, value: str) -> str:
        """The value, or `other` when there are too many already."""
        kind = KIND_OF_LABEL.get(label, label)
        value = value[:_MAX_CHARACTERS]
        known = self.known.setdefault(kind, {})
        if value in known or value == OTHER:
            return value
        if len(known) >= self.limit:
            self._say(kind)
            return OTHER
        known[value] = None
        return value

    def _say(self, kind: str) -> None:
        if kind not in self._said:
            self._said.add(kind)
            logger.warning(
                "metrics: there are more than %d values of %s; the rest is counted as %r",
                self.limit,
                kind,
                OTHER,
            )


class Tally:
    """What was counted so far, and the names it was counted under."""

    def __init__(self, names: Names | None = None) -> None:
        self.names = names or Names()
        self._bounded: dict[tuple[str, Labels], Labels] = {}
        self.counters: dict[str, dict[Labels, int]] = _empty("counter")
        self.histograms: dict[str, dict[Labels, list[int]]] = _empty("histogram")

    def count(self, name: str, *values: str, by: int = 1) -> None:
        """Add to a counter; `values` are those of its labels, in their order."""
        cells, labels = self.counters[name], self._labels(name, values)
        cells[labels] = cells.get(labels, 0) + by

    def observe(self, name: str, *values: str, duration_ns: int) -> None:
        """Add one duration to a histogram."""
        bucket = bisect.bisect_left(_BOUNDS_NS, duration_ns)
        cells = self._cells(name, values)
        cells[bucket] += 1
        cells[-1] += duration_ns

    def add(self, other: "Tally") -> None:
        """Add all that another tally has counted."""
        for name, counts in other.counters.items():
            for labels, count in counts.items():
                self.count(name, *labels, by=count)
        for name, histograms in other.histograms.items():
            for labels, cells in histograms.items():
                own = self._cells(name, labels)
                own[:] = [one + more for one, more in zip(own, cells, strict=True)]

    def to_json(self) -> dict[str, Any]:
        """As the state file holds it."""
        return {
            "names": {kind: list(known) for kind, known in self.names.known.items()},
            "counters": {name: list(cells.items()) for name, cells in self.counters.items()},
            "histograms": {name: list(cells.items()) for name, cells in self.histograms.items()},
        }

    @classmethod
    def from_json(cls, found: dict[str, Any], limit: int) -> "Tally":
        """The inverse. Raises KeyError, TypeError, ValueError or AttributeError for what no tally has written."""
        tally = cls(Names(limit))
        tally.names.known = {kind: dict.fromkeys(known) for kind, known in found["names"].items()}
        for name, labels, count in _rows(found["counters"], "counter"):
            tally.counters[name][labels] = int(count)
        for name, labels, cells in _rows(found["histograms"], "histogram"):
            if len(cells) != _CELLS:
                raise ValueError(f"{name} has {len(cells)} cells")
            tally.histograms[name][labels] = [int(cell) for cell in cells]
        return tally

    def _labels(self, name: str, values: Labels) -> Labels:
        # Remembered, for the same few come again and again: it is half of what counting takes.
        found = self._bounded.get((name, values))
        if found is None:
            if len(self._bounded) >= _MAX_REMEMBERED:
                self._bounded.clear()
            found = tuple(map(self.names.bounded, BY_NAME[name].labels, values))
            self._bounded[name, values] = found
        return found

    def _cells(self, name: str, values: Labels) -> list[int]:
        return self.histograms[name].setdefault(self._labels(name, values), [0] * _CELLS)


def _empty(kind: str) -> dict[str, dict[Labels, Any]]:
    return {metric.name: {} for metric in METRICS if metric.kind == kind}


def _rows(found: dict[str, Any], kind: str) -> Iterator[tuple[str, Labels, Any]]:
    """Name, labels and value of each series; metrics that this version does not know are left out."""
    for name, rows in found.items():
        metric = BY_NAME.get(name)
        if metric is not None and metric.kind == kind:
            for labels, value in rows:
                if len(labels) != len(metric.labels):
                    raise ValueError(f"{name} has labels {labels}")
                yield name, tuple(map(str, labels)), value
