"""Latencies of a load run, from the histograms that its processes wrote each second."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sockproof.histogram import Histogram
from sockproof.load_records import Phase, RowFile, read_lines

KINDS = ("ack", "delivery", "connect")
FRACTIONS = {"p50_ms": 0.5, "p90_ms": 0.9, "p99_ms": 0.99, "p999_ms": 0.999}
_MEASURED = (Phase.MEASURED, Phase.DRAIN)  # what was sent in it and came in the drain counts too


def latencies(files: Iterable[RowFile]) -> dict[str, dict[str, Histogram]]:
    """For each kind the histograms from intended and from actual times, in nanoseconds.

    Messages that were sent in the measured part; connects of the whole run, since most are made
    in the ramp.
    """
    found = {kind: {"intended": Histogram(), "actual": Histogram()} for kind in KINDS}
    for file in files:
        for line in read_lines(file.latency_path):
            for kind in KINDS:
                if kind == "connect" or line.get("phase") in _MEASURED:
                    _add(found[kind], line.get(kind, {}))
    return found


def _add(histograms: Mapping[str, Histogram], line: Mapping[str, Mapping[str, int]]) -> None:
    for origin, histogram in histograms.items():
        histogram.add(Histogram.from_json(line.get(origin, {})))


def percentiles(histogram: Histogram) -> dict[str, Any]:
    """Samples, percentiles and the maximum in milliseconds; None with too few samples."""
    told: dict[str, Any] = {"samples": histogram.samples}
    for name, fraction in FRACTIONS.items():
        told[name] = _milliseconds(histogram.percentile(fraction))
    told["max_ms"] = _milliseconds(histogram.maximum())
    return told


def _milliseconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else round(nanoseconds / 1e6, 4)
