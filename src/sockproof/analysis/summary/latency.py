"""Latencies of a load run, from the histograms that its processes wrote each second."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sockproof.analysis.delivery.latency import DeliveryLatencies
from sockproof.runs.histogram import Histogram
from sockproof.runs.load_records import Phase, RowFile, delivery_path, read_lines
from sockproof.vocabulary import FRACTIONS, MAX_MS, SAMPLES, LatencyKind, Origin

_MEASURED = (Phase.MEASURED, Phase.DRAIN)  # what was sent in it and came in the drain counts too


def latency_lines(
    path: Path, deliveries: Iterable[dict[str, Any]] | None = None
) -> Iterator[dict[str, Any]]:
    """The lines of a process's histograms, in the order of their times.

    What its deliveries took is taken from `deliveries`, or from the file that the summary has
    written; only where there is neither, the times in stamps are believed.
    """
    own = read_lines(path)
    if deliveries is None:
        if not delivery_path(path).exists():
            yield from own
            return
        deliveries = read_lines(delivery_path(path))
    yield from heapq.merge(map(_without_deliveries, own), deliveries, key=_time)


def _without_deliveries(line: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in line.items() if name != LatencyKind.DELIVERY}
    before = line.get("before")
    if isinstance(before, dict):
        kept["before"] = {
            k: each for k, each in before.items() if not k.startswith(LatencyKind.DELIVERY)
        }
    return kept


def _time(line: Mapping[str, Any]) -> int:
    time = line.get("t")
    return time if isinstance(time, int) else 0


def latencies(
    files: Iterable[RowFile], deliveries: DeliveryLatencies
) -> dict[str, dict[str, Histogram]]:
    """For each kind the histograms from intended and from actual times, in nanoseconds.

    Messages that were sent in the measured part; connects of the whole run, since most are made
    in the ramp.
    """
    found = {kind.value: {origin.value: Histogram() for origin in Origin} for kind in LatencyKind}
    for file in files:
        for line in latency_lines(file.latency_path, deliveries.lines(file.tag)):
            for kind in LatencyKind:
                if kind == LatencyKind.CONNECT or line.get("phase") in _MEASURED:
                    _add(found[kind], line.get(kind, {}))
    return found


def _add(histograms: Mapping[str, Histogram], line: Mapping[str, Mapping[str, int]]) -> None:
    for origin, histogram in histograms.items():
        histogram.add(Histogram.from_json(line.get(origin, {})))


def percentiles(histogram: Histogram) -> dict[str, Any]:
    """Samples, percentiles and the maximum in milliseconds; None with too few samples."""
    told: dict[str, Any] = {SAMPLES: histogram.samples}
    for name, fraction in FRACTIONS.items():
        told[name] = _milliseconds(histogram.percentile(fraction))
    told[MAX_MS] = _milliseconds(histogram.maximum())
    return told


def _milliseconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else round(nanoseconds / 1e6, 4)


def by_second(
    folder: Path, kind: str, origin: str
) -> tuple[Sequence[tuple[float, Histogram]], float]:
    """Histograms, each with the seconds since the measured part began, and how long that is.

    Those of the drain, which belong to it, are among them.
    """
    found, length = [], 0.0
    for path in sorted(folder.glob("latency-*.jsonl")):
        begun = None
        for line in latency_lines(path):
            phase = line.get("phase")
            if phase not in (Phase.MEASURED, Phase.DRAIN):
                begun = int(line["t"]) if phase == Phase.RAMP else begun
                continue
            begun = int(line["t"]) - 1_000_000_000 if begun is None else begun
            # A line is written at the end of its second.
            at = max(0.0, (int(line["t"]) - begun) / 1e9 - 0.5)
            found.append((at, Histogram.from_json(line.get(kind, {}).get(origin, {}))))
            if phase == Phase.MEASURED:
                length = max(length, (int(line["t"]) - begun) / 1e9)
    return found, length
