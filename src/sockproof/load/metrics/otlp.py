"""The numbers of a run as OpenTelemetry metrics, sent over OTLP by a process of its own.

The rules that hold here:

* The exporter runs where gevent has patched nothing, and costs the load generator a line of JSON
  now and then: `python -m sockproof.load.metrics.otlp` reads such lines until its input ends.
* The environment says what Locust's `--otel` follows, too: OTEL_METRICS_EXPORTER,
  OTEL_EXPORTER_OTLP_PROTOCOL, OTEL_EXPORTER_OTLP_ENDPOINT and so on.
* Instruments cannot take over a histogram that is already counted, so the SDK's own data points
  are made. By the rules that Prometheus translates with, their names become those of its page.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sockproof.load.metrics.families import Family, Kind, families
from sockproof.runs.histogram import BOUNDS, Histogram, value_of

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import Metric, MetricExporter, MetricsData

INTERVAL = "OTEL_METRIC_EXPORT_INTERVAL"  # milliseconds
SECONDS = 10.0  # between two exports, where that says nothing
_UNITS = {"": "1", "seconds": "s", "bytes": "By", "ratio": "1"}


def is_installed() -> bool:
    """Whether the SDK is there."""
    return importlib.util.find_spec("opentelemetry") is not None


def seconds() -> float:
    """The time between two exports."""
    try:
        return max(0.1, float(os.environ[INTERVAL]) / 1000)
    except (KeyError, ValueError):
        return SECONDS


def message(numbers: Mapping[str, Any], since: int, now: int) -> bytes:
    """A line for the process that exports; times are nanoseconds since 1970."""
    return json.dumps({"numbers": numbers, "since": since, "now": now}).encode() + b"\n"


def data(told: Mapping[str, Any]) -> MetricsData:
    """What one line comes to, in the SDK's types."""
    from opentelemetry.sdk.metrics.export import MetricsData, ResourceMetrics, ScopeMetrics
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    resource = Resource.create({"service.name": os.environ.get("OTEL_SERVICE_NAME", "sockproof")})
    metrics = [_metric(each, told["since"], told["now"]) for each in families(told["numbers"])]
    scope = ScopeMetrics(InstrumentationScope("sockproof"), metrics, "")
    return MetricsData([ResourceMetrics(resource, [scope], "")])


def _metric(family: Family, since: int, now: int) -> Metric:
    from opentelemetry.sdk.metrics import export

    name = family.name.removesuffix(f"_{family.unit}").replace("_", ".", 1)
    told: export.Gauge | export.Histogram | export.Sum
    if family.kind is Kind.HISTOGRAM:
        points = [_histogram(labels, each, since, now) for labels, each in family.values]
        told = export.Histogram(points, export.AggregationTemporality.CUMULATIVE)
    else:
        values = [
            export.NumberDataPoint(labels, since, now, value) for labels, value in family.values
        ]
        told = export.Gauge(values)
        if family.kind is Kind.COUNTER:
            told = export.Sum(values, export.AggregationTemporality.CUMULATIVE, True)
    return export.Metric(name, family.help, _UNITS[family.unit], told)


def _histogram(labels: dict[str, str], histogram: Histogram, since: int, now: int) -> Any:
    from opentelemetry.sdk.metrics.export import HistogramDataPoint

    below = [0, *(count for _, count in histogram.up_to(BOUNDS)), histogram.samples]
    counts = [up_to - before for before, up_to in pairwise(below)]
    low, high = (value_of(each(histogram.counts, default=0)) / 1e9 for each in (min, max))
    return HistogramDataPoint(
        labels, since, now, histogram.samples, histogram.total / 1e9, counts, BOUNDS, low, high
    )


def exporters() -> Iterator[MetricExporter]:
    """Those that the environment names; what is missing is one line on standard error."""
    from opentelemetry.sdk.metrics.export import ConsoleMetricExporter

    protocol = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", protocol).strip().lower()
    for name in os.environ.get("OTEL_METRICS_EXPORTER", "otlp").lower().split(","):
        if name.strip() == "console":
            yield ConsoleMetricExporter()
        elif name.strip() == "otlp":
            room = "grpc" if protocol == "grpc" else "http"
            module = f"opentelemetry.exporter.otlp.proto.{room}.metric_exporter"
            try:
                yield importlib.import_module(module).OTLPMetricExporter()
            except ImportError:
                sys.stderr.write("sockproof: OTLP needs: pip install 'sockproof[otel]'\n")


def main() -> int:
    """Export each line of standard input."""
    chosen = list(exporters())
    for line in sys.stdin.buffer:
        found = data(json.loads(line))
        for exporter in chosen:
            exporter.export(found)
    for exporter in chosen:
        exporter.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
