"""The collector: what Prometheus is told when it asks. Loads `prometheus_client`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from agent_trace.metrics import catalogue
from agent_trace.metrics.tally import Names, Tally
from agent_trace.recording.guard import attempt

if TYPE_CHECKING:
    from agent_trace.metrics.ledgers import Ledgers
    from agent_trace.metrics.standing import Standing

SCRAPE_S: Final = 2.0
"""How long one scrape reads on in an old store; Prometheus gives up after ten seconds."""

_BOUNDS: Final = [*map(str, catalogue.BUCKETS_S), "+Inf"]


class StoreCollector(Collector):
    """Everything that the metrics of one store consist of, brought up to date whenever it is asked for.

    directory: asked every time, for the program may be given another store.
    within_s: how long to read at most; None for as long as it takes.
    """

    def __init__(
        self,
        directory: Callable[[], Path],
        max_label_values: int = catalogue.MAX_LABEL_VALUES,
        within_s: float | None = SCRAPE_S,
    ) -> None:
        self._directory = directory
        self._limit = max_label_values
        self._within_s = within_s
        self._standing: Standing | None = None
        self._ledgers: Ledgers | None = None

    def describe(self) -> Iterator[Metric]:
        """The families without samples: what a registry asks for when a collector is registered."""
        return families(Tally(), [], None)

    def collect(self) -> Iterator[Metric]:
        """Families with samples. A failure of ours leaves them empty rather than the whole endpoint broken."""
        from agent_trace.metrics.standing import in_turn

        with in_turn():
            told = attempt("collecting metrics", self._refreshed)
            return families(*told) if told is not None else self.describe()

    def _refreshed(self) -> tuple[Tally, list[tuple[str, str, int]], bool]:
        from agent_trace.metrics import direct

        standing, ledgers = self._of_store(self._directory())
        standing.refresh(self._within_s)
        following = standing.following
        tally = Tally(Names(self._limit))
        # Half of an old store would look like all of it, and the rest like a sudden rise.
        is_known = following.has_caught_up or not standing.is_there
        if is_known:
            tally.names.known = {kind: dict(known) for kind, known in _known(following).items()}
            tally.add(following.counting.tally)
        attempt("adding what was counted without recording", direct.add_to, tally)
        return tally, attempt("reading ledgers", ledgers.rows) or [], is_known

    def _of_store(self, directory: Path) -> tuple[Standing, Ledgers]:
        from agent_trace.metrics.ledgers import Ledgers
        from agent_trace.metrics.standing import Standing

        if self._standing is None or self._ledgers is None or self._standing.directory != directory:
            self._standing, self._ledgers = Standing(directory, self._limit), Ledgers(directory)
        return self._standing, self._ledgers


def families(tally: Tally, ledgers: list[tuple[str, str, int]], is_known: bool | None) -> Iterator[Metric]:
    """Every metric of the catalogue, in its order. Once made, they do not change with the tally."""
    return iter([_family(metric, tally, ledgers, is_known) for metric in catalogue.METRICS])


def _known(following: Any) -> dict[str, dict[str, None]]:
    known: dict[str, dict[str, None]] = following.counting.tally.names.known
    return known


def _family(
    metric: catalogue.Metric, tally: Tally, ledgers: list[tuple[str, str, int]], is_known: bool | None
) -> Metric:
    if metric.kind == "counter":
        return _counter(metric, tally)
    if metric.kind == "histogram":
        return _histogram(metric, tally)
    gauge = GaugeMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    if metric.labels:
        for consumer, state, count in ledgers:
            gauge.add_metric([consumer, state], count)
    elif is_known is not None:
        gauge.add_metric([], float(is_known))
    return gauge


def _counter(metric: catalogue.Metric, tally: Tally) -> Metric:
    family = CounterMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    unit = 1e12 if metric.name == "llm_cost_usd_total" else 1
    for labels, count in tally.counters[metric.name].items():
        family.add_metric(list(labels), count / unit)
    return family


def _histogram(metric: catalogue.Metric, tally: Tally) -> Metric:
    family = HistogramMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    for labels, (*cells, sum_ns) in tally.histograms[metric.name].items():
        below, buckets = 0, []
        for bound, cell in zip(_BOUNDS, cells, strict=True):
            below += cell
            buckets.append((bound, float(below)))
        family.add_metric(list(labels), buckets, sum_ns / 1e9)
    return family
