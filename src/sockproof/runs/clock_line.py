"""The clock of a host beside that of the run: a line, and by how much it can be wrong.

The rules that hold here:

* A round trip says for certain: what the other clock showed lay between its two ends. So each has
  a lowest and a highest offset, and the smallest round trips tell most.
* A straight line goes through them. Its error is what those bounds leave at the worst moment of
  the run; between two round trips the clocks are taken to drift by no more than `WANDERS`.
* Where round trips contradict that (a clock that was set, or stood still), the error is as large
  as they show, and nothing that lies within it is judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

MOST_ERROR = 60_000_000_000  # nanoseconds; a clock that is known no better is not compared
MOST_DRIFT = 0.2
WANDERS = 1e-4  # of the time since a round trip: ten times what quartz clocks do
_SHORTEST = 1000.0  # nanoseconds; shorter round trips weigh no more


class RoundTrip(NamedTuple):
    """What the clock of the run showed between two times of another one, in nanoseconds."""

    sent: int
    received: int
    there: int

    @property
    def middle(self) -> float:
        """Its middle, by the other clock."""
        return (self.sent + self.received) / 2

    @property
    def half(self) -> float:
        """Half of what it took."""
        return (self.received - self.sent) / 2


@dataclass(frozen=True, slots=True)
class ClockLine:
    """From the times of a clock to those of the run, in nanoseconds."""

    pivot: int = 0
    offset: int = 0  # at the pivot
    drift: float = 0.0  # nanoseconds in each
    error: int = 0  # at most
    round_trips: int = 0

    def to_run(self, time: int) -> int:
        """A time of the clock, by that of the run."""
        return time + self.offset + round((time - self.pivot) * self.drift)

    def to_own(self, time: int) -> int:
        """A time of the run, by the clock."""
        return self.pivot + round((time - self.offset - self.pivot) / (1 + self.drift))


SAME = ClockLine()


def fit(trips: Sequence[RoundTrip], begin: int, end: int) -> ClockLine | None:
    """The line through the round trips of a clock whose process wrote from `begin` to `end`.

    None where there is none that tells anything.
    """
    trips = sorted(each for each in trips if each.received >= each.sent)
    if not trips:
        return None
    pivot, offset = trips[0].sent, trips[0].there - trips[0].sent
    points = [(each.middle - pivot, each.there - each.middle - offset) for each in trips]
    weights = [1 / max(each.half, _SHORTEST) ** 2 for each in trips]
    base, drift = _straight(points, weights)
    error = _error(trips, points, base, drift, (begin - pivot, end - pivot))
    if not error <= MOST_ERROR or abs(drift) > MOST_DRIFT:
        return None
    return ClockLine(pivot, offset + round(base), drift, int(error) + 1, len(trips))


def _straight(points: list[tuple[float, float]], weights: list[float]) -> tuple[float, float]:
    """The weighted least squares: where the line begins, and how steep it is."""
    total = sum(weights)
    x_mean = sum(w * x for (x, _), w in zip(points, weights, strict=True)) / total
    y_mean = sum(w * y for (_, y), w in zip(points, weights, strict=True)) / total
    spread = sum(w * (x - x_mean) ** 2 for (x, _), w in zip(points, weights, strict=True))
    if spread / total < 1e12:  # within a millisecond
        return y_mean, 0.0
    both = sum(w * (x - x_mean) * (y - y_mean) for (x, y), w in zip(points, weights, strict=True))
    drift = both / spread
    return y_mean - drift * x_mean, drift


def _too_steep(at: list[float], most: list[float]) -> float:
    """By how much the line can be too steep: it may be so because its points are close."""
    half = len(at) // 2
    one = min(range(half), key=most.__getitem__, default=0)
    other = min(range(half, len(at)), key=most.__getitem__)
    length = at[other] - at[one]
    return (most[one] + most[other]) / length if length > 0 else MOST_DRIFT


def _error(
    trips: list[RoundTrip],
    points: list[tuple[float, float]],
    base: float,
    drift: float,
    span: tuple[int, int],
) -> float:
    """By how much the line can be wrong at any time of the span."""
    at = [x for x, _ in points]
    aside = [abs(y - base - drift * x) for x, y in points]
    bounds = [each.half * (1 + WANDERS) for each in trips]
    most = [gap + bound for gap, bound in zip(aside, bounds, strict=True)]
    surely = max(gap - bound for gap, bound in zip(aside, bounds, strict=True))
    wanders = WANDERS + min(abs(drift), _too_steep(at, most))
    for one, other in pairwise(range(len(at))):
        most[other] = min(most[other], most[one] + wanders * (at[other] - at[one]))
    for other, one in pairwise(reversed(range(len(at)))):
        most[one] = min(most[one], most[other] + wanders * (at[other] - at[one]))
    between = [
        (most[one] + most[one + 1] + wanders * (at[one + 1] - at[one])) / 2
        for one in range(len(at) - 1)
    ]
    ends = (
        most[0] + wanders * max(0.0, at[0] - span[0]),
        most[-1] + wanders * max(0.0, span[1] - at[-1]),
    )
    return max(*most, *between, *ends) + max(surely, 0.0)
