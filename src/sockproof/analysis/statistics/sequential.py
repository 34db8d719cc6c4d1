"""Judging while pairs are added: the looks, what each may err by, and the verdicts.

The rules that hold here:

* A *regression* is claimed when the test rejects and the interval lies above the tolerance.
* The test errs in at most `alpha` of all comparisons in which nothing differs, however many
  metrics and looks there are: each look has a share of `alpha` (Bonferroni), within which Holm
  corrects for the metrics.
* With n pairs no p-value is below 1/2^n. A look at which the test could not reject has no share,
  so it costs nothing; it may still end a comparison that shows no regression.
* *No regression* needs the whole interval below the tolerance. What is neither stays open.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from sockproof.analysis.statistics.metrics import value, violations, worse
from sockproof.analysis.statistics.paired import (
    holm,
    interval,
    interval_between,
    permutation,
    sign_flip,
)

ALPHA = 0.01
CONFIDENCE = 0.95
FEWEST = 5  # pairs, or runs of a group, from which an interval is believed
REGRESSION, NO_REGRESSION, INCONCLUSIVE = "regression", "no regression", "inconclusive"


@dataclass(frozen=True, slots=True)
class Design:
    """What is decided before anything runs. `tolerance` is a ratio less one: 0.05 is 5 %."""

    metrics: tuple[str, ...]
    pairs: int = 8
    max_pairs: int = 12
    tolerance: float = 0.05
    alpha: float = ALPHA
    confidence: float = CONFIDENCE
    seed: int = 0

    def looks(self) -> tuple[int, ...]:
        """After how many pairs it is judged: three times at most."""
        middle = (self.pairs + self.max_pairs + 1) // 2
        return tuple(sorted({self.pairs, middle, self.max_pairs}))

    def shares(self) -> dict[int, float]:
        """What the test may err by at each look: the same where it can reject, else nothing."""
        looks = self.looks()
        for first in range(len(looks)):
            share = self.alpha / (len(looks) - first)
            if _rejects(len(self.metrics), looks[first], share):
                break
        else:
            first, share = len(looks) - 1, self.alpha
        return {look: share if index >= first else 0.0 for index, look in enumerate(looks)}

    def can_reject(self) -> bool:
        """Whether there is a look at which a regression can be claimed at all."""
        return _rejects(len(self.metrics), self.max_pairs, self.shares()[self.max_pairs])


def fewest_pairs(metrics: int, alpha: float = ALPHA) -> int:
    """With how many pairs at least a regression in one of so many metrics can be claimed."""
    return max(FEWEST, math.ceil(math.log2(metrics / alpha)))


def _rejects(metrics: int, pairs: int, share: float) -> bool:
    """Whether the smallest p-value there can be is small enough for one of so many metrics."""
    return metrics * 0.5**pairs <= share


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is known of one metric: by how much B is worse (0.2: 20 %), with an interval.

    `p` is the test's p-value and `adjusted` what Holm makes of it; None without data.
    """

    metric: str
    verdict: str
    change: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    adjusted: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """All metrics after so many pairs; `share` is what the test could err by.

    Of groups that are not paired, `pairs` is how many runs are A's and `of_b` how many B's.
    """

    pairs: int
    share: float
    estimates: tuple[Estimate, ...]
    of_b: int | None = None

    @property
    def verdict(self) -> str:
        """Of all metrics together: the worst that is certain, else whether all is well."""
        found = {each.verdict for each in self.estimates}
        if REGRESSION in found:
            return REGRESSION
        return NO_REGRESSION if found == {NO_REGRESSION} else INCONCLUSIVE

    def to_json(self) -> dict[str, Any]:
        """The look as JSON knows it."""
        return {"verdict": self.verdict, **asdict(self)}


def log_ratios(
    pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]], metric: str
) -> list[float | None]:
    """For each pair of summaries the log-ratio, positive where B is worse; None without data."""
    told: list[float | None] = []
    for a, b in pairs:
        before, after = value(a, metric), value(b, metric)
        known = before is not None and after is not None
        told.append(worse(before, after, metric) if known else None)  # type: ignore[arg-type]
    return told


