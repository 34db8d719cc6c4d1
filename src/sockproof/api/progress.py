"""What a load run shows of itself while it goes on, from its folder: one line, again and again."""

from __future__ import annotations

import math
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sockproof.analysis.summary.lag import lag_of
from sockproof.formats.load import About
from sockproof.runs.histogram import Histogram
from sockproof.runs.load_records import Phase
from sockproof.runs.reader import GrowingRun, HealthLine
from sockproof.vocabulary import P99, Counter, LatencyKind, Origin, Property

WINDOW = 5.0  # seconds that count as now
# What is known of violations before the end.
KNOWN = (
    *(Property.DISCONNECTED, Property.CONNECT_FAILURES, Property.REFUSED, Property.UNANSWERED),
    *(Property.CORRUPTED, Property.MISACKNOWLEDGED, Property.WITHHELD, Property.ERRORS),
)


@dataclass(frozen=True, slots=True)
class Now:
    """How a run is at a moment; rates are those of the last seconds, None where none is known."""

    elapsed: float
    left: float
    phase: Phase | None  # None: it has not begun
    connections: int = 0
    sent: float | None = None
    received: float | None = None
    p99_ms: float | None = None
    kind: LatencyKind = LatencyKind.DELIVERY
    lag_ms: float = 0.0
    violations: dict[Property, int] | None = None


class Shows(Protocol):
    """Who shows a run while it goes on."""

    what: str  # which run it is, of several

    def begin(self, folder: Path, run_time: float, drain: float) -> None:
        """A run begins."""

    def look(self) -> None:
        """Time has passed; called several times a second."""

    def end(self) -> None:
        """The run is over: nothing of it is left to be seen."""

    def clears(self, descriptor: int) -> bool:
        """Whether what is written there has to go through `write`."""

    def write(self, descriptor: int, octets: bytes) -> None:
        """Let others' output pass."""


def run_time_of(about: About) -> float | None:
    """How many seconds a run is to take, as it says itself; None where it does not."""
    try:
        value = float(str(about.parameters.get("run_time") or "nan"))
    except ValueError:
        return None
    return value if 0 < value < math.inf else None


class Watched:
    """A run that goes on; each look reads what its processes have written since the last."""

    def __init__(self, folder: Path, run_time: float, drain: float) -> None:
        self._run = GrowingRun(folder)
        self._run_time, self._drain = run_time, drain
        self._last: dict[int, HealthLine] = {}  # of each process
        self._totals: deque[tuple[float, int, int]] = deque()  # time, sent, received
        self._recent: deque[tuple[float, LatencyKind, Histogram]] = deque()
        self._lags: deque[tuple[float, int]] = deque()
        self._begun: float | None = None
        self._drains: float | None = None

    def now(self) -> Now:
        """How it is."""
        now = time.monotonic()
        for tag, line in self._run.health():
            self._last[tag] = line
            self._lags.append((now, lag_of(line)))
        for _, each in self._run.latencies():
            for kind in (LatencyKind.DELIVERY, LatencyKind.ACK):
                counts = each.counts(kind, Origin.INTENDED) or each.before(kind, Origin.INTENDED)
                self._recent.append((now, kind, Histogram.from_json(counts)))
        if self._run.about is None:
            return Now(0.0, self._run_time, None)
        if self._begun is None:
            self._begun = now
            self._run_time = run_time_of(self._run.about) or self._run_time
        phase = min((line.phase for line in self._last.values()), default=Phase.RAMP)
        if phase >= Phase.DRAIN and self._drains is None:
            self._drains = now
        self._note(now)
        left = self._run_time - (now - self._begun)
        if self._drains is not None:
            left = self._drain - (now - self._drains)
        kind, p99 = self._p99()
        return Now(
            elapsed=now - self._begun,
            left=max(left, 0.0),
            phase=phase,
            connections=self._sum(Counter.LIVE),
            sent=self._rate(1),
            received=self._rate(2),
            p99_ms=p99,
            kind=kind,
            lag_ms=max((lag for _, lag in self._lags), default=0) / 1e6,
            violations={each: count for each in KNOWN if (count := self._violations(each))},
        )

    def _note(self, now: float) -> None:
        self._totals.append((now, self._sum(Counter.EMITTED), self._sum(Counter.RECEIPTS)))
        while len(self._totals) > 2 and now - self._totals[1][0] >= WINDOW:
            self._totals.popleft()
        while self._recent and now - self._recent[0][0] > WINDOW:
            self._recent.popleft()
        while self._lags and now - self._lags[0][0] > WINDOW:
            self._lags.popleft()

    def _sum(self, name: Counter) -> int:
        return sum(int(line.values.get(name, 0)) for line in self._last.values())

    def _violations(self, name: Property) -> int:
        excused = self._sum(Counter.EXCUSED) if name == Property.WITHHELD else 0
        return self._sum(Counter[name.name]) - excused

    def _rate(self, column: int) -> float | None:
        if len(self._totals) < 2:
            return None
        first, last = self._totals[0], self._totals[-1]
        seconds = last[0] - first[0]
        return (last[column] - first[column]) / seconds if seconds > 0 else None

    def _p99(self) -> tuple[LatencyKind, float | None]:
        for kind in (LatencyKind.DELIVERY, LatencyKind.ACK):
            merged = Histogram.sum(each for _, of, each in self._recent if of == kind)
            found = merged.at(P99.fraction) if merged.samples else None
            if found is not None:
                return kind, found / 1e6
        return LatencyKind.DELIVERY, None
