"""Latencies of a load run, from the histograms that its processes wrote each second."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sockproof.analysis.delivery.latency import DeliveryLatencies
from sockproof.analysis.summary.lag import Lags, less
from sockproof.runs.clock import Clock
from sockproof.runs.histogram import Histogram
from sockproof.runs.load_records import Phase
from sockproof.runs.reader import LatencyLine, LoadRunFolder, RunProcess
from sockproof.vocabulary import FRACTIONS, MAX_MS, SAMPLES, LatencyKind, Origin

_MEASURED = (Phase.MEASURED, Phase.DRAIN)  # what was sent in it and came in the drain counts too


def counts_for(kind: str, line: LatencyLine) -> bool:
    """Whether a line's latencies are those of the run.

    Those of messages that were sent in the measured part; those of connects in the whole run,
    since most are made in the ramp.
    """
    return kind == LatencyKind.CONNECT or line.phase in _MEASURED


Kinds = dict[str, dict[str, Histogram]]


def latencies(
    processes: Iterable[RunProcess], deliveries: DeliveryLatencies, lags: Lags
) -> tuple[Kinds, Kinds]:
    """For each kind the histograms from intended and from actual times, in nanoseconds.

    As they were measured, and less the lag of the generator. Those of one message, or one class,
    stand under their kind with the part behind it.
    """
    found, less_lag = _kinds(), _kinds()
    for process in processes:
        for line in process.latencies(deliveries.lines(process.tag)):
            lag = lags.at(process.tag, line.time)
            for kind in (*LatencyKind, *line.parts()):
                if counts_for(kind, line):
                    for kinds in (found, less_lag):
                        kinds.setdefault(kind, {each.value: Histogram() for each in Origin})
                    for origin in Origin:
                        found[kind][origin].add(Histogram.from_json(line.counts(kind, origin)))
                        less_lag[kind][origin].add(less(line.counts(kind, Origin.ACTUAL), lag))
    return found, less_lag


def _kinds() -> Kinds:
    return {kind.value: {origin.value: Histogram() for origin in Origin} for kind in LatencyKind}


def percentiles(histogram: Histogram) -> dict[str, Any]:
    """Samples, percentiles and the maximum in milliseconds; None with too few samples."""
    told: dict[str, Any] = {SAMPLES: histogram.samples}
    for name, fraction in FRACTIONS.items():
        told[name] = _milliseconds(histogram.percentile(fraction))
    told[MAX_MS] = _milliseconds(histogram.maximum())
    return told


def _milliseconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else round(nanoseconds / 1e6, 4)


@dataclass(frozen=True, slots=True)
class Latencies:
    """What took how long, of a process, in about a second of the run.

    Times are seconds since the run's measured part began. A process may have begun its own
    earlier than the last one, and ended it later than the first.
    """

    at: float  # the middle of that second
    begins: float  # the process's own measured part
    ends: float
    histogram: Histogram


def by_second(
    run: LoadRunFolder, kind: str, origin: str, lags: Lags | None = None
) -> Iterator[Latencies]:
    """Those of all processes, with those of the drain, which belong to the measured part.

    With `lags`, less the lag of their second.
    """
    clock, zero = run.clock, measured_from(run.clock)
    for process in run.processes:
        begun = clock.begun(process.tag)
        begins = begun.get(Phase.MEASURED, zero) - zero
        ends = begun.get(Phase.DRAIN, clock.ended(process.tag)) - zero
        for line in process.latencies():
            if line.phase in _MEASURED and clock.believes(process.tag, line.time):
                # A line is written at the end of its second.
                at = max(begins, clock.seconds(process.tag, line.time) - zero - 0.5)
                if lags is None:
                    histogram = Histogram.from_json(line.counts(kind, origin))
                else:
                    lag = lags.at(process.tag, line.time)
                    histogram = less(line.counts(kind, Origin.ACTUAL), lag)
                yield Latencies(at, begins, ends, histogram)


def measured_from(clock: Clock) -> float:
    """From when seconds of the measured part count; of a run that has none, from its end on."""
    return clock.end if clock.measured_from is None else clock.measured_from
