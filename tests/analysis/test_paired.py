"""The statistics of pairs give what can be worked out by hand, and intervals cover the truth."""

from __future__ import annotations

import numpy as np
import pytest

from sockproof.analysis.statistics.paired import (
    SAMPLED,
    balanced_order,
    holm,
    interval,
    interval_between,
    permutation,
    sign_flip,
)


@pytest.mark.parametrize(
    ("differences", "share"),
    [
        ([1, 2, 3], 1 / 8),
        ([1, -2, 3], 3 / 8),  # 6, 4 and 2 reach 2
        ([1, 2, -3], 5 / 8),  # 6, 4, 2, 0 and 0 reach 0
        ([-1, -2, -3], 1),
        ([0, 0, 0], 1),
        ([0.1] * 12, 1 / 4096),
        ([0.1, 0.2, 0.3, -0.3], 3 / 8),  # sums that floating point does not make equal
    ],
)
def test_sign_flip_is_exact(differences: list[float], share: float) -> None:
    assert sign_flip(differences)[0] == share


def test_sign_flip_takes_columns_side_by_side() -> None:
    columns = np.array([[1, 1], [2, -2], [3, 3]])
    assert sign_flip(columns).tolist() == [1 / 8, 3 / 8]


def test_sign_flip_of_many_pairs_is_sampled() -> None:
    rng = np.random.default_rng(1)
    assert sign_flip([0.1] * 40, rng)[0] == 1 / (1 + SAMPLED)
    even = sign_flip([0.1, -0.1] * 10, rng)[0]
    # 20 signs reach 0 in sum: half of what is not 0, and C(20, 10) of 2^20 that are
    assert even == pytest.approx(0.5 + 184756 / 2**21, abs=0.01)


def test_permutation_is_exact() -> None:
    rng = np.random.default_rng(1)
    assert permutation([1, 2], [3, 4], rng) == pytest.approx(1 / 6)
    assert permutation([1, 3], [2, 4], rng) == pytest.approx(2 / 6)
    assert permutation([3, 4], [1, 2], rng) == 1


def test_permutation_of_large_groups_is_sampled() -> None:
    rng = np.random.default_rng(1)
    assert permutation(list(range(20)), list(range(20, 40)), rng) == 1 / (1 + SAMPLED)
    assert permutation([1.0] * 20, [1.0] * 20, rng) == 1


def test_holm() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.6]) == [1.0, 1.0]
    assert holm([0.004]) == [0.004]


@pytest.mark.parametrize("tails", ["normal", "heavy"])
def test_interval_covers_the_mean_as_often_as_it_says(tails: str) -> None:
    rng = np.random.default_rng(5)
    shape = 10, 1000
    noise = rng.standard_normal(shape) if tails == "normal" else rng.standard_t(4, shape)
    low, high = interval(0.2 + noise, 0.95, rng)
    assert 0.9 <= ((low < 0.2) & (high > 0.2)).mean() <= 0.985


def test_interval_between_groups_covers_the_difference() -> None:
    rng = np.random.default_rng(6)
    covered = 0
    for _ in range(150):
        a, b = rng.normal(0, 0.1, 8), rng.normal(0.2, 0.2, 12)
        low, high = interval_between(list(a), list(b), 0.95, rng)
        covered += low < 0.2 < high
    assert 0.88 <= covered / 150 <= 0.995


def test_interval_without_any_spread_is_a_point() -> None:
    low, high = interval([0.25] * 6, 0.95, np.random.default_rng(1))
    assert low[0] == high[0] == 0.25


def test_order_is_balanced_and_random() -> None:
    orders = [balanced_order(7, np.random.default_rng(seed)) for seed in range(20)]
    for order in orders:
        assert len(order) == 7
        assert all({*order[at : at + 2]} == {"AB", "BA"} for at in (0, 2, 4))
    assert len({tuple(order) for order in orders}) > 5
