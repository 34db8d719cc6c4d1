"""Rules are read as they are meant, or refused in one line that says why."""

from __future__ import annotations

from pathlib import Path

import pytest

from sockproof.analysis.gates.rules import RuleError, condition, read_rules
from sockproof.files import FileError
from sockproof.shelves import shelf

RULE = '[[rule]]\nthat = "counts.lost == 0"\n'
SLOW = '[[rule]]\nthat = "latency.ack.intended.p50_ms <= 5"\n'
CONNECT = SLOW.replace("ack", "connect")


@pytest.mark.parametrize(
    ("text", "value", "holds"),
    [
        ("latency.ack.intended.p99_ms <= 250", 250.0, True),
        ("latency.ack.intended.p99_ms < 250", 250.0, False),
        ("counts.lost==0", 0, True),
        ("counts.receipts >= 1e3", 999, False),
        ("counts.receipts > 10", 11, True),
        ("generator.withheld != 3", 3, False),
        ("properties.lost.verdict == true", False, False),
        ("generator.fit != false", True, True),
        ("conformance.suites.rooms.failed == 0", 1, False),
    ],
)
def test_condition_is_what_it_says(text: str, value: float, holds: bool) -> None:
    assert condition(text).holds(value) == holds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not a rule"),
        ("counts.lost", "is not a rule"),
        ("counts.lost = 0", "is not a rule"),
        ("0 == counts.lost", "no metric '0'"),
        ("counts.lots == 0", "did you mean 'counts.lost'?"),
        ("latency.ack.intended.p95_ms < 1", "no metric"),
        ("conformance.suites.rooms.stale == 0", "no metric"),
        ("conformance.suites.romos.failed == 0", "did you mean 'conformance.suites.rooms.failed'?"),
        ("counts.lost == none", "'none' is not a number"),
        ("counts.lost == nan", "'nan' is not a number"),
        ("counts.lost == inf", "'inf' is not a number"),
        ("properties.lost.verdict == 1", "to true or false"),
        ("properties.lost.verdict <= true", "compared with == or !="),
    ],
)
def test_condition_without_sense_is_refused(text: str, said: str) -> None:
    with pytest.raises(RuleError) as error:
        condition(text)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the key 'rule' is missing"),
        ("rule = 1", "rule: expected array"),
        ("[[rule", "is not TOML"),
        ("[[rule]]\nwhy = 'x'", "rule 1: the key 'that' is missing"),
        (RULE + "whenever = 1", "unknown key 'whenever'"),
        ("limit = 1\n" + RULE, "unknown key 'limit'"),
        ("min_samples = -1\n" + RULE, "min_samples: expected whole number >= 0"),
        (RULE + "min_samples = 5", "min_samples is for latency"),
        (RULE + "window = '5s'", "window is for metrics known for each second"),
        (SLOW + "window = 0", "window must be whole seconds"),
        (SLOW + "window = '500ms'", "window must be whole seconds"),
        (SLOW + "window = '1.5s'", "window must be whole seconds"),
        (SLOW + "window = '5s'\nabort = true", "cannot be combined"),
        (CONNECT + "window = '5s'", "window is for metrics known for each second"),
        (CONNECT + "grace = '5s'", "grace is for latencies of messages"),
        (CONNECT + "abort = true", "known only at the end of a run"),
        (RULE + "grace = '5s'", "grace is for latencies of messages"),
        (RULE + "grace = 'soon'", "grace: must be a time such as 10s"),
        (RULE + f"grace = '{'9' * 400}s'", "grace is less than"),
        (RULE + "grace = nan", "grace"),
        (RULE + "why = 3", "why: expected string"),
        ("title = 3\n" + RULE, "title: expected string"),
        (RULE + "abort = 1", "abort: expected true or false"),
        (RULE + "abort = true", "known only at the end of a run"),
        (
            '[[rule]]\nthat = "counts.disconnected >= 1"\nabort = true',
            "needs an upper bound",
        ),
        (
            '[[rule]]\nthat = "counts.disconnected == 5"\nabort = true',
            "needs an upper bound",
        ),
    ],
)
def test_file_without_sense_is_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(text)
    with pytest.raises((RuleError, FileError)) as error:
        read_rules(path)
    assert said in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be read"):
        read_rules(tmp_path / "missing.toml")


def test_keys_of_a_rule_are_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        'min_samples = 7\n[[rule]]\nthat = "latency.ack.actual.p50_ms <= 5"\n'
        'why = "so"\nwindow = "5s"\ngrace = "2m"\n'
        '[[rule]]\nthat = "latency.ack.actual.max_ms <= 5"\nmin_samples = 9\nabort = true\n'
        "grace = 3\n"
    )
    rules = read_rules(path)
    assert rules.title == "mine"
    first, second = rules.rules
    assert (first.window, first.grace, first.min_samples, first.why) == (5.0, 120.0, 7, "so")
    assert (second.abort, second.grace, second.min_samples) == (True, 3.0, 9)


def test_file_about_both_kinds_judges_each_by_its_own_rules(tmp_path: Path) -> None:
    path = tmp_path / "both.toml"
    path.write_text(RULE + '[[rule]]\nthat = "conformance.failed == 0"')
    rules = read_rules(path)
    assert [str(rule.condition) for rule in rules.about(cases=False).rules] == ["counts.lost == 0"]
    (about_cases,) = rules.about(cases=True).rules
    assert str(about_cases.condition) == "conformance.failed == 0"


@pytest.mark.parametrize("path", sorted(shelf("gates").glob("*.toml")), ids=lambda path: path.stem)
def test_rules_on_the_shelf_make_sense(path: Path) -> None:
    assert read_rules(path).title == path.stem
