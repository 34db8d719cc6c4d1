"""A rule in stretches of a load run's measured part, from what each process wrote once a second.

A latency belongs to the stretch in which its message was due, not to that of its answer: what a
server that stalls holds back counts against the time of the stall, were it answered in the drain.
Seconds are as exact as they were recorded: to within one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sockproof.analysis.gates.rules import COUNTERS, Condition, Rule, value_in
from sockproof.analysis.summary.latency import by_second
from sockproof.runs.histogram import Histogram, value_of
from sockproof.runs.load_records import Phase, read_lines

_SLACK = 0.5  # seconds that a window at the end of a run may lack


@dataclass(frozen=True, slots=True)
class Window:
    """A whole window: where it begins, and the metric in it; None with too few samples."""

    since: float
    value: float | None


def windows(rule: Rule, folder: Path) -> list[Window]:
    """All whole windows of the measured part that begin after the time of grace."""
    if rule.condition.is_latency:
        return _of_latency(rule, folder)
    return _of_counter(rule, folder)


def after_grace(rule: Rule, folder: Path) -> Histogram:
    """The latencies of messages that were due after the time of grace."""
    total = Histogram()
    for due, bucket, number in _by_due_time(rule.condition, folder)[0]:
        if due >= rule.grace:
            total.counts[bucket] += number
    return total


def _whole_ones(rule: Rule, length: float) -> range:
    return range(int((length + _SLACK - rule.grace) // rule.window))


def _of_latency(rule: Rule, folder: Path) -> list[Window]:
    latencies, length = _by_due_time(rule.condition, folder)
    found = [Histogram() for _ in _whole_ones(rule, length)]
    for due, bucket, number in latencies:
        at = int((due - rule.grace) // rule.window)
        if 0 <= at < len(found):
            found[at].counts[bucket] += number
    return [
        Window(rule.grace + at * rule.window, value_in(rule, histogram))
        for at, histogram in enumerate(found)
    ]


def _by_due_time(asked: Condition, folder: Path) -> tuple[list[tuple[float, int, int]], float]:
    """When messages were due, the bucket of their latency and how many; and how long that is."""
    _, kind, origin, _ = asked.metric.split(".")
    seconds, length = by_second(folder, kind, origin)
    found = []
    for at, histogram in seconds:
        for bucket, number in histogram.counts.items():
            due = min(max(at - value_of(bucket) / 1e9, 0.0), max(length - 1e-6, 0.0))
            found.append((due, bucket, number))
    return found, length


def _of_counter(rule: Rule, folder: Path) -> list[Window]:
    names = COUNTERS[rule.condition.metric]
    processes = [
        each
        for path in sorted(folder.glob("health-*.jsonl"))
        if len(each := list(_counted(path, names))) > 1
    ]
    length = max((points[-1][0] for points in processes), default=0.0)
    count = len(_whole_ones(rule, length))
    edges = rule.grace + rule.window * np.arange(count + 1)
    grown = np.zeros(count)
    for points in processes:
        times, values = zip(*points, strict=True)
        # A thing counts once, in the window in which most of its second lies.
        grown += np.diff(np.round(np.interp(edges, times, values)))
    if rule.condition.metric.endswith("_rate"):
        grown /= rule.window
    return [
        Window(since, value)
        for since, value in zip(edges[:-1].tolist(), grown.tolist(), strict=True)
    ]


def _counted(path: Path, names: tuple[str, ...]) -> Iterator[tuple[float, float]]:
    """Seconds of the measured part, and how many there were by then."""
    before: dict[str, Any] | None = None
    began = None
    for line in read_lines(path):
        if line.get("phase") == Phase.MEASURED:
            if began is None:
                began = int(line["t"]) - 1_000_000_000 if before is None else int(before["t"])
                yield 0.0, _sum(before or {}, names)
            yield (int(line["t"]) - began) / 1e9, _sum(line, names)
        before = line


def _sum(line: dict[str, Any], names: tuple[str, ...]) -> float:
    return float(sum(int(line.get(name, 0)) for name in names))
