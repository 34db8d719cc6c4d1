"""The gate errs as seldom as it says, and catches what it is for; decisions follow their rules."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from sockproof.analysis.statistics.metrics import TARGET_CPU, THROUGHPUT, value
from sockproof.analysis.statistics.noise import measure, verdicts_of
from sockproof.analysis.statistics.sequential import (
    INCONCLUSIVE,
    NO_REGRESSION,
    REGRESSION,
    Design,
    compare_groups,
    hard_facts,
    judge,
    replay,
)
from tests.analysis.samples import P50, summary

ONE = Design((P50,))


def pairs(*ratios: float) -> list[tuple[Any, Any]]:
    """Pairs in which B's median is so many times A's."""
    return [(summary(1.0), summary(ratio)) for ratio in ratios]


@pytest.mark.parametrize(
    ("metrics", "shares"),
    [
        (1, {8: 0, 10: 0.005, 12: 0.005}),
        (2, {8: 0, 10: 0.005, 12: 0.005}),
        (5, {8: 0, 10: 0.005, 12: 0.005}),
        (6, {8: 0, 10: 0, 12: 0.01}),
        (40, {8: 0, 10: 0, 12: 0.01}),
    ],
)
def test_looks_that_cannot_reject_cost_nothing(metrics: int, shares: dict[int, float]) -> None:
    design = Design(tuple(map(str, range(metrics))))
    assert design.shares() == shares
    assert design.can_reject() or metrics / 2**12 > 0.01


def test_looks() -> None:
    assert Design((P50,), 10, 20).shares() == dict.fromkeys((10, 15, 20), 0.01 / 3)
    assert Design((P50,), 8, 8).shares() == {8: 0.01}
    assert not Design((P50,), 1, 6).can_reject()


def test_a_clear_slowdown_is_a_regression_at_the_first_look_that_can_say_so() -> None:
    looks = replay(ONE, pairs(*[1.2, 1.22, 1.18] * 4))
    assert [look.pairs for look in looks] == [8, 10]
    assert looks[0].verdict == INCONCLUSIVE  # eight pairs cannot reject
    estimate = looks[1].estimates[0]
    assert estimate.verdict == REGRESSION
    assert estimate.p == 1 / 1024
    assert estimate.change == pytest.approx(0.2, abs=0.01)
    assert estimate.low is not None
    assert estimate.high is not None
    assert 0.05 < estimate.low < 0.2 < estimate.high < 0.25


def test_runs_alike_are_no_regression_at_the_first_look() -> None:
    looks = replay(ONE, pairs(*[1.01, 0.99, 1.0, 1.02] * 3))
    assert [(look.pairs, look.verdict) for look in looks] == [(8, NO_REGRESSION)]


def test_a_significant_change_within_the_tolerance_passes() -> None:
    looks = replay(ONE, pairs(*[1.02, 1.021, 1.022] * 4))
    assert looks[-1].verdict == NO_REGRESSION
    assert looks[-1].estimates[0].p == 1 / 256


def test_noise_stays_open_until_the_cap() -> None:
    looks = replay(ONE, pairs(*[1.5, 0.7, 1.3, 0.8] * 3))
    assert [(look.pairs, look.verdict) for look in looks] == [
        (8, INCONCLUSIVE),
        (10, INCONCLUSIVE),
        (12, INCONCLUSIVE),
    ]


def test_what_was_cut_short_is_judged_with_the_error_that_is_left() -> None:
    assert replay(ONE, pairs(*[1.3, 1.31] * 4)[:7]) == []
    last = replay(ONE, pairs(*[1.3, 1.31] * 4)[:7], final=True)[-1]
    assert (last.pairs, last.share, last.verdict) == (7, 0.01, REGRESSION)
    noisy = [1.5, 0.7, 1.3, 0.8] * 3
    assert replay(ONE, pairs(*noisy[:11]), final=True)[-1].share == 0.005


def test_fewer_than_five_pairs_never_pass() -> None:
    look = judge(ONE, pairs(1, 1, 1, 1), 0.01)
    assert look.verdict == INCONCLUSIVE
    assert look.estimates[0].note == "fewer than 5 measurements"


def test_missing_data_never_passes() -> None:
    look = judge(ONE, [*pairs(*[1.0] * 9), (summary(1.0), summary(None))], 0.01)
    assert look.verdict == INCONCLUSIVE
    assert look.estimates[0].note == "no data in 1 pair"


def test_less_throughput_is_worse() -> None:
    design = Design((THROUGHPUT,))
    both = [(summary(rate=1000), summary(rate=800 + at)) for at in range(12)]
    estimate = replay(design, both)[-1].estimates[0]
    assert estimate.verdict == REGRESSION
    assert estimate.change == pytest.approx(0.244, abs=0.01)
    turned = [(b, a) for a, b in both]
    assert replay(design, turned)[-1].verdict == NO_REGRESSION


def test_metrics_come_from_the_measured_part() -> None:
    assert value(summary(rate=1000), TARGET_CPU) == 0.5  # 1 s for 2,000 messages
    assert value(summary(), "latency.connect.intended.p50_ms") is None


@pytest.mark.parametrize("paired", [False, True])
def test_stored_groups(paired: bool) -> None:
    rng = np.random.default_rng(3)
    a, alike = ([summary(float(x)) for x in rng.normal(1, 0.02, 10)] for _ in range(2))
    slower = [summary(float(x)) for x in rng.normal(1.25, 0.02, 10)]
    assert compare_groups(a, slower, ONE, paired).verdict == REGRESSION
    assert compare_groups(a, alike, ONE, paired).verdict == NO_REGRESSION
    assert compare_groups(slower, a, ONE, paired).verdict == NO_REGRESSION
    assert compare_groups(a[:3], slower[:3], ONE, paired).verdict == INCONCLUSIVE


def test_groups_may_differ_in_size() -> None:
    a, b = [summary(1 + at / 100) for at in range(6)], [summary(1.3 + at / 100) for at in range(9)]
    assert compare_groups(a, b, ONE).verdict == REGRESSION
    assert compare_groups(a, [*b, summary(None)], ONE).estimates[0].note == "no data in 1 run"
    with pytest.raises(ValueError, match="zip"):
        compare_groups(a, b, ONE, paired=True)


def test_what_only_b_does_to_messages_is_a_fact() -> None:
    a, b = [summary(), summary(duplicated=1)], [summary(lost=2, duplicated=5), summary(lost=1)]
    assert hard_facts(a, b) == ({"lost": 3}, {"duplicated": 1})


# Simulated experiments: each value stands for a whole run.


def runs(
    rng: np.random.Generator, experiments: int, sigma: float, metrics: int, tails: str = "heavy"
) -> np.ndarray:
    """Log-ratios (experiments, 12, metrics) of runs in random balanced order in which the machine
    drifts, a bad time lasts for several runs, and metrics have most of their noise in common."""
    shape = experiments, 24, metrics + 1
    own = rng.standard_normal(shape) if tails == "normal" else rng.standard_t(3, shape) / 3**0.5
    logs = sigma * (own[:, :, :1] * 0.8 + own[:, :, 1:] * 0.6)
    if tails == "heavy":
        slow = sigma * rng.standard_normal((experiments, 24, 1))
        for at in range(1, 24):
            slow[:, at] += 0.7 * slow[:, at - 1]
        drift = rng.normal(0, 0.02, (experiments, 1, 1)) * np.arange(24)[None, :, None]
        logs = logs + slow + drift
    first, second = logs[:, 0::2], logs[:, 1::2]
    signs = np.empty((experiments, 12, 1))
    signs[:, 0::2] = rng.choice([-1.0, 1.0], (experiments, 6, 1))
    signs[:, 1::2] = -signs[:, 0::2]
    return signs * (second - first)


@pytest.mark.parametrize("metrics", [1, 2, 4])
@pytest.mark.parametrize("tails", ["normal", "heavy"])
def test_it_cries_wolf_in_less_than_two_of_a_hundred(metrics: int, tails: str) -> None:
    design = Design(tuple(map(str, range(metrics))), tolerance=0.0)  # the test alone protects
    ratios = runs(np.random.default_rng(7), 1500, 0.06, metrics, tails)
    assert (verdicts_of(design, ratios) == REGRESSION).mean() <= 0.02


@pytest.mark.parametrize("sigma", [0.05, 0.08])
def test_a_fifth_slower_is_caught_in_four_of_five(sigma: float) -> None:
    ratios = runs(np.random.default_rng(8), 600, sigma, 2, "normal")
    ratios[:, :, 0] += math.log(1.2)  # the other metric does not change
    found = verdicts_of(Design(("slower", "same")), ratios)
    assert (found == REGRESSION).mean() >= 0.8
    assert (found == NO_REGRESSION).mean() <= 0.005


def test_a_change_as_large_as_the_tolerance_seldom_passes() -> None:
    ratios = runs(np.random.default_rng(9), 1000, 0.03, 1) + math.log(1.05)
    assert (verdicts_of(ONE, ratios) == NO_REGRESSION).mean() <= 0.1


def test_noise_is_measured_by_pairing_runs_anew() -> None:
    rng = np.random.default_rng(10)
    steady = [summary(float(each)) for each in np.exp(rng.normal(0, 0.06, 24))]
    noise = measure(steady, ONE)
    assert (noise.deals, noise.pairs, sum(noise.verdicts.values())) == (400, 12, 400)
    assert noise.false_positives <= 0.02
    assert 0.03 < noise.spread[P50] < 0.1
    detectable = noise.detectable[P50]
    assert detectable is not None
    assert 0.08 < detectable < 0.25
    wild = [summary(float(each)) for each in np.exp(rng.normal(0, 2, 24))]
    assert measure(wild, ONE).detectable[P50] is None
    with pytest.raises(ValueError, match="10 runs"):
        measure(steady[:9], ONE)
