"""Two load runs, or two groups of them, beside each other: what differs by more than its noise.

An interval comes of the seconds of the runs, drawn anew in blocks of five, since what is slow in
one second is slow in the next. It knows the noise within the runs and not that between runs: two
runs of the same server differ by more. `sockproof ab` measures that, too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sockproof.analysis.summary.latency import by_second
from sockproof.formats.judgements import Change, ChangeVerdict
from sockproof.runs.breakdown import By, whole
from sockproof.runs.breakdown import Group as Part
from sockproof.runs.histogram import Histogram, samples_needed, value_of
from sockproof.runs.reader import LoadRunFolder
from sockproof.vocabulary import FRACTIONS, OF_SCENARIO, PROPERTIES, Origin

BLOCK = 5  # seconds
DRAWS = 500
MOST_PARTS = 10  # messages, and classes of users
ALIKE = 0.1  # within so much of each other is the same to people
CONFIDENCE = 0.95
Counts = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """Latencies in milliseconds at shares of the messages, with their interval."""

    shares: Counts
    values: Counts
    low: Counts
    high: Counts


class Group:
    """The seconds of one or more runs, for one kind of latency from its intended time."""

    def __init__(self, runs: Sequence[LoadRunFolder], kind: str, seed: int = 1) -> None:
        seconds: list[Histogram] = []
        for run in runs:
            merged: dict[int, Histogram] = {}
            for each in by_second(run, kind, Origin.INTENDED):
                merged.setdefault(math.floor(each.at), Histogram()).add(each.histogram)
            seconds += [merged[second] for second in sorted(merged)]
        self.total = Histogram.sum(seconds)
        buckets = sorted(self.total.counts)
        place = {bucket: at for at, bucket in enumerate(buckets)}
        self.milliseconds = np.array([value_of(bucket) / 1e6 for bucket in buckets])
        table = np.zeros((len(seconds), len(buckets)))
        for row, histogram in enumerate(seconds):
            for bucket, count in histogram.counts.items():
                table[row, place[bucket]] = count
        self.all: Counts = table.sum(axis=0)
        self.drawn: Counts = _weights(len(seconds), seed) @ table

    @property
    def samples(self) -> int:
        """How many latencies there are."""
        return self.total.samples

    def at(self, share: float) -> tuple[float, Counts]:
        """The percentile, and that of each draw."""
        return float(self._of(self.all[None, :], share)[0]), self._of(self.drawn, share)

    def _of(self, counts: Counts, share: float) -> Counts:
        upto = np.cumsum(counts, axis=1)
        wanted = np.ceil(share * upto[:, -1:])
        places = np.argmax(upto >= np.maximum(wanted, 1), axis=1)
        found: Counts = self.milliseconds[places]
        return found


def _weights(seconds: int, seed: int) -> Counts:
    """How often each draw has each second."""
    random = np.random.default_rng(seed)
    width = min(BLOCK, max(seconds, 1))
    blocks = -(-seconds // width) if seconds else 0
    starts = random.integers(0, max(seconds, 1), size=(DRAWS, blocks))
    weights = np.zeros((DRAWS, seconds))
    rows = np.repeat(np.arange(DRAWS), blocks)
    for step in range(width):
        np.add.at(weights, (rows, (starts.ravel() + step) % max(seconds, 1)), 1.0)
    return weights


def changes(a: Group, b: Group, kind: str, part: Part | None = None) -> list[Change]:
    """Each percentile for which both have enough samples; `part` is what the groups are of."""
    found = []
    least = min(a.samples, b.samples)
    for name, share in FRACTIONS.items():
        if least < samples_needed(share):
            continue
        (of_a, draws_a), (of_b, draws_b) = a.at(share), b.at(share)
        ratios = np.sort(draws_b) if of_a <= 0 else draws_b / np.maximum(draws_a, 1e-9)
        tail = (1 - CONFIDENCE) / 2
        low, high = map(float, np.quantile(ratios, [tail, 1 - tail]))
        metric = whole(f"latency.{kind}.{Origin.INTENDED}.{name}", part)
        ratio = of_b / max(of_a, 1e-9)
        found.append(Change(metric, of_a, of_b, ratio, low, high, _verdict(low, high)))
    return found


def _verdict(low: float, high: float) -> ChangeVerdict:
    """What the interval of a ratio says."""
    if low > 1 + ALIKE:
        return "slower"
    if high < 1 / (1 + ALIKE):
        return "faster"
    if low >= 1 / (1 + ALIKE) and high <= 1 + ALIKE:
        return "alike"
    return "inconclusive"


def curve(group: Group) -> Curve:
    """The percentile curve as far as the samples carry it."""
    most = 1 - 10 / max(group.samples, 20)
    shares = 1 - np.logspace(0, np.log10(max(1 - most, 1e-9)), 40)
    values, low, high = [], [], []
    for share in shares:
        value, draws = group.at(float(share))
        values.append(value)
        low.append(float(np.quantile(draws, 0.025)))
        high.append(float(np.quantile(draws, 0.975)))
    return Curve(shares, np.array(values), np.array(low), np.array(high))


def parts(summaries: Sequence[dict[str, Any]]) -> list[Part]:
    """The messages and the classes of users that all runs have, where there are several; those
    with the most messages of each sort."""
    found = []
    for by in By:
        told = [each.get(by) or {} for each in summaries]
        names = [name for name in told[0] if all(name in each for each in told[1:])]
        if min(map(len, told)) > 1:
            names.sort(key=lambda name: -max(told[0][name]["counts"].values(), default=0))
            found += [Part(by, name) for name in names[:MOST_PARTS]]
    return found


def violations(summaries: Sequence[dict[str, Any]], within: Sequence[Part] = ()) -> dict[str, int]:
    """What went wrong with messages, and how often, in all runs of a group: in all, and `within`
    parts, whose names say so."""
    found = {
        name.value: sum(int(each["counts"].get(name, 0)) for each in summaries)
        for name in PROPERTIES
        if name not in OF_SCENARIO
    }
    for part in within:
        counts = [each[part.by][part.name]["counts"] for each in summaries]
        for name in sorted(set(PROPERTIES) & set(counts[0])):
            found[whole(f"counts.{name}", part)] = sum(int(each.get(name, 0)) for each in counts)
    return found
