"""Histograms of nanoseconds with a stated relative error, which add up exactly.

Buckets are log-linear: 128 to each power of two. A value below 128 ns has a bucket of its own;
every other is known to within 0.4 % (`RELATIVE_ERROR`). A histogram holds only the buckets that
something fell into, and the sum of two is the histogram of both sets of values.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

BITS = 7
RELATIVE_ERROR = 1 / (1 << (BITS + 1))
# Of the coarser histograms that other programs take, in seconds.
BOUNDS = tuple(float(f"{unit}e{power}") for power in range(-4, 2) for unit in (1, 2.5, 5))


def bucket_of(nanoseconds: int) -> int:
    """The bucket that a value falls into; what is negative counts as 0.

    The recorder writes this expression out where a call would cost as much as the work.
    """
    shift = nanoseconds.bit_length() - 8
    if shift > 0:
        return (shift << BITS) + (nanoseconds >> shift) if nanoseconds > 0 else 0
    return max(nanoseconds, 0)


def value_of(bucket: int) -> int:
    """The middle of a bucket, in nanoseconds."""
    if bucket < 256:
        return bucket
    shift = (bucket >> BITS) - 1
    low = (bucket - (shift << BITS)) << shift
    return low + (1 << shift >> 1)


def samples_needed(fraction: float) -> int:
    """How many samples a percentile needs before it says anything: ten beyond it."""
    return round(10 / (1 - fraction))


class Histogram:
    """How many values fell into each bucket."""

    __slots__ = ("counts",)

    def __init__(self, counts: Mapping[int, int] | None = None) -> None:
        self.counts: defaultdict[int, int] = defaultdict(int, counts or {})

    def record(self, nanoseconds: int) -> None:
        """Count one value."""
        self.counts[bucket_of(nanoseconds)] += 1

    def add(self, other: Histogram) -> None:
        """Count what another histogram has counted."""
        for bucket, number in other.counts.items():
            self.counts[bucket] += number

    @classmethod
    def sum(cls, histograms: Iterable[Histogram]) -> Histogram:
        """One histogram of all that several have counted."""
        total = cls()
        for histogram in histograms:
            total.add(histogram)
        return total

    @property
    def samples(self) -> int:
        """How many values were counted."""
        return sum(self.counts.values())

    @property
    def total(self) -> int:
        """The sum of all values, in nanoseconds."""
        return sum(value_of(bucket) * number for bucket, number in self.counts.items())

    def up_to(self, bounds: Sequence[float]) -> Iterator[tuple[float, int]]:
        """Each bound, in rising seconds, and how many values do not exceed it."""
        counts = sorted(self.counts.items())
        below, at = 0, 0
        for bound in bounds:
            while at < len(counts) and value_of(counts[at][0]) <= bound * 1e9:
                below += counts[at][1]
                at += 1
            yield bound, below

    def percentile(self, fraction: float) -> int | None:
        """The value that `fraction` of the samples do not exceed; None with too few samples."""
        samples = self.samples
        return self.at(fraction) if samples >= samples_needed(fraction) else None

    def at(self, fraction: float) -> int | None:
        """The same however few the samples are; None only without any."""
        left = fraction * self.samples
        for bucket in sorted(self.counts):
            left -= self.counts[bucket]
            if left <= 0:
                return value_of(bucket)
        return None

    def maximum(self) -> int | None:
        """The largest value, to within the relative error; None without samples."""
        return value_of(max(self.counts)) if self.counts else None

    def share_above(self, nanoseconds: int) -> float:
        """Which part of the samples lies in buckets above that of a value."""
        bucket, samples = bucket_of(nanoseconds), self.samples
        above = sum(number for index, number in self.counts.items() if index > bucket)
        return above / samples if samples else 0.0

    def to_json(self) -> dict[str, int]:
        """The counts as JSON knows them."""
        return {str(bucket): number for bucket, number in sorted(self.counts.items())}

    @classmethod
    def from_json(cls, value: Mapping[str, int]) -> Histogram:
        """The histogram that `to_json` wrote."""
        return cls({int(bucket): number for bucket, number in value.items()})
