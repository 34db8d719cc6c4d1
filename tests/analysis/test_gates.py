"""A gate says pass, fail or not fit for the reason that holds."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from sockproof.analysis.gates.gate import Finding, Outcome, judge, judge_cases, worst
from sockproof.analysis.gates.live_rules import Follower
from sockproof.analysis.gates.rules import Rule, Rules, condition
from sockproof.load.record.recorder import Phase, Recorder
from sockproof.runs.load_records import ENDED_FILE

SECOND = 1_000_000_000
PASS, FAIL, INCONCLUSIVE = Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE
SUMMARY: dict[str, Any] = {
    "counts": {"lost": 0, "leaked": 0, "receipts": 500, "connect_failures": 0},
    "properties": {
        "lost": {"verdict": True, "exercised": 500},
        "leaked": {"verdict": "not exercised", "exercised": 0},
    },
    "latency": {"ack": {"intended": {"samples": 500, "p50_ms": 3.0, "p999_ms": None}}},
    "target": {"cpu_s": None},
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
        ("latency.ack.intended.p999_ms < 3", INCONCLUSIVE, "500 samples are too few"),
        ("latency.delivery.intended.p50_ms < 3", INCONCLUSIVE, "there is no data"),
        ("counts.lost == 0", PASS, ""),
        ("counts.receipts < 500", FAIL, ""),
        ("counts.leaked == 0", INCONCLUSIVE, "not exercised"),
        ("properties.lost.verdict == true", PASS, ""),
        ("properties.lost.verdict != true", FAIL, ""),
        ("properties.leaked.verdict == true", INCONCLUSIVE, "not exercised"),
        ("properties.corrupted.verdict == true", INCONCLUSIVE, "no data"),
        ("target.cpu_s < 3", INCONCLUSIVE, "there is no data"),
        ("generator.achieved_rate >= 99", PASS, ""),
        ("generator.fit == true", PASS, ""),
    ],
)
def test_rule_about_a_whole_run(text: str, outcome: Outcome, said: str) -> None:
    finding = one(text)
    assert finding.outcome == outcome
    assert said in finding.text


def test_too_few_samples_are_no_pass() -> None:
    assert one("latency.ack.intended.p50_ms <= 3", min_samples=501).outcome == INCONCLUSIVE
    assert one("latency.ack.intended.p50_ms <= 3", min_samples=500).outcome == PASS


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("counts.receipts == 1", FAIL),  # what was counted is a fact
        ("properties.lost.verdict != true", FAIL),
        ("counts.lost == 0", INCONCLUSIVE),
        ("latency.ack.intended.p50_ms <= 1", INCONCLUSIVE),
        ("generator.achieved_rate >= 1000", INCONCLUSIVE),
        ("properties.lost.exercised >= 1000", INCONCLUSIVE),  # so few because of the generator
        ("generator.fit == true", FAIL),
    ],
)
def test_generator_that_was_the_bottleneck_judges_nobody(text: str, outcome: Outcome) -> None:
    summary = changed("generator", to={"fit": False, "reasons": ["too slow"]})
    finding = one(text, summary)
    assert finding.outcome == outcome
    if outcome == INCONCLUSIVE:
        assert finding.text == "the run is inconclusive: too slow"


@pytest.mark.parametrize(
    ("text", "least", "outcome"),
    [
        ("latency.ack.intended.p50_ms <= 4", 0.0, PASS),  # lag makes no latency shorter
        ("latency.ack.intended.p50_ms <= 2", 2.5, FAIL),  # the lag is not enough to explain it
        ("latency.ack.intended.p50_ms <= 2", 1.5, INCONCLUSIVE),
        ("counts.lost == 0", 0.0, PASS),
        ("generator.achieved_rate >= 1000", 0.0, INCONCLUSIVE),
        ("generator.achieved_rate >= 10", 0.0, PASS),
    ],
)
def test_lateness_spoils_only_what_it_can_have_changed(
    text: str, least: float, outcome: Outcome
) -> None:
    late = ["60.0% of the messages left more than 10 ms late"]
    generator = {"fit": True, "lateness": late, "saturated": True, "achieved_rate": 99.5}
    summary = changed("generator", to={**generator, "reasons": []})
    summary["latency_less_lag"] = {"ack": {"intended": {"p50_ms": least}}}
    assert one(text, summary).outcome == outcome


def test_failure_outweighs_what_cannot_be_told() -> None:
    assert worst([PASS, INCONCLUSIVE, FAIL]) == FAIL
    assert worst([PASS, INCONCLUSIVE]) == INCONCLUSIVE
    assert worst([PASS, PASS]) == PASS


def recorded(folder: Path, seconds: dict[int, int], lag: int = 0) -> Path:
    """A run of ten seconds; in each, 50 messages are acknowledged after so many ms.

    In seconds that are slower than others, the generator is `lag` ms behind.
    """
    recorder = Recorder(folder, 7)
    recorder.phase(Phase.MEASURED, SECOND)
    for second in range(1, 11):
        for number in range(50):
            due = second * SECOND + number * 1000
            recorder.sending(1, number, 1, due, due, 1)
            milliseconds = seconds.get(second, 5)
            recorder.ack_received(1, number, due, due, due + milliseconds * 1_000_000)
        behind = lag * 1_000_000 if second in seconds else 0
        recorder.tick((second + 1) * SECOND, {"hub_lag_ns": behind})
    recorder.phase(Phase.DRAIN, 11 * SECOND)
    recorder.close(12 * SECOND)
    return folder


@pytest.mark.parametrize(("lag", "outcome"), [(0, FAIL), (40, FAIL), (80, INCONCLUSIVE)])
@pytest.mark.parametrize(("window", "grace"), [(2.0, 0.0), (0.0, 4.0)])
def test_latency_is_compared_with_the_lag_of_its_own_second(
    window: float, grace: float, lag: int, outcome: Outcome, tmp_path: Path
) -> None:
    folder = recorded(tmp_path, {5: 90, 6: 90, 7: 90, 8: 90}, lag)
    asked = condition("latency.ack.intended.p50_ms <= 20")
    rule = Rule(asked, window=window, grace=grace, min_samples=40)
    (finding,) = judge(Rules("test", (rule,)), SUMMARY, folder)
    assert finding.outcome == outcome, finding.text


@pytest.mark.parametrize("lag", [0, 80])
def test_follower_ends_no_run_for_the_lag_of_its_generator(lag: int, tmp_path: Path) -> None:
    rule = Rule(condition("latency.ack.intended.max_ms <= 20"), abort=True)
    found = Follower(recorded(tmp_path, {5: 90}, lag), [rule]).broken()
    assert (found is None) is (lag > 0)


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
        ({}, 20.0, 0.0, INCONCLUSIVE),  # no whole window
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
        assert f"starts at {begins} s" in finding.text
        assert finding.value == pytest.approx(90, rel=0.01)


WINDOW = Rule(condition("latency.ack.intended.p50_ms <= 20"), window=2.0, min_samples=40)


def test_latency_belongs_to_the_window_in_which_its_message_was_due(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, 7)
    recorder.phase(Phase.MEASURED, SECOND)
    held_back = []
    for second in range(1, 11):
        for number in range(100 * second, 100 * second + 50):
            due = second * SECOND + number * 1000
            recorder.sending(1, number, 1, due, due, 1)
            if second < 7:
                recorder.ack_received(1, number, due, due, due + 5_000_000)
            else:
                held_back.append((number, due))
        recorder.tick((second + 1) * SECOND)
    recorder.phase(Phase.DRAIN, 11 * SECOND)
    for number, due in held_back:  # a server that stalled to the end, and answered in the drain
        recorder.ack_received(1, number, due, due, 11 * SECOND + 500_000_000)
    recorder.close(12 * SECOND)
    (finding,) = judge(Rules("test", (WINDOW,)), SUMMARY, tmp_path)
    assert finding.outcome == FAIL
    assert finding.text.startswith("2 of 5 windows of 2 s break it; the worst starts at 6 s")


def test_window_with_too_few_samples_is_no_pass(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, 7)
    recorder.phase(Phase.MEASURED, SECOND)
    for second in range(1, 11):
        for number in range(50 if second not in (5, 6) else 3):
            due = second * SECOND + number * 1000
            recorder.sending(1, number, 1, due, due, 1)
            recorder.ack_received(1, number, due, due, due + 5_000_000)
        recorder.tick((second + 1) * SECOND)
    recorder.phase(Phase.DRAIN, 11 * SECOND)
    recorder.close(12 * SECOND)
    (finding,) = judge(Rules("test", (WINDOW,)), SUMMARY, tmp_path)
    assert finding.outcome == INCONCLUSIVE
    assert finding.text == "1 of 5 windows of 2 s have too few samples"


@pytest.mark.parametrize(
    ("text", "window", "grace", "outcome", "value"),
    [
        ("counts.disconnected <= 2", 2.0, 0.0, FAIL, 3),
        ("counts.disconnected <= 3", 2.0, 0.0, PASS, 3),
        ("counts.disconnected == 0", 2.0, 6.0, PASS, 0),
        ("counts.acknowledged >= 100", 2.0, 0.0, PASS, 100),
        ("counts.acknowledged >= 101", 2.0, 0.0, FAIL, 100),
        ("generator.achieved_rate >= 50", 5.0, 0.0, PASS, 50),
        ("generator.achieved_rate > 50", 5.0, 0.0, FAIL, 50),
        ("counts.disconnected == 0", 30.0, 0.0, INCONCLUSIVE, None),
    ],
)
def test_counts_and_rates_are_known_of_each_window(
    text: str, window: float, grace: float, outcome: Outcome, value: float, tmp_path: Path
) -> None:
    recorder = Recorder(tmp_path, 7)
    recorder.dropped(9, 1, 0, SECOND // 2)  # in the ramp
    recorder.phase(Phase.MEASURED, SECOND)
    for second in range(1, 11):
        for number in range(50):
            due = second * SECOND + number * 1000
            recorder.sending(1, number, 1, due, due, 1)
            recorder.ack_received(1, number, due, due, due + 5_000_000)
        for client in range(1, 1 + {5: 2, 6: 1}.get(second, 0)):
            recorder.dropped(client, 1, 0, second * SECOND)
        recorder.tick((second + 1) * SECOND)
    recorder.phase(Phase.DRAIN, 11 * SECOND)
    recorder.dropped(8, 1, 0, 11 * SECOND)  # after all
    recorder.close(12 * SECOND)
    rule = Rule(condition(text), window=window, grace=grace)
    (finding,) = judge(Rules("test", (rule,)), SUMMARY, tmp_path)
    assert (finding.outcome, finding.value) == (outcome, value), finding.text


@pytest.mark.parametrize(
    ("text", "generator", "outcome"),
    [
        ("latency.ack.intended.p50_ms <= 3", {"fit": True, "reasons": []}, FAIL),
        ("latency.ack.intended.p50_ms <= 3", {"fit": False, "reasons": ["it was short"]}, FAIL),
        (
            "latency.ack.intended.p50_ms <= 3",
            {"fit": False, "saturated": True, "reasons": ["its core was full"]},
            INCONCLUSIVE,
        ),
        ("counts.disconnected == 0", {"fit": False, "saturated": True, "reasons": ["x"]}, FAIL),
    ],
)
def test_rule_that_ended_a_run_is_broken_whatever_came_after(
    text: str, generator: dict[str, Any], outcome: Outcome, tmp_path: Path
) -> None:
    (tmp_path / ENDED_FILE).write_text(json.dumps({"that": text, "value": 9, "second": 4.2}))
    rules = Rules("test", (Rule(condition(text), abort=True), Rule(condition("counts.lost == 0"))))
    ended, other = judge(rules, changed("generator", to=generator), tmp_path)
    assert (ended.outcome, ended.value) == (outcome, 9)
    assert "broken 4 s after the run began" in ended.text
    assert "ended" not in other.text


def test_number_that_is_none_is_no_data() -> None:
    finding = one("target.cpu_s < 3", changed("target", "cpu_s", to=float("nan")))
    assert finding.outcome == INCONCLUSIVE


def test_follower_counts_altered_stamps_as_corrupted(tmp_path: Path) -> None:
    rule = Rule(condition("counts.corrupted == 0"), abort=True)
    recorder = Recorder(tmp_path, 7)
    recorder.received_unmarked(1, SECOND)
    recorder.tick(2 * SECOND)
    broken = Follower(tmp_path, [rule]).broken()
    recorder.close(3 * SECOND)
    assert broken is not None
    assert broken[1] == 1.0


def case(name: str, outcome: str, level: str = "MUST") -> dict[str, Any]:
    return {"id": name, "outcome": outcome, "level": level, "expectation": None}


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("conformance.failed == 1", PASS),
        ("conformance.unexpected == 0", FAIL),
        ("conformance.suites.rooms.failed == 0", PASS),
        ("conformance.suites.websocket.passed >= 2", FAIL),
        ("conformance.suites.deflate.failed == 0", INCONCLUSIVE),
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
    assert judge_cases(rules, report)[0].outcome == INCONCLUSIVE


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
    with path.open("a") as file:
        file.write('{"phase": 1}\n{broken\n')  # what is no line of a process is passed over
    slow = {"t": 12, "phase": 1, "ack": {"intended": {"4000": 900}, "actual": {"4000": 900}}}
    text = json.dumps(slow)
    with path.open("a") as file:
        file.write(text[:20])
    assert follower.broken() is None
    with path.open("a") as file:
        file.write(text[20:] + "\n")
    broken = follower.broken()
    assert broken is not None
    assert broken[0] == rule
