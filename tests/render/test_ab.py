"""A comparison as a person reads it, judged from its document."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from sockproof.analysis.statistics.comparison import result
from sockproof.analysis.statistics.sequential import Design
from sockproof.render.load.ab import lines, markdown
from tests.analysis.samples import P50, summary


def run(value: Any, folder: str = "001-a") -> dict[str, Any]:
    return {"folder": folder, "interrupted": False, "summary": value}


def judged(document: dict[str, Any], *metrics: str) -> dict[str, Any]:
    document["design"] = asdict(Design(metrics or (P50,)))
    document["result"] = result(document)
    return document


def compared(*medians: tuple[float, float], **more: Any) -> dict[str, Any]:
    """A document of pairs with these medians."""
    pairs = [
        {
            "number": number,
            "order": "AB",
            "warm_up": False,
            "a": run(summary(a)),
            "b": run(summary(b)),
        }
        for number, (a, b) in enumerate(medians, start=1)
    ]
    return {"mode": "pairs", "pairs": pairs, **more}


SLOWER = [(1.0, 1.2 + at / 1000) for at in range(12)]
ALIKE = [(1.0, 1.0 + at / 1000) for at in range(12)]


def test_a_regression() -> None:
    document = judged(compared(*SLOWER))
    told = "\n".join(lines(document))
    assert document["result"]["exit_code"] == 1
    assert "FAIL: B is worse than A by more than 5 %" in told
    assert "+20.4 %" in told
    assert "10 pairs of runs; 95% bootstrap intervals" in told
    page = markdown(document)
    assert page.startswith("# FAIL: B is worse than A by more than 5 %\n")
    assert f"| {P50} | 1 | 1.204 | +20.4 % |" in page


def test_a_message_is_compared_and_its_name_does_nothing() -> None:
    document = compared(*SLOWER)
    for pair in document["pairs"]:
        for side in ("a", "b"):
            told = pair[side]["summary"]
            told["names"] = {"<i>`|": {"latency": told["latency"]}}
    metric = P50.replace("ack", 'ack["<i>`|"]')
    judged(document, metric)
    assert document["result"]["exit_code"] == 1
    assert any(metric in line for line in lines(document))
    page = markdown(document)
    assert "<i>" not in page
    assert "+20.4 %" in page


def test_no_regression() -> None:
    document = judged(compared(*ALIKE))
    assert document["result"]["exit_code"] == 0
    assert "PASS: B is not worse than A by 5 % or more" in lines(document)


def test_pairs_that_do_not_count_are_told() -> None:
    document = compared(*SLOWER)
    document["pairs"][0]["warm_up"] = True
    document["pairs"][1]["b"]["summary"] = summary(9.0, fit=False)
    document["pairs"][2]["a"]["interrupted"] = True
    document["pairs"][3].pop("b")
    told = "\n".join(lines(judged(document)))
    assert len(document["pairs"]) - 4 == document["result"]["looks"][-1]["pairs"] == 8
    assert "pair 2 does not count: B: a process of the generator used 95% of a core" in told


def test_violations_in_any_run_that_went_to_its_end() -> None:
    document = compared(*ALIKE)
    document["pairs"][0]["warm_up"] = True
    document["pairs"][0]["b"]["summary"] = summary(lost=1200)
    document["pairs"][1]["a"]["summary"] = summary(duplicated=2)
    document["pairs"][1]["b"]["summary"] = summary(duplicated=3)
    document["pairs"][2]["b"] = {**run(summary(leaked=3)), "interrupted": True}
    told = "\n".join(lines(judged(document)))
    assert document["result"]["violations"] == {"lost": 1200}
    assert document["result"]["exit_code"] == 1
    assert "FAIL: B has violations that A does not have: 1,200 lost" in told
    assert "A's runs have 2 duplicated" in told


def test_what_stopped_it_is_no_pass() -> None:
    document = judged(compared(*ALIKE, stopped="too many runs were inconclusive"))
    assert document["result"]["exit_code"] == 2
    assert "  too many runs were inconclusive" in lines(document)


def test_nothing_was_run() -> None:
    document = judged(compared())
    assert document["result"]["exit_code"] == 2
    assert "too few complete and conclusive pairs" in "\n".join(lines(document))


@pytest.mark.parametrize("paired", [False, True])
def test_stored_runs(paired: bool) -> None:
    groups = {
        side: [run(summary(each[which]), f"{side}{at}") for at, each in enumerate(SLOWER)]
        for which, side in enumerate(("a", "b"))
    }
    groups["a"][0]["summary"] = summary(fit=False)
    document = judged({"mode": "stored", "paired": paired, "groups": groups})
    told = "\n".join(lines(document))
    assert document["result"]["exit_code"] == 1
    assert "a0 does not count" in told
    assert ("11 pairs of runs" if paired else "11 runs of A, 12 of B") in told
    assert ("sign flips" if paired else "permutations") in told


def test_noise() -> None:
    runs = [run(summary(1 + at / 200)) for at in range(24)]
    document = judged({"mode": "aa", "groups": {"a": runs}}, P50)
    told = "\n".join(lines(document))
    assert document["result"]["exit_code"] == 0
    assert "Noise of this machine, from 24 runs" in told
    assert "paired at random 400 times, 12 pairs each: 0 false alarms (0.0%" in told
    assert f"{P50}: varies by 3.3% from run to run; detected in 4 of 5 comparisons:" in told
    assert "0 false alarms" in markdown(document)
