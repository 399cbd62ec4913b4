"""``Collector``: the values of all workers, for a registry of prometheus_client."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from ..handlers.statistics import BUCKETS
from ..hijack import ENDED
from ..measuring.families import COUNTER, FAMILIES, HISTOGRAM, Family
from ..measuring.snapshots import unpack
from ..measuring.values import Labels, Value, Values
from .publisher import publisher


class Collector:
    """Collector for a registry. It reads the snapshots of all workers of this server."""

    def describe(self) -> list[Metric]:
        """Return the metrics without values, so that a registry need not collect them."""
        return [_make(name, family) for name, family in FAMILIES.items()]

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of all workers."""
        values = gather_all()
        for name, family in FAMILIES.items():
            metric = _make(name, family)
            for labels, value in dict(values).get(name, {}).items():
                _add(metric, labels, value)
            yield metric


def gather_all() -> Values:
    """Return the values of all workers: the own ones, and those that the others have published.

    The counters of a worker that has ended count until its successor continues them. Its gauges do
    not, even if the successor has published nothing yet.
    """
    values = Values()
    values.update(publisher.publish())
    workers = publisher.workers
    for slot in () if workers is None else workers.slots():
        assert workers is not None
        if slot.index != workers.index:
            snapshot = unpack(workers.snapshot(slot.index))
            runs = slot.activity != ENDED and slot.pid == snapshot.pid
            values.update(snapshot.values, gauges=runs)
    return values


def _make(name: str, family: Family) -> Metric:
    if family.kind == COUNTER:
        return CounterMetricFamily(name, family.help, labels=family.labels)
    if family.kind == HISTOGRAM:
        return HistogramMetricFamily(name, family.help, labels=family.labels)
    return GaugeMetricFamily(name, family.help, labels=family.labels)


def _add(metric: Metric, labels: Labels, value: Value) -> None:
    if isinstance(metric, HistogramMetricFamily):
        assert isinstance(value, list)
        *counts, seconds = value
        limits = [*map(str, BUCKETS), "+Inf"]
        sums = [sum(counts[: place + 1]) for place in range(len(counts))]
        metric.add_metric(labels, list(zip(limits, sums, strict=True)), seconds)
    elif isinstance(metric, CounterMetricFamily | GaugeMetricFamily):
        assert not isinstance(value, list)
        metric.add_metric(labels, value)
