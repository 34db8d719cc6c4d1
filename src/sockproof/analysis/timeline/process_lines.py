"""What one process of a load run told of itself once a second, as arrays over time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from sockproof.runs.clock import Clock
from sockproof.runs.histogram import Histogram
from sockproof.runs.reader import HealthLine, RunProcess
from sockproof.vocabulary import PROCESS, Gauge

SEND_LAG_NS = "send_lag_ns"  # computed of a line
_FRACTION = 0.99  # of the sends of a second, whose lag is told
Line = NDArray[np.float64]


class ProcessLines:
    """The lines of one process, in their order; times are seconds since the run began."""

    def __init__(self, process: RunProcess, clock: Clock) -> None:
        self.tag = process.tag
        self._clock = clock
        lines = list(process.health())
        known = [line for line in lines if clock.believes(self.tag, line.time)]
        self.passed_over = len(lines) - len(known)
        known.sort(key=lambda line: line.time)
        self._nanoseconds = [line.time for line in known]
        self._time: Line = np.array([clock.seconds(self.tag, line.time) for line in known])
        self._lines = [_kept(line) for line in known]

    @property
    def end(self) -> float:
        """When the last line was written."""
        return float(self._time[-1]) if len(self._time) else 0.0

    def _known(self, name: str) -> tuple[Line, Line]:
        """The times at which something was told, and what."""
        pairs = [
            (time, line[name])
            for time, line in zip(self._time.tolist(), self._lines, strict=True)
            if name in line
        ]
        both = np.array(pairs, dtype=np.float64).reshape(-1, 2)
        return both[:, 0], both[:, 1]

    def growth(self, name: str, edges: Line, from_zero: bool = True) -> Line:
        """By how much a counter grew in each second; unknown outside the process's own time."""
        times, values = self._known(name)
        if len(times) < (1 if from_zero else 2):
            return np.full(len(edges) - 1, np.nan)
        if from_zero:
            times = np.concatenate(([max(times[0] - 1, 0)], times))
            values = np.concatenate(([0.0], values))
        grown: Line = np.diff(np.interp(edges, times, values))
        share = np.clip(np.minimum(edges[1:], times[-1]) - np.maximum(edges[:-1], times[0]), 0, 1)
        if from_zero:
            return np.where(share > 0, np.maximum(grown, 0), np.nan)
        # A rate where only a part of a second is known is the rate of that part.
        rate = np.maximum(grown, 0) / np.maximum(share, 1e-9)
        return np.where(share >= 0.1, rate, np.nan)

    def level(self, name: str, edges: Line) -> Line:
        """What something stood at when each second ended, or was last told in it."""
        times, values = self._known(name)
        if not len(times):
            return np.full(len(edges) - 1, np.nan)
        at = np.interp(edges[1:], times, values)
        known = (edges[:-1] < times[-1]) & (edges[1:] >= times[0])
        return np.where(known, at, np.nan)

    def worst(self, name: str, count: int) -> Line:
        """The largest value of each second, in milliseconds where the name says nanoseconds."""
        worst = np.full(count, np.nan)
        for time, line in zip(self._nanoseconds, self._lines, strict=True):
            second = self._clock.second_of_line(self.tag, time)
            if name in line and count and second is not None:
                at = min(second, count - 1)
                worst[at] = np.fmax(worst[at], line[name] / 1e6)
        return worst


def _kept(line: HealthLine) -> dict[str, float]:
    """What is shown of a line."""
    kept = {
        name.value: float(line.values[name])
        for name in (*PROCESS, *Gauge)
        if name in line.values and -1e18 < line.values[name] < 1e18
    }
    if line.lag:
        kept[SEND_LAG_NS] = _lag(line.lag)
    return kept


def _lag(told: Mapping[str, int]) -> float:
    """How far behind most sends of a second were, in nanoseconds."""
    counts = {int(bucket): number for bucket, number in told.items() if number > 0}
    return float(Histogram(counts).at(_FRACTION) or 0)
