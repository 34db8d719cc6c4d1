"""The numbers of a run as OpenMetrics, which Prometheus and others scrape."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

from sockproof.load.metrics.families import Family, Kind, families
from sockproof.runs.histogram import BOUNDS, Histogram

CONTENT_TYPE = CONTENT_TYPE_LATEST


class _Collected:
    """What prometheus-client writes out: a registry of one run."""

    def __init__(self, numbers: Mapping[str, Any]) -> None:
        self._numbers = numbers

    def collect(self) -> Iterator[Metric]:
        """Each metric by prometheus-client's types."""
        return map(_metric, families(self._numbers))


def page(numbers: Mapping[str, Any]) -> bytes:
    """All of it; the last line is `# EOF`."""
    found: bytes = generate_latest(_Collected(numbers))  # type: ignore[no-untyped-call]
    return found


def _metric(family: Family) -> Metric:
    labels = list(family.values[0][0])
    if family.kind is Kind.HISTOGRAM:
        latency = HistogramMetricFamily(family.name, family.help, labels=labels, unit=family.unit)
        for named, each in family.values:
            latency.add_metric(list(named.values()), _buckets(each), each.total / 1e9)
        return latency
    kind = CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
    plain = kind(family.name, family.help, labels=labels, unit=family.unit)
    for named, value in family.values:
        plain.add_metric(list(named.values()), value)
    return plain


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """How many values each bound is not below."""
    below = [(str(bound), float(count)) for bound, count in histogram.up_to(BOUNDS)]
    return [*below, ("+Inf", float(histogram.samples))]
