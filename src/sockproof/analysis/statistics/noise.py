"""What a gate would say of runs in which nothing differs, by pairing them anew many times.

Whole recorded runs of one server are dealt out as A and B at random. How often the gate then
claims a regression is its false-positive rate here; adding a constant to the log-ratios shows how
large a change must be to be caught. Pairs dealt at random lack what neighbours in time have in
common, so on a machine that drifts both figures are on the safe side.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sockproof.analysis.statistics.metrics import value, worse
from sockproof.analysis.statistics.paired import Floats, holm, interval, sign_flip
from sockproof.analysis.statistics.sequential import (
    FEWEST,
    INCONCLUSIVE,
    NO_REGRESSION,
    REGRESSION,
    Design,
)

DEALS = 400
POWER = 0.8
MOST = math.log(4.0)  # no larger change is looked for
FEWEST_RUNS = 2 * FEWEST


@dataclass(frozen=True, slots=True)
class Noise:
    """What the runs show: `verdicts` counts deals; `detectable` is by how much a metric must get
    worse (0.2: 20 %) to be caught in four of five, None where nothing up to fourfold is;
    `spread` is the standard deviation of the log of a metric between runs."""

    deals: int
    pairs: int
    verdicts: dict[str, int]
    detectable: dict[str, float | None]
    spread: dict[str, float]

    @property
    def false_positives(self) -> float:
        """The share of deals in which the gate raised a false alarm."""
        return self.verdicts[REGRESSION] / self.deals


@dataclass(frozen=True, slots=True)
class _Seen:
    """One look at all deals: log-ratios (pairs, deals, metrics), bounds (deals, metrics)."""

    ratios: Floats
    low: Floats
    high: Floats
    share: float


def measure(summaries: Sequence[Mapping[str, Any]], design: Design, deals: int = DEALS) -> Noise:
    """Deal the runs out many times; raises `ValueError` without enough runs that have data."""
    metrics = [m for m in design.metrics if all(value(each, m) for each in summaries)]
    pairs = min(design.max_pairs, len(summaries) // 2)
    if pairs < FEWEST or not metrics:
        raise ValueError(f"{FEWEST_RUNS} runs at least are needed, and a value of each metric")
    logs = np.array([[worse(1.0, value(s, m) or 1.0, m) for m in metrics] for s in summaries])
    design = replace(design, metrics=tuple(metrics))
    design = replace(design, max_pairs=pairs, pairs=min(design.pairs, pairs))
    rng = np.random.default_rng([design.seed, len(summaries)])
    dealt = rng.permuted(np.tile(np.arange(len(logs)), (deals, 1)), axis=1)
    ratios = logs[dealt[:, pairs : 2 * pairs]] - logs[dealt[:, :pairs]]
    return Noise(
        deals,
        pairs,
        _count(_verdicts(design, seen := look_at(design, ratios, rng))),
        {name: _detectable(design, seen, index) for index, name in enumerate(metrics)},
        dict(zip(metrics, map(float, logs.std(axis=0, ddof=1)), strict=True)),
    )


def verdicts_of(design: Design, ratios: Floats, seed: int = 0) -> NDArray[np.str_]:
    """The verdicts of many comparisons at once: log-ratios as (comparisons, pairs, metrics)."""
    return _verdicts(design, look_at(design, ratios, np.random.default_rng(seed)))


def look_at(design: Design, ratios: Floats, rng: np.random.Generator) -> list[_Seen]:
    """Every look that the design plans, at many comparisons side by side."""
    deals, _, metrics = ratios.shape
    told = []
    for pairs, share in design.shares().items():
        columns = np.moveaxis(ratios[:, :pairs], 0, 1).reshape(pairs, deals * metrics)
        low, high = interval(columns, design.confidence, rng)
        shape = (deals, metrics)
        part = columns.reshape(pairs, *shape)
        told.append(_Seen(part, low.reshape(shape), high.reshape(shape), share))
    return told


def _verdicts(design: Design, looks: Sequence[_Seen]) -> NDArray[np.str_]:
    limit = math.log1p(design.tolerance)
    deals, metrics = looks[0].low.shape
    verdicts = np.full(deals, INCONCLUSIVE, dtype="<U16")
    for seen in looks:
        p = sign_flip(seen.ratios.reshape(len(seen.ratios), -1)).reshape(deals, metrics)
        adjusted = np.array([holm(row.tolist()) for row in p])
        caught = ((adjusted <= seen.share) & (seen.low > limit)).any(axis=1)
        passed = (seen.high < limit).all(axis=1)
        still = verdicts == INCONCLUSIVE
        verdicts[still & caught] = REGRESSION
        verdicts[still & passed & ~caught] = NO_REGRESSION
    return verdicts


def _count(verdicts: NDArray[np.str_]) -> dict[str, int]:
    return {
        each: int((verdicts == each).sum()) for each in (REGRESSION, NO_REGRESSION, INCONCLUSIVE)
    }


def _detectable(design: Design, looks: Sequence[_Seen], metric: int) -> float | None:
    """The smallest change of one metric that is caught often enough, by halving."""
    low, high = 0.0, MOST
    if _power(design, looks, metric, high) < POWER:
        return None
    while high - low > 0.002:
        middle = (low + high) / 2
        if _power(design, looks, metric, middle) < POWER:
            low = middle
        else:
            high = middle
    return math.expm1(high)


def _power(design: Design, looks: Sequence[_Seen], metric: int, change: float) -> float:
    """How often a change of one metric alone is caught; Holm's first step, so at worst."""
    limit = math.log1p(design.tolerance)
    caught = np.zeros(len(looks[0].low), dtype=bool)
    for seen in looks:
        p = sign_flip(seen.ratios[:, :, metric] + change)
        above = seen.low[:, metric] + change > limit
        caught |= (p * len(design.metrics) <= seen.share) & above
    return float(caught.mean())
