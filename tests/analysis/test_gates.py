"""A gate says pass, fail or not fit for the reason that holds."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from sockproof.analysis.follow import Follower
from sockproof.analysis.gates import Finding, Outcome, judge, judge_cases, worst
from sockproof.analysis.rules import Rule, Rules, condition
from sockproof.load.recorder import Phase, Recorder

SECOND = 1_000_000_000
PASS, FAIL, NOT_FIT = Outcome.PASS, Outcome.FAIL, Outcome.NOT_FIT
SUMMARY: dict[str, Any] = {
    "counts": {"lost": 0, "leaked": 0, "receipts": 500, "connect_failures": 0},
    "properties": {
        "lost": {"verdict": True, "exercised": 500},
        "leaked": {"verdict": "not exercised", "exercised": 0},
    },
    "latency": {"ack": {"intended": {"samples": 500, "p50_ms": 3.0, "p999_ms": None}}},
    "target": {"cpu_seconds": None},
    "generator": {"fit": True, "reasons": [], "achieved_rate": 99.5},
}


def one(text: str, summary: dict[str, Any] = SUMMARY, **more: Any) -> Finding:
    """What comes of one rule."""
    rules = Rules("test", (Rule(condition(text), **more),))
    (finding,) = judge(rules, summary)
    return finding


def changed(*path: str, to: Any) -> dict[str, Any]:
    summary = copy.deepcopy(SUMMARY)
    place = summary
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = to
    return summary


@pytest.mark.parametrize(
    ("text", "outcome", "said"),
    [
        ("latency.ack.intended.p50_ms <= 3", PASS, ""),
        ("latency.ack.intended.p50_ms < 3", FAIL, ""),
        ("latency.ack.intended.p999_ms < 3", NOT_FIT, "500 samples are too few"),
        ("latency.delivery.intended.p50_ms < 3", NOT_FIT, "there are no data"),
        ("counts.lost == 0", PASS, ""),
        ("counts.receipts < 500", FAIL, ""),
        ("counts.leaked == 0", NOT_FIT, "not exercised"),
        ("properties.lost.verdict == true", PASS, ""),
        ("properties.lost.verdict != true", FAIL, ""),
        ("properties.leaked.verdict == true", NOT_FIT, "not exercised"),
        ("properties.corrupted.verdict == true", NOT_FIT, "no data"),
        ("target.cpu_seconds < 3", NOT_FIT, "there are no data"),
        ("generator.achieved_rate >= 99", PASS, ""),
        ("generator.fit == true", PASS, ""),
    ],
)
def test_rule_about_a_whole_run(text: str, outcome: Outcome, said: str) -> None:
    finding = one(text)
    assert finding.outcome == outcome
    assert said in finding.text


def test_too_few_samples_are_no_pass() -> None:
    assert one("latency.ack.intended.p50_ms <= 3", min_samples=501).outcome == NOT_FIT
    assert one("latency.ack.intended.p50_ms <= 3", min_samples=500).outcome == PASS


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("counts.receipts == 1", FAIL),  # what was counted is a fact
        ("properties.lost.verdict != true", FAIL),
        ("counts.lost == 0", NOT_FIT),
        ("latency.ack.intended.p50_ms <= 1", NOT_FIT),
        ("generator.achieved_rate >= 1000", NOT_FIT),
        ("generator.fit == true", FAIL),
    ],
)
def test_generator_that_was_the_bottleneck_judges_nobody(text: str, outcome: Outcome) -> None:
    summary = changed("generator", to={"fit": False, "reasons": ["too slow"]})
    finding = one(text, summary)
    assert finding.outcome == outcome
    if outcome == NOT_FIT:
        assert finding.text == "the run is not fit to judge: too slow"


def test_failure_outweighs_what_cannot_be_told() -> None:
    assert worst([PASS, NOT_FIT, FAIL]) == FAIL
    assert worst([PASS, NOT_FIT]) == NOT_FIT
    assert worst([PASS, PASS]) == PASS


def recorded(folder: Path, seconds: dict[int, int]) -> Path:
    """A run of ten seconds; in each, 50 messages are acknowledged after so many ms."""
    recorder = Recorder(folder, 7)
    recorder.phase(Phase.MEASURED, SECOND)
    for second in range(1, 11):
        for number in range(50):
            due = second * SECOND + number * 1000
            recorder.emitted(1, number, 1, due, due, 1)
            milliseconds = seconds.get(second, 5)
            recorder.acknowledged(1, number, due, due, due + milliseconds * 1_000_000)
        recorder.tick((second + 1) * SECOND)
    recorder.phase(Phase.DRAIN, 11 * SECOND)
    recorder.close(12 * SECOND)
    return folder


@pytest.mark.parametrize(
    ("slow", "window", "grace", "outcome"),
    [
        ({}, 2.0, 0.0, PASS),
        ({5: 90, 6: 90}, 2.0, 0.0, FAIL),
        ({5: 90, 6: 90}, 10.0, 0.0, PASS),  # within the whole it is a tenth
        ({1: 90, 2: 90}, 2.0, 2.0, PASS),
        ({3: 90}, 2.0, 2.0, FAIL),
        ({3: 90, 5: 90}, 0.0, 5.0, PASS),
        ({5: 90, 6: 90, 7: 90, 8: 90}, 0.0, 5.0, FAIL),
        ({}, 20.0, 0.0, NOT_FIT),  # no whole window
    ],
)
def test_window_and_grace_look_at_parts_of_a_run(
    slow: dict[int, int], window: float, grace: float, outcome: Outcome, tmp_path: Path
) -> None:
    folder = recorded(tmp_path, slow)
    asked = condition("latency.ack.intended.p50_ms <= 20")
    rule = Rule(asked, window=window, grace=grace, min_samples=40)
    if window == 2.0 and 3 in slow:
        rule = Rule(condition("latency.ack.intended.max_ms <= 20"), window=window, grace=grace)
    (finding,) = judge(Rules("test", (rule,)), SUMMARY, folder)
    assert finding.outcome == outcome, finding.text
    if outcome == FAIL and window:
        begins = min(slow) - 1
        assert f"begins at {begins} s" in finding.text
        assert finding.value == pytest.approx(90, rel=0.01)


def case(name: str, outcome: str, level: str = "MUST") -> dict[str, Any]:
    return {"id": name, "outcome": outcome, "level": level, "expectation": None}


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("conformance.failed == 1", PASS),
        ("conformance.unexpected == 0", FAIL),
        ("conformance.suites.rooms.failed == 0", PASS),
        ("conformance.suites.websocket.passed >= 2", FAIL),
        ("conformance.suites.deflate.failed == 0", NOT_FIT),
        ("conformance.stale == 0", FAIL),
    ],
)
def test_rule_about_cases(text: str, outcome: Outcome) -> None:
    cases = [case("websocket/a/b", "PASS"), case("websocket/a/c", "FAIL"), case("rooms/a", "PASS")]
    report = {"cases": cases, "stale_expectations": ["x"], "strict": False}
    rules = Rules("test", (Rule(condition(text)),))
    assert judge_cases(rules, report)[0].outcome == outcome


def test_run_of_cases_that_was_interrupted_passes_nothing() -> None:
    report = {"cases": [case("rooms/a", "PASS")], "interrupted": True}
    rules = Rules("test", (Rule(condition("conformance.failed == 0")),))
    assert judge_cases(rules, report)[0].outcome == NOT_FIT


def test_follower_says_when_a_rule_is_broken(tmp_path: Path) -> None:
    rule = Rule(condition("counts.disconnected <= 1"), abort=True, grace=4)
    slow = Rule(condition("latency.ack.intended.p50_ms <= 20"), abort=True, min_samples=60)
    recorder = Recorder(tmp_path, 7)
    follower = Follower(tmp_path, [rule, slow])
    assert follower.broken() is None
    recorder.phase(Phase.MEASURED, SECOND)
    recorder.dropped(1, 1, 0, SECOND)
    recorder.tick(2 * SECOND)
    assert follower.broken() is None
    recorder.dropped(2, 1, 0, SECOND)
    recorder.tick(3 * SECOND)
    assert follower.broken() is None  # the time of grace is not over
    recorder.tick(6 * SECOND)
    assert follower.broken() == (rule, 2.0, 6.0)
    recorder.close(7 * SECOND)


def test_follower_knows_percentiles_and_waits_for_whole_lines(tmp_path: Path) -> None:
    rule = Rule(condition("latency.ack.intended.p50_ms <= 20"), abort=True, min_samples=60)
    folder = recorded(tmp_path, {})
    follower = Follower(folder, [rule])
    assert follower.broken() is None
    (path,) = folder.glob("latency-*.jsonl")
    slow = {"t": 12, "phase": 1, "ack": {"intended": {"4000": 900}, "actual": {}}}
    text = json.dumps(slow)
    with path.open("a") as file:
        file.write(text[:20])
    assert follower.broken() is None
    with path.open("a") as file:
        file.write(text[20:] + "\n")
    broken = follower.broken()
    assert broken is not None
    assert broken[0] == rule
