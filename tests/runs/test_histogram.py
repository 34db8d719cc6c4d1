"""Histograms keep values to within their relative error, and add up exactly."""

from __future__ import annotations

import json
import random

from hypothesis import given
from hypothesis import strategies as st

from sockproof.runs.histogram import (
    RELATIVE_ERROR,
    Histogram,
    bucket_of,
    samples_needed,
    value_of,
)

VALUES = st.integers(0, 10**13)


def of(values: list[int]) -> Histogram:
    histogram = Histogram()
    for value in values:
        histogram.record(value)
    return histogram


@given(VALUES)
def test_value_is_known_to_within_the_relative_error(value: int) -> None:
    assert abs(value_of(bucket_of(value)) - value) <= value * RELATIVE_ERROR
    assert RELATIVE_ERROR < 0.01


@given(VALUES, VALUES)
def test_buckets_keep_the_order(one: int, other: int) -> None:
    assert (bucket_of(one) < bucket_of(other)) <= (one < other)


@given(st.lists(VALUES), st.lists(VALUES))
def test_sum_is_the_histogram_of_both(one: list[int], other: list[int]) -> None:
    assert Histogram.sum([of(one), of(other)]).counts == of(one + other).counts
    text = json.dumps(of(one).to_json())
    assert Histogram.from_json(json.loads(text)).counts == of(one).counts


def test_percentile_is_that_of_the_values() -> None:
    values = [random.Random(3).randrange(10**9) for _ in range(100_000)]
    histogram = of(values)
    values.sort()
    for fraction in (0.5, 0.9, 0.99, 0.999):
        exact = values[int(fraction * len(values))]
        assert histogram.percentile(fraction) is not None
        assert abs((histogram.percentile(fraction) or 0) - exact) <= 0.01 * exact


def test_percentile_needs_ten_samples_beyond_it() -> None:
    assert samples_needed(0.99) == 1000
    assert of([5] * 999).percentile(0.99) is None
    assert of([5] * 1000).percentile(0.99) == 5
    assert of([5] * 999).at(0.99) == 5
    assert Histogram().at(0.5) is Histogram().maximum() is None


def test_share_above_is_that_of_larger_buckets() -> None:
    assert of([1] * 3 + [1_000_000]).share_above(1000) == 0.25
    assert Histogram().share_above(1) == 0.0


def test_negative_values_count_as_zero() -> None:
    assert of([-5]).counts == {0: 1}
