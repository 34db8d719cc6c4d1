"""The clock of a host beside that of the run: the line is right within the error that it states."""

from __future__ import annotations

import random

import pytest

from sockproof.runs.clock_line import SAME, RoundTrip, fit

SECOND = 1_000_000_000
MILLISECOND = 1_000_000


def trips(
    dice: random.Random, offset: int, drift: float, seconds: int, slowest: int
) -> list[RoundTrip]:
    """Two round trips a second over a network whose ways take as long as they like."""
    found = []
    for half in range(2 * seconds):
        sent = 5 * SECOND + half * SECOND // 2
        there, back = dice.randint(20_000, slowest), dice.randint(20_000, slowest)
        at = sent + there
        found.append(RoundTrip(sent, at + back, at + offset + round(at * drift)))
    return found


@pytest.mark.parametrize("offset", [0, 7 * 3600 * SECOND, -3 * SECOND])
@pytest.mark.parametrize("drift", [0.0, 3e-5, -2e-3])
@pytest.mark.parametrize("slowest", [60_000, 40 * MILLISECOND])
def test_a_line_is_right_within_its_error(offset: int, drift: float, slowest: int) -> None:
    dice = random.Random(f"{offset} {drift} {slowest}")
    begin, end = 5 * SECOND, 65 * SECOND
    line = fit(trips(dice, offset, drift, 60, slowest), begin, end)
    assert line is not None
    for time in range(begin, end, SECOND // 3):
        assert abs(line.to_run(time) - (time + offset + round(time * drift))) <= line.error
        assert abs(line.to_own(line.to_run(time)) - time) <= 1
    assert line.error < max(slowest, 200_000)  # it says something
    assert line.round_trips == 120


def test_a_clock_that_was_cut_off_is_known_less_well() -> None:
    all_of_it = trips(random.Random(1), 10**12, 1e-5, 60, 50_000)
    cut = [each for each in all_of_it if not 20 * SECOND < each.sent < 40 * SECOND]
    whole, parted = (fit(each, 5 * SECOND, 65 * SECOND) for each in (all_of_it, cut))
    assert whole is not None
    assert parted is not None
    assert parted.error > whole.error + MILLISECOND // 2


def test_a_clock_that_was_set_has_an_error_as_large_as_the_step() -> None:
    before = trips(random.Random(1), 0, 0.0, 60, 50_000)
    after = [
        each._replace(there=each.there + SECOND * (each.sent > 35 * SECOND)) for each in before
    ]
    line = fit(after, 5 * SECOND, 65 * SECOND)
    assert line is not None
    for each in after:
        assert abs(line.to_run(each.sent) - each.there) <= line.error


def test_a_single_round_trip_is_a_line() -> None:
    line = fit([RoundTrip(SECOND, SECOND + 100, 5 * SECOND)], SECOND, 2 * SECOND)
    assert line is not None
    assert abs(line.to_run(SECOND + 50) - 5 * SECOND) <= line.error


@pytest.mark.parametrize(
    "told",
    [
        [],
        [RoundTrip(5, 4, 9)],
        [RoundTrip(0, 3600 * SECOND, 9)],
        [RoundTrip(0, 9, 9), RoundTrip(SECOND, SECOND + 9, 1 << 61)],
    ],
)
def test_what_tells_nothing_is_no_line(told: list[RoundTrip]) -> None:
    assert fit(told, 0, SECOND) is None


def test_the_clock_of_the_run_is_its_own() -> None:
    assert SAME.to_run(5) == SAME.to_own(5) == 5