def judge(
    design: Design, pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]], share: float
) -> Look:
    """One look at pairs of summaries, at which the test may err by `share`."""
    rng = np.random.default_rng([design.seed, len(pairs)])
    rows = []
    for metric in design.metrics:
        ratios = [each for each in log_ratios(pairs, metric) if each is not None]
        if not ratios or len(ratios) < len(pairs):
            rows.append(_Row(metric, note=_without(len(pairs) - len(ratios), "pair")))
            continue
        bounds = None
        if len(ratios) >= FEWEST:
            low, high = interval(ratios, design.confidence, rng)
            bounds = float(low[0]), float(high[0])
        p = float(sign_flip(ratios, rng)[0])
        rows.append(_Row(metric, float(np.mean(ratios)), bounds, p))
    return Look(len(pairs), share, _verdicts(design, rows, share))


def compare_groups(
    a: Sequence[Mapping[str, Any]],
    b: Sequence[Mapping[str, Any]],
    design: Design,
    paired: bool = False,
) -> Look:
    """Judge two groups of summaries at once; `paired` when the i-th of each belong together.

    Without pairs: permutation test and bootstrap interval of the difference of the mean logs.
    Raises `ValueError` for pairs of groups that differ in size.
    """
    if paired:
        return judge(design, list(zip(a, b, strict=True)), design.alpha)
    rng = np.random.default_rng([design.seed, len(a), len(b)])
    rows = []
    for metric in design.metrics:
        # Against 1, so that the sign says what is worse.
        before, after = (
            [worse(1.0, found, metric) for each in group if (found := value(each, metric))]
            for group in (a, b)
        )
        missing = len(a) + len(b) - len(before) - len(after)
        if missing or not before or not after:
            rows.append(_Row(metric, note=_without(missing, "run")))
            continue
        bounds = None
        if min(len(before), len(after)) >= FEWEST:
            bounds = interval_between(before, after, design.confidence, rng)
        mean = float(np.mean(after) - np.mean(before))
        rows.append(_Row(metric, mean, bounds, permutation(before, after, rng)))
    return Look(len(a), design.alpha, _verdicts(design, rows, design.alpha), len(b))


@dataclass(frozen=True, slots=True)
class _Row:
    """A metric before it is judged, in logarithms."""

    metric: str
    mean: float | None = None
    bounds: tuple[float, float] | None = None
    p: float | None = None
    note: str = ""


def _without(missing: int, what: str) -> str:
    return f"no data in {missing} {what}{'' if missing == 1 else 's'}" if missing else "no data"


def _verdicts(design: Design, rows: Sequence[_Row], share: float) -> tuple[Estimate, ...]:
    limit = math.log1p(design.tolerance)
    adjusted = holm([1.0 if row.p is None else row.p for row in rows])
    told = []
    for row, corrected in zip(rows, adjusted, strict=True):
        if row.mean is None:
            told.append(Estimate(row.metric, INCONCLUSIVE, note=row.note))
            continue
        verdict, note = INCONCLUSIVE, ""
        low, high = row.bounds or (None, None)
        if low is None or high is None:
            note = f"fewer than {FEWEST} measurements"
        elif high < limit:
            verdict = NO_REGRESSION
        elif low > limit and corrected <= share:
            verdict = REGRESSION
        change, low, high = (
            None if each is None else math.expm1(each) for each in (row.mean, low, high)
        )
        told.append(Estimate(row.metric, verdict, change, low, high, row.p, corrected, note))
    return tuple(told)


def replay(
    design: Design,
    pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]],
    final: bool = False,
) -> list[Look]:
    """The looks that pairs give cause to, in their order; the last decides.

    It ends at the first look that is no longer open. `final` says that no more pairs come: then
    the pairs behind the last planned look are looked at with what is left of the error.
    """
    told: list[Look] = []
    spent = 0.0
    for planned, share in design.shares().items():
        if planned > len(pairs):
            break
        told.append(judge(design, pairs[:planned], share))
        spent += share
        if told[-1].verdict != INCONCLUSIVE:
            return told
    seen = told[-1].pairs if told else 0
    if final and seen < min(len(pairs), design.max_pairs):
        told.append(judge(design, pairs[: design.max_pairs], max(design.alpha - spent, 0.0)))
    return told


def hard_facts(
    a: Sequence[Mapping[str, Any]], b: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, int], dict[str, int]]:
    """What went wrong in runs of B and in none of A, which fails whatever the statistics say;
    and what went wrong in runs of A, each with its number."""
    totals: list[dict[str, int]] = [{}, {}]
    for total, group in zip(totals, (a, b), strict=True):
        for summary in group:
            for name, number in violations(summary).items():
                total[name] = total.get(name, 0) + number
    of_a, of_b = totals
    return {name: number for name, number in of_b.items() if name not in of_a}, of_a
