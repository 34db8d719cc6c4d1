"""A rule in stretches of a load run's measured part, from what each process wrote once a second.

The measured part is the run's: from when all processes are in theirs until the first drains.
A latency belongs to the stretch in which its message was due, not to that of its answer: what a
server that stalls holds back counts against the time of the stall, were it answered in the drain.
Seconds are as exact as they were recorded: to within one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sockproof.analysis.gates.rules import COUNTERS, Condition, Rule, value_in
from sockproof.analysis.summary.lag import Lags, max_lag
from sockproof.analysis.summary.latency import by_second, measured_from
from sockproof.files import FileError
from sockproof.runs.histogram import Histogram, value_of
from sockproof.runs.load_records import Phase
from sockproof.runs.reader import HealthLine, LoadRunFolder, RunProcess
from sockproof.vocabulary import Counter

_SLACK = 0.5  # seconds that a window at the end of a run may lack


@dataclass(frozen=True, slots=True)
class Window:
    """A whole window: where it begins, and the metric in it; None with too few samples."""

    since: float
    value: float | None
    least: float | None = None  # of a latency, the same less the generator's lag


def windows(rule: Rule, run: LoadRunFolder) -> list[Window]:
    """All whole windows of the measured part that begin after the time of grace."""
    if rule.condition.is_latency:
        return _of_latency(rule, run)
    return _of_counter(rule, run)


def after_grace(rule: Rule, run: LoadRunFolder) -> tuple[Histogram, Histogram]:
    """The latencies of messages that were due after the time of grace, and less the lag."""
    totals = Histogram(), Histogram()
    for total, lags in zip(totals, (None, lags_of(run)), strict=True):
        for due, bucket, number in _by_due_time(rule.condition, run, lags):
            if due >= rule.grace:
                total.counts[bucket] += number
    return totals


def lags_of(run: LoadRunFolder) -> Lags:
    """The lag of the generator in each second of a run."""
    try:
        ignored = max_lag(run.about) or 0.0
    except FileError:
        ignored = 0.0
    return Lags.of(run.processes, ignored)


def _whole_ones(rule: Rule, run: LoadRunFolder) -> range:
    length = run.clock.measured_to - measured_from(run.clock)
    return range(max(int((length + _SLACK - rule.grace) // rule.window), 0))


def _of_latency(rule: Rule, run: LoadRunFolder) -> list[Window]:
    measured, less_lag = (_parted(rule, run, lags) for lags in (None, lags_of(run)))
    return [
        Window(rule.grace + at * rule.window, value_in(rule, histogram), value_in(rule, least))
        for at, (histogram, least) in enumerate(zip(measured, less_lag, strict=True))
    ]


def _parted(rule: Rule, run: LoadRunFolder, lags: Lags | None) -> list[Histogram]:
    found = [Histogram() for _ in _whole_ones(rule, run)]
    for due, bucket, number in _by_due_time(rule.condition, run, lags):
        at = int((due - rule.grace) // rule.window)
        if 0 <= at < len(found):
            found[at].counts[bucket] += number
    return found


def _by_due_time(
    asked: Condition, run: LoadRunFolder, lags: Lags | None
) -> Iterator[tuple[float, int, int]]:
    """When messages were due, the bucket of their latency and how many."""
    plain, group = asked.parted
    _, kind, origin, _ = plain.split(".")
    part = "" if group is None else str(group)
    for each in by_second(run, f"{kind}{part}", origin, lags):
        for bucket, number in each.histogram.counts.items():
            last = max(each.ends - 1e-6, each.begins)
            yield min(max(each.at - value_of(bucket) / 1e9, each.begins), last), bucket, number


def _of_counter(rule: Rule, run: LoadRunFolder) -> list[Window]:
    names = COUNTERS[rule.condition.metric]
    count = len(_whole_ones(rule, run))
    edges = rule.grace + rule.window * np.arange(count + 1)
    grown = np.zeros(count)
    for process in run.processes:
        points = list(_counted(process, run, names))
        if len(points) > 1:
            times, values = zip(*points, strict=True)
            # A thing counts once, in the window in which most of its second lies.
            grown += np.diff(np.round(np.interp(edges, times, values)))
    if rule.condition.metric.endswith("_rate"):
        grown /= rule.window
    return [
        Window(since, value)
        for since, value in zip(edges[:-1].tolist(), grown.tolist(), strict=True)
    ]


def _counted(
    process: RunProcess, run: LoadRunFolder, names: tuple[Counter, ...]
) -> Iterator[tuple[float, float]]:
    """Seconds of the measured part, and how many there were by then."""
    clock, zero = run.clock, measured_from(run.clock)
    before: HealthLine | None = None
    begins: float | None = None
    for line in process.health():
        if not clock.believes(process.tag, line.time):
            continue
        if line.phase == Phase.MEASURED:
            if begins is None:
                begins = clock.begun(process.tag).get(Phase.MEASURED, zero) - zero
                yield begins, _sum(before, names)
            yield clock.seconds(process.tag, line.time) - zero, _sum(line, names)
        before = line


def _sum(line: HealthLine | None, names: tuple[Counter, ...]) -> float:
    return 0.0 if line is None else float(sum(int(line.values.get(name, 0)) for name in names))
