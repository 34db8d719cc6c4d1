"""The verdict's sentence, and which list a case belongs to."""

from __future__ import annotations

from typing import Any

import pytest

from sockproof.render.conformance.summary import coverage, findings, groups, verdict
from tests.render import sample


def finished(*outcomes: str, code: int = 0, **keys: Any) -> dict[str, Any]:
    records = [
        sample.case(f"websocket/file/case_{n}", "rfc6455-5.5.2-pong", outcome)
        for n, outcome in enumerate(outcomes)
    ]
    return sample.run(records, {"seconds": 1.0, "exit_code": code, **keys})


@pytest.mark.parametrize(
    ("report", "sentence", "tone"),
    [
        (finished("PASS", "PASS"), "Nothing unexpected in 1 requirement", "good"),
        (finished("PASS", "FAIL", code=1), "Fails 1 of 1 requirement", "bad"),
        (finished("PASS", "NON_STRICT", code=1, strict=True), "Fails 1 of 1 requirement", "bad"),
        (
            finished("PASS", code=1, stale_expectations=[sample.STALE]),
            "1 expectation no longer holds",
            "bad",
        ),
        (finished(code=2), "Inconclusive: no case ran", "unknown"),
        (
            finished(code=2, problem="127.0.0.1:1 refused\nit"),
            "Inconclusive: 127.0.0.1:1 refused\\nit",
            "unknown",
        ),
        (
            finished("PASS", "INCONCLUSIVE", code=2),
            "Inconclusive: 1 case could not be set up",
            "unknown",
        ),
        (
            finished("PASS", "PASS", code=130, interrupted=True),
            "Interrupted after 2 cases",
            "unknown",
        ),
        (
            sample.run(sample.cases()[:3], None),
            "Interrupted after 3 cases; so far it fails 1 of 2 requirements",
            "bad",
        ),
    ],
)
def test_the_verdict_is_one_sentence(report: dict[str, Any], sentence: str, tone: str) -> None:
    found = verdict(report)
    assert (found.sentence, found.tone) == (sentence, tone)


def test_no_case_is_in_two_lists() -> None:
    found = findings(sample.sample())
    assert [len(found.wrong), len(found.unclear), len(found.remarks), len(found.known)] == [
        1, 1, 2, 1
    ]  # fmt: skip
    assert [case["outcome"] for case in found.remarks] == ["FAIL", "NON_STRICT"]


def test_an_expected_deviation_is_no_surprise() -> None:
    assert verdict(sample.sample()).notes == (
        "1 expectation no longer holds",
        "1 known deviation, as expected",
        "1 case could not be set up",
        "1 recommendation not followed",
        "1 case allowed but not strict",
    )


def test_groups_stand_in_the_order_of_the_suites() -> None:
    assert list(groups(sample.sample()["cases"])) == [
        ("websocket", "closing"),
        ("websocket", "control"),
        ("websocket", "push"),
        ("socketio", "connect"),
        ("rooms", "members"),
    ]


def test_coverage_is_counted_by_document() -> None:
    counted = {
        part.document: (len(part.with_case), len(part.without_case), len(part.untestable))
        for part in coverage(sample.sample())
    }
    assert counted == {"RFC 6455": (4, 1, 0), "Socket.IO v5": (1, 0, 0), "Rooms": (1, 0, 1)}
