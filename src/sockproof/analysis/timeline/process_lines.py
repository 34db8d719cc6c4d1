"""What one process of a load run told of itself once a second, as arrays over time."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sockproof.runs.histogram import Histogram
from sockproof.runs.load_records import Phase, read_lines
from sockproof.vocabulary import PROCESS, Gauge

SEND_LAG_NS = "send_lag_ns"  # computed of a line
_FRACTION = 0.99  # of the sends of a second, whose lag is told
Line = NDArray[np.float64]


class ProcessLines:
    """The lines of one process; times are seconds since the run began, once `begin_at` is told."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tag = path.stem.partition("-")[2]
        try:
            self.clock = int(self.tag, 16) >> 16
        except ValueError:
            self.clock = 0
        self.passed_over = 0
        self.begun: dict[Phase, float] = {}
        self._lines: list[dict[str, float]] = []
        self._times: list[int] = []
        self._phases: list[int] = []
        self._began = 0
        self._longest = 0
        self._shift = 0.0  # by how much this process's seconds lie behind whole ones
        self._time: Line = np.zeros(0)

    def take(self, line: dict[str, Any]) -> None:
        """One line more; what cannot be a line is passed over."""
        time, phase = line.get("t"), line.get("phase")
        if not isinstance(time, int) or phase not in tuple(Phase):
            self.passed_over += 1
            return
        kept = {}
        for name in (*PROCESS, *Gauge):
            value = line.get(name)
            if isinstance(value, int | float) and -1e18 < value < 1e18:
                kept[name.value] = float(value)
        lag = line.get("lag")
        if isinstance(lag, dict):
            kept[SEND_LAG_NS] = _lag(lag)
        self._times.append(time)
        self._phases.append(int(phase))
        self._lines.append(kept)

    @property
    def first(self) -> int:
        """The time of the first line, in nanoseconds; 0 without any."""
        return min(self._times, default=0)

    def begin_at(self, began: int, longest: int) -> None:
        """The run began at `began` nanoseconds of this clock, and lasts no longer than that."""
        self._began, self._longest = began, longest
        chosen = [
            at
            for at, time in enumerate(self._times)
            if 0 <= time - began <= longest * 1_000_000_000
        ]
        self.passed_over += len(self._times) - len(chosen)
        chosen.sort(key=self._times.__getitem__)
        self._lines = [self._lines[at] for at in chosen]
        self._phases = [self._phases[at] for at in chosen]
        times = [self._times[at] for at in chosen]
        self._time = (np.array(times, dtype=np.int64) - began) / 1e9
        parts = [
            t % 1.0
            for t, line in zip(self._time.tolist(), self._lines, strict=True)
            if Gauge.HUB_LAG_NS in line
        ]
        if parts:  # the middle on a circle: what lies around a whole second is turned by half
            around = [(p + 0.5) % 1.0 for p in parts]
            straight = statistics.pstdev(parts) <= statistics.pstdev(around)
            middle = statistics.median(parts if straight else around) - (0 if straight else 0.5)
            self._shift = middle - round(middle)
        for before, after, time in zip(
            self._phases, self._phases[1:], self._time.tolist(), strict=False
        ):
            for phase in range(before + 1, after + 1):
                self.begun.setdefault(Phase(phase), time)

    @property
    def end(self) -> float:
        """When the last line was written."""
        return float(self._time[-1]) if len(self._time) else 0.0

    def second_of(self, time: int) -> int | None:
        """The second that a line written at `time` (in nanoseconds) covers most of."""
        since = (time - self._began) / 1e9
        if not 0 <= since <= self._longest:
            return None
        return max(round(since - self._shift) - 1, 0)

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
        for time, line in zip(self._time.tolist(), self._lines, strict=True):
            second = min(max(round(time - self._shift) - 1, 0), count - 1)
            if name in line and count:
                worst[second] = np.fmax(worst[second], line[name] / 1e6)
        return worst


def read_process(path: Path) -> ProcessLines:
    """The lines of `health-TAG.jsonl`."""
    process = ProcessLines(path)
    for line in read_lines(path):
        process.take(line)
    return process


def _lag(told: dict[str, Any]) -> float:
    """How far behind most sends of a second were, in nanoseconds."""
    counts = {}
    for bucket, number in told.items():
        if bucket.isdecimal() and len(bucket) < 5 and isinstance(number, int) and number > 0:
            counts[int(bucket)] = number
    return float(Histogram(counts).at(_FRACTION) or 0)
