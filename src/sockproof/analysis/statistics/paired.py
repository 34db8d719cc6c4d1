"""The statistics of few, noisy measurements, each of which is the log-ratio of two whole runs.

Tests are one-sided: small p-values say that the mean is above 0. They are exact: under the
hypothesis that it makes no difference which run of a pair is called A, a difference may as well
have the other sign. Intervals are bootstrap-t: plain percentiles of few values are too narrow.
All functions that take a column of values take several columns side by side too.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from itertools import combinations, islice

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

EXACT_UP_TO = 16  # pairs: 65,536 combinations of signs
SAMPLED = 100_000  # combinations of signs, or splits, where there are too many for all
RESAMPLES = 2000
_AT_ONCE = 256  # columns, for the sake of memory
_EQUAL = 1e-9  # relative; sums of the same values in another order count as equal


def sign_flip(differences: ArrayLike, rng: np.random.Generator | None = None) -> Floats:
    """The p-value of each column: how often random signs give a sum as large as the one seen.

    With n values none is below 1/2^n. `rng` is for more than `EXACT_UP_TO` values.
    """
    columns = _columns(differences)
    if columns.shape[1] > _AT_ONCE:
        parts = (columns[:, at : at + _AT_ONCE] for at in range(0, columns.shape[1], _AT_ONCE))
        return np.concatenate([sign_flip(part, rng) for part in parts])
    n = len(columns)
    sums = columns.sum(axis=0)
    slack = _EQUAL * np.abs(columns).sum(axis=0)
    if n <= EXACT_UP_TO:
        return _share(_signs(n) @ columns >= sums - slack)
    rng = rng or np.random.default_rng(0)
    signs = 1.0 - 2.0 * rng.integers(0, 2, (SAMPLED, n))
    share = _share(signs @ columns >= sums - slack)
    return (1 + SAMPLED * share) / (1 + SAMPLED)  # the signs seen are one possibility too


def _share(reached: NDArray[np.bool_]) -> Floats:
    told: Floats = np.asarray(reached, dtype=np.float64).mean(axis=0)
    return told


@cache
def _signs(n: int) -> Floats:
    bits = (np.arange(1 << n)[:, None] >> np.arange(n) & 1).astype(np.float64)
    return 1.0 - 2.0 * bits


def permutation(a: Sequence[float], b: Sequence[float], rng: np.random.Generator) -> float:
    """The p-value of two groups: how often a random split has a mean of B as far above A's."""
    both = np.concatenate([a, b])
    n, size = len(both), len(b)
    seen = float(np.sum(b))
    slack = _EQUAL * float(np.abs(both).sum())
    if math.comb(n, size) <= SAMPLED:
        chosen = np.array(list(combinations(range(n), size)))
        return float((both[chosen].sum(axis=1) >= seen - slack).mean())
    chosen = np.argsort(rng.random((SAMPLED, n)), axis=1)[:, :size]
    reached = int((both[chosen].sum(axis=1) >= seen - slack).sum())
    return (1 + reached) / (1 + SAMPLED)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values as Holm corrects them: compare each with the error of the whole family."""
    adjusted = [1.0] * len(p_values)
    worst = 0.0
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    for rank, index in enumerate(order):
        worst = max(worst, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = worst
    return adjusted


def interval(
    differences: ArrayLike, confidence: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Lower and upper bound of the mean of each column; needs two values and says more of five."""
    columns = _columns(differences)
    mean, error, means, errors = _resampled(columns, rng)
    return _bounds(mean, error, _studentized(means, errors), confidence)


def interval_between(
    a: Sequence[float], b: Sequence[float], confidence: float, rng: np.random.Generator
) -> tuple[float, float]:
    """Lower and upper bound of the mean of B less that of A, of unpaired values."""
    mean_a, error_a, means_a, errors_a = _resampled(_columns(a), rng)
    mean_b, error_b, means_b, errors_b = _resampled(_columns(b), rng)
    spread = _studentized(means_b - means_a, np.hypot(errors_a, errors_b))
    low, high = _bounds(mean_b - mean_a, np.hypot(error_a, error_b), spread, confidence)
    return float(low[0]), float(high[0])


def _columns(values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    return array[:, None] if array.ndim == 1 else array


def _resampled(columns: Floats, rng: np.random.Generator) -> tuple[Floats, Floats, Floats, Floats]:
    """Mean and standard error of each column; and of each resample, the mean counted from it.

    The same resamples serve all columns, so it is two products of matrices.
    """
    n = len(columns)
    weights = rng.multinomial(n, np.full(n, 1 / n), RESAMPLES) / n
    mean = columns.mean(axis=0)
    centred = columns - mean
    error = np.sqrt((centred**2).mean(axis=0) / max(n - 1, 1))
    means = weights @ centred
    errors = np.sqrt(np.maximum(weights @ centred**2 - means**2, 0) / max(n - 1, 1))
    return mean, error, means, errors


def _studentized(means: Floats, errors: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.nan_to_num(means / errors, nan=0.0, posinf=np.inf, neginf=-np.inf))


def _bounds(
    mean: Floats, error: Floats, spread: Floats, confidence: float
) -> tuple[Floats, Floats]:
    tail = (1 - confidence) / 2
    high = np.quantile(spread, 1 - tail, axis=0, method="higher")
    low = np.quantile(spread, tail, axis=0, method="lower")
    with np.errstate(invalid="ignore"):  # no spread at all: the interval is a point
        return mean - np.nan_to_num(high * error), mean - np.nan_to_num(low * error)


def balanced_order(pairs: int, rng: np.random.Generator) -> list[str]:
    """Which run of each pair comes first: of every two pairs one is AB and one BA, at random.

    What drifts steadily then falls on both alike, and what has a period cannot follow it.
    """
    blocks = (("AB", "BA") if rng.random() < 0.5 else ("BA", "AB") for _ in range(pairs))
    return list(islice((each for block in blocks for each in block), pairs))
