"""How far behind the generator was in each second, and latencies less that.

A callback that runs late makes an answer seem late by as much, and never early. So a latency lies
between what was measured and that less the lag of its own second. Of what was measured from the
intended time, the lag of the send is left out by measuring from the actual one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sockproof.formats.load import About
from sockproof.runs.clock import SECOND
from sockproof.runs.histogram import Histogram, bucket_of, value_of
from sockproof.runs.reader import HealthLine, RunProcess
from sockproof.vocabulary import Gauge


def max_lag(run: About) -> float | None:
    """The lag of the generator that is to be ignored, in ms, where the run was told one."""
    told = run.parameters.get("max_lag")
    return float(told) if isinstance(told, int | float) and told >= 0 else None


def lag_of(line: HealthLine) -> int:
    """The largest lag of a second, in nanoseconds."""
    sends = Histogram.from_json(line.lag).maximum() or 0
    return max(int(line.values.get(Gauge.HUB_LAG_NS, 0)), sends)


def less(counts: Mapping[str, int], lag: int) -> Histogram:
    """Latencies, each less a lag."""
    found = Histogram.from_json(counts)
    if lag <= 0:
        return found
    shifted = Histogram()
    for bucket, number in found.counts.items():
        shifted.counts[bucket_of(value_of(bucket) - lag)] += number
    return shifted


@dataclass
class Lags:
    """The largest lag in each second of each process."""

    ignored: int = 0  # nanoseconds
    _times: dict[int, list[int]] = field(default_factory=dict)
    _lags: dict[int, list[int]] = field(default_factory=dict)

    @classmethod
    def of(cls, processes: Iterable[RunProcess], ignored_ms: float = 0.0) -> Lags:
        """From the lines of health; a lag of at most `ignored_ms` counts as none."""
        found = cls(int(ignored_ms * 1e6))
        for process in processes:
            lines = sorted((line.time, lag_of(line)) for line in process.health())
            found._times[process.tag] = [time for time, _ in lines]
            found._lags[process.tag] = [lag for _, lag in lines]
        return found

    def at(self, tag: int, time: int) -> int:
        """The largest lag in the second that ends at a time of a process, in nanoseconds."""
        times = self._times.get(tag, [])
        # A line is written at the end of its second, and seconds need not begin together.
        first, last = bisect_right(times, time - SECOND), bisect_right(times, time + SECOND)
        lag = max(self._lags.get(tag, [])[first:last], default=0)
        return lag if lag > self.ignored else 0
