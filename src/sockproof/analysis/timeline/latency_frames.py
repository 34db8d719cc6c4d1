"""Latencies second by second, from what all processes wrote, added up one second at a time.

Only one second is held at once, so that an hour of many processes takes no more memory than a
minute of one. Here the percentiles of a second have no least number of samples: with fewer than
a hundred the 99th is the largest. Those of the whole measured part are as the summary has them.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sockproof.analysis.summary.latency import counts_for
from sockproof.runs.clock import Clock
from sockproof.runs.histogram import Histogram, value_of
from sockproof.runs.reader import LatencyLine, RunProcess
from sockproof.vocabulary import (
    MAX_MS,
    MESSAGE_KINDS,
    OF_A_SECOND,
    SAMPLES,
    LatencyKind,
    Origin,
)

HEAT_COLUMNS = 200  # at most, of a whole run
HEAT_FROM, HEAT_TO = 4, 11  # powers of ten of nanoseconds: 10 µs to 100 s
HEAT_STEPS = 12  # to a power of ten
_TOP_BUCKET = (57 << 7) + 256  # of the largest value of 64 bits

Counts = defaultdict[int, int]
Key = tuple[str, str]


@dataclass
class Latencies:
    """`rows` has a dict for each second in which anything came; `heat[kind]` counts messages by
    power of ten (rows) and time (columns); `totals` is what the summary's percentiles are of."""

    rows: dict[int, dict[str, float]] = field(default_factory=dict)
    heat: dict[str, NDArray[np.int64]] = field(default_factory=dict)
    totals: dict[str, dict[str, Histogram]] = field(
        default_factory=lambda: {
            k.value: {o.value: Histogram() for o in Origin} for k in LatencyKind
        }
    )


def read_latencies(
    processes: Iterable[RunProcess], clock: Clock, seconds: int
) -> tuple[Latencies, int]:
    """The latencies of processes, and how many of their lines are of no second of the run."""
    found, torn = Latencies(), _Torn()
    columns = max(1, min(seconds, HEAT_COLUMNS))
    for kind in LatencyKind:
        shape = ((HEAT_TO - HEAT_FROM) * HEAT_STEPS, columns)
        found.heat[kind] = np.zeros(shape, dtype=np.int64)
    streams = [_lines(process, clock, torn, seconds) for process in processes]
    second, counts = -1, _nothing()
    for now, line in heapq.merge(*streams, key=_second):
        if now != second:
            _close(found, second, counts, seconds)
            second, counts = now, _nothing()
        _add(line, counts, found)
    _close(found, second, counts, seconds)
    return found, torn.lines


class _Torn:
    lines = 0


def _nothing() -> dict[Key, Counts]:
    return {(kind, origin): defaultdict(int) for kind in LatencyKind for origin in Origin}


def _lines(
    process: RunProcess, clock: Clock, torn: _Torn, seconds: int
) -> Iterator[tuple[int, LatencyLine]]:
    last = 0
    for line in process.latencies():
        second = clock.second_of_line(process.tag, line.time)
        if second is None:
            torn.lines += 1
            continue
        last = max(last, min(second, seconds - 1))  # merging demands an order
        yield last, line


def _add(line: LatencyLine, counts: dict[Key, Counts], found: Latencies) -> None:
    for kind in LatencyKind:
        for origin in Origin:
            total = found.totals[kind][origin].counts if counts_for(kind, line) else None
            _count(line.counts(kind, origin), counts[kind, origin], total)
    for kind in MESSAGE_KINDS:
        for origin in Origin:
            _count(line.before(kind, origin), counts[kind, origin], None)


def _count(told: Mapping[str, int], counts: Counts, total: Counts | None) -> None:
    for bucket, number in told.items():
        index = int(bucket)
        if 0 <= index < _TOP_BUCKET and 0 < number < 1 << 50:
            counts[index] += number
            if total is not None:
                total[index] += number


def _close(found: Latencies, second: int, counts: dict[Key, Counts], seconds: int) -> None:
    """A second is complete."""
    if not 0 <= second < seconds:
        return
    row: dict[str, float] = {}
    for (kind, origin), each in counts.items():
        if not each:
            continue
        row |= _columns(f"{kind}_{origin}", each)
        if origin == Origin.INTENDED:
            heat = found.heat[kind]
            column = second * heat.shape[1] // seconds
            places = [_heat_row(value_of(bucket)) for bucket in each]
            np.add.at(heat[:, column], places, list(each.values()))
    if row:
        found.rows[second] = row


def _columns(name: str, counts: Counts) -> dict[str, float]:
    """Samples and percentiles of a second."""
    buckets = sorted(counts)
    upto = np.cumsum([counts[bucket] for bucket in buckets])
    row: dict[str, float] = {f"{name}_{SAMPLES}": int(upto[-1])}
    for of in OF_A_SECOND:
        at = int(np.searchsorted(upto, of.fraction * upto[-1]))
        row[f"{name}_{of.ms}"] = value_of(buckets[at]) / 1e6
    row[f"{name}_{MAX_MS}"] = value_of(buckets[-1]) / 1e6
    return row


def rows_of_parts(
    processes: Iterable[RunProcess],
    clock: Clock,
    seconds: int,
    kinds: Mapping[str, tuple[str, str]],
) -> Iterator[dict[str, object]]:
    """For each second and part with latencies, from the measured part on, a row.

    `kinds` has the part and the kind by the key under which its latencies are written.
    """
    streams = [_lines(process, clock, _Torn(), seconds) for process in processes]
    for second, lines in itertools.groupby(heapq.merge(*streams, key=_second), key=_second):
        found: dict[str, dict[Key, Counts]] = {}
        for _, line in lines:
            for key, (part, kind) in kinds.items():
                for origin in Origin:
                    if told := line.counts(key, origin):
                        counts = found.setdefault(part, _nothing())[kind, origin]
                        _count(told, counts, None)
        for part, parted in found.items():
            row: dict[str, object] = {"time_s": float(second), "part": part}
            for (kind, of), counts in parted.items():
                row |= _columns(f"{kind}_{of}", counts) if counts else {}
            yield row


def _second(each: tuple[int, LatencyLine]) -> int:
    return each[0]


def _heat_row(nanoseconds: int) -> int:
    place = math.floor((math.log10(max(nanoseconds, 1)) - HEAT_FROM) * HEAT_STEPS)
    return min(max(place, 0), (HEAT_TO - HEAT_FROM) * HEAT_STEPS - 1)
