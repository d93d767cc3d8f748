"""The collector: what Prometheus is told when it asks. Loads `prometheus_client`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from agent_trace.metrics import catalogue
from agent_trace.metrics.budgets import BudgetRow, BudgetRows, bounded
from agent_trace.metrics.tally import Names, Tally
from agent_trace.recording import process
from agent_trace.recording.guard import attempt

if TYPE_CHECKING:
    from agent_trace.metrics.ledgers import Ledgers
    from agent_trace.metrics.standing import Standing

SCRAPE_S: Final = 2.0
"""How long one scrape reads on in an old store; Prometheus gives up after ten seconds."""


class Told(NamedTuple):
    """What a scrape is answered from. `is_known`: whether all that was recorded is counted in; None for no samples."""

    tally: Tally
    ledgers: Sequence[tuple[str, str, int]] = ()
    budgets: Sequence[BudgetRow] = ()
    is_known: bool | None = None


_BOUNDS: Final = [*map(str, catalogue.BUCKETS_S), "+Inf"]


class StoreCollector(Collector):
    """Everything that the metrics of one store consist of, brought up to date whenever it is asked for.

    directory: asked every time, for the program may be given another store.
    max_label_values: that of the settings when None.
    within_s: how long to read at most; None for as long as it takes.
    """

    def __init__(
        self,
        directory: Callable[[], Path],
        max_label_values: int | None = None,
        within_s: float | None = SCRAPE_S,
    ) -> None:
        self._directory = directory
        settings = process.reread_settings()
        self._limit = settings.max_label_values if max_label_values is None else max_label_values
        self._within_s = within_s
        self._standing: Standing | None = None
        self._ledgers: Ledgers | None = None
        self._budgets: BudgetRows | None = None

    def describe(self) -> Iterator[Metric]:
        """The families without samples: what a registry asks for when a collector is registered."""
        return families(Told(Tally()))

    def collect(self) -> Iterator[Metric]:
        """Families with samples. A failure of ours leaves them empty rather than the whole endpoint broken."""
        from agent_trace.metrics.standing import in_turn

        with in_turn():
            told = attempt("collecting metrics", self._refreshed)
            return families(told) if told is not None else self.describe()

    def _refreshed(self) -> Told:
        from agent_trace.metrics import direct

        standing, ledgers, budgets = self._of_store(self._directory())
        standing.refresh(self._within_s)
        following = standing.following
        tally = Tally(Names(self._limit))
        # Half of an old store would look like all of it, and the rest like a sudden rise.
        is_known = following.has_caught_up or not standing.is_there
        if is_known:
            tally.names.known = {kind: dict(known) for kind, known in _known(following).items()}
            tally.add(following.counting.tally)
        attempt("adding what was counted without recording", direct.add_to, tally)
        spent = bounded(attempt("reading budgets", budgets.rows) or [], tally.names)
        return Told(tally, attempt("reading ledgers", ledgers.rows) or [], spent, is_known)

    def _of_store(self, directory: Path) -> tuple[Standing, Ledgers, BudgetRows]:
        from agent_trace.metrics.ledgers import Ledgers
        from agent_trace.metrics.standing import Standing

        if (
            self._standing is None
            or self._ledgers is None
            or self._budgets is None
            or self._standing.directory != directory
        ):
            self._standing, self._ledgers = Standing(directory, self._limit), Ledgers(directory)
            self._budgets = BudgetRows(directory, at_once=self._within_s is None)
        return self._standing, self._ledgers, self._budgets


def families(told: Told) -> Iterator[Metric]:
    """Every metric of the catalogue, in its order. Once made, they do not change with the tally."""
    return iter([_family(metric, told) for metric in catalogue.METRICS])


def _known(following: Any) -> dict[str, dict[str, None]]:
    known: dict[str, dict[str, None]] = following.counting.tally.names.known
    return known


def _family(metric: catalogue.Metric, told: Told) -> Metric:
    if metric.kind == "counter":
        return _counter(metric, told.tally)
    if metric.kind == "histogram":
        return _histogram(metric, told.tally)
    gauge = GaugeMetricFamily(metric.name, metric.meaning, labels=metric.labels)
    for labels, value in _GAUGES[metric.name](told):
        gauge.add_metric(labels, value)
    return gauge


_GAUGES: Final[dict[str, Callable[[Told], Iterator[tuple[Sequence[str], float]]]]] = {
    "agent_trace_budget_used_ratio": lambda told: ((row.labels, row.used) for row in told.budgets),
    "agent_trace_budget_limit_usd": lambda told: ((row.labels, row.limit_usd) for row in told.budgets),
    "agent_trace_ledger_records": lambda told: ((each[:2], each[2]) for each in told.ledgers),
    "agent_trace_metrics_caught_up": lambda told: (
        ((), float(known)) for known in (told.is_known,) if known is not None
    ),
}


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
