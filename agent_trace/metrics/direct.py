"""What `track_*` counts while recording is off and there is no journal to count from.

Kept in metrics of `prometheus_client` itself, under names of their own, so that its multi-process mode holds for them
as well; the collector adds them to what comes from the journal.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from agent_trace.metrics.catalogue import BUCKETS_S, BY_NAME
from agent_trace.metrics.library import counted_by_all_processes, is_multiprocess, prometheus
from agent_trace.metrics.tally import Names, Tally
from agent_trace.recording import process

if TYPE_CHECKING:
    from prometheus_client.samples import Sample

PREFIX: Final = "agent_trace_direct_"

_made: dict[str, Any] = {}
_making = threading.Lock()
_names: Names | None = None
_registry: Any = None


def count(name: str, *values: str) -> None:
    """Add one to a counter."""
    _native(name).labels(*_bounded(name, values)).inc()


def observe(name: str, *values: str, duration_s: float) -> None:
    """Add one duration to a histogram."""
    _native(name).labels(*_bounded(name, values)).observe(duration_s)


def add_to(tally: Tally) -> None:
    """Add everything that was counted so; in multi-process mode, what all workers have counted."""
    for family in _families():
        if family.name.startswith(PREFIX):
            name = family.name.removeprefix(PREFIX)
            if family.type == "counter":
                _add_counts(tally, f"{name}_total", family.samples)
            elif family.type == "histogram":
                _add_histograms(tally, name, family.samples)


def _families() -> Iterable[Any]:
    if is_multiprocess():
        return counted_by_all_processes()
    return _registry.collect() if _registry is not None else ()


def _native(name: str) -> Any:
    found = _made.get(name)
    if found is None:
        with _making:
            found = _made[name] = _made.get(name) or _make(name)
    return found


def _make(name: str) -> Any:
    global _registry
    client, metric = prometheus(), BY_NAME[name]
    if _registry is None:
        _registry = client.CollectorRegistry()
    given = (PREFIX + name, metric.meaning, metric.labels)
    if metric.kind == "counter":
        return client.Counter(*given, registry=_registry)
    return client.Histogram(*given, registry=_registry, buckets=BUCKETS_S)


def _renew_lock() -> None:
    global _making
    _making = threading.Lock()


os.register_at_fork(after_in_child=_renew_lock)


def _bounded(name: str, values: tuple[str, ...]) -> Iterable[str]:
    global _names
    if _names is None:
        _names = Names(process.current().settings.max_label_values)
    return map(_names.bounded, BY_NAME[name].labels, values)


def _add_counts(tally: Tally, name: str, samples: Iterable[Sample]) -> None:
    for sample in samples:
        if sample.name == PREFIX + name and name in tally.counters and sample.value:
            tally.count(name, *_values(name, sample), by=round(sample.value))


def _add_histograms(tally: Tally, name: str, samples: Iterable[Sample]) -> None:
    if name not in tally.histograms:
        return
    below: dict[tuple[str, ...], dict[float, int]] = {}
    sums_ns: dict[tuple[str, ...], int] = {}
    for sample in samples:
        if sample.name == f"{PREFIX}{name}_bucket":
            below.setdefault(_values(name, sample), {})[float(sample.labels["le"])] = round(sample.value)
        elif sample.name == f"{PREFIX}{name}_sum":
            sums_ns[_values(name, sample)] = round(sample.value * 1e9)
    read = Tally(tally.names)
    for values, bounds in below.items():
        cumulated = [bounds[bound] for bound in sorted(bounds)]
        cells = [one - before for one, before in zip(cumulated, [0, *cumulated], strict=False)]
        read.histograms[name][values] = [*cells, sums_ns.get(values, 0)]
    tally.add(read)


def _values(name: str, sample: Sample) -> tuple[str, ...]:
    return tuple(sample.labels[label] for label in BY_NAME[name].labels)
