"""What changed between two conformance runs."""

from __future__ import annotations

from typing import Any

from sockproof.analysis.changes import Change, changes, rank


def report(**outcomes: str) -> dict[str, Any]:
    """A report of cases by name; several outcomes of one case are joined by a plus."""
    return {
        "cases": [
            {"id": f"websocket/file/{name}", "outcome": outcome, "got": f"{name} {outcome}"}
            for name, several in outcomes.items()
            for outcome in several.split("+")
        ]
    }


def test_what_got_worse_and_what_got_better_are_told_apart() -> None:
    found = changes(report(a="PASS", b="FAIL", c="PASS"), report(a="FAIL", b="PASS", c="PASS"))
    assert found.worse == [Change("websocket/file/a", "PASS", "FAIL", "a FAIL")]
    assert found.better == [Change("websocket/file/b", "FAIL", "PASS", "b PASS")]
    assert (found.same, found.new, found.gone) == (1, [], [])


def test_cases_of_one_run_alone_are_new_or_gone() -> None:
    found = changes(report(a="PASS"), report(b="FAIL"))
    assert found.new == [("websocket/file/b", "FAIL")]
    assert found.gone == [("websocket/file/a", "PASS")]
    assert (found.same, found.worse, found.better) == (0, [], [])


def test_the_worst_of_several_repetitions_counts() -> None:
    assert changes(report(a="PASS"), report(a="PASS+FAIL+PASS")).worse
    assert changes(report(a="FAIL+PASS"), report(a="FAIL")).same == 1


def test_outcomes_from_best_to_worst() -> None:
    order = ("PASS", "NON_STRICT", "UNSUPPORTED", "INCONCLUSIVE", "FAIL", "nonsense")
    assert sorted(order, key=rank) == list(order)
