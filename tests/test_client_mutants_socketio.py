"""Every case about Socket.IO clients passes on a correct client and shows its mutants."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from sockproof.conformance.shelf.case import Case
from tests import sample
from tests.clients.socketio_run import CAUGHT, LOOKS, cases, described, outcomes
from tests.progress import HUNG

pytestmark = pytest.mark.timeout(HUNG)
DAYS = 24  # until each fault has had its turn
CATCHING = 4  # cases that a fault meets at each turn, of those that show it
SHARE = 2  # the correct client meets one in so many cases each day
FAULTS = described("mutants")
RAW = Path(__file__).parent / "clients" / "raw_socketio"


def _today(chosen: list[Case], most: int, purpose: str) -> list[Case]:
    """At most so many of the cases, others at each turn."""
    if sample.ALL or len(chosen) <= most:
        return chosen
    drawn = {case.id for case in sample.chance(purpose).sample(chosen, most)}
    return [case for case in chosen if case.id in drawn]


def test_every_case_passes_on_the_correct_client() -> None:
    chosen = sample.rotating(cases(), SHARE, "correct client", lambda case: case.id)
    wrong = {
        record.id: f"{record.outcome}: expected {record.expected}; got {record.got}"
        for record in outcomes([], chosen, LOOKS).values()
        if record.outcome != "PASS"
    }
    assert wrong == {}, sample.said()


@pytest.mark.parametrize("name", sample.rotating(sorted(FAULTS), DAYS, "socketio client faults"))
def test_fault_is_seen(name: str) -> None:
    catching = [replace(c, limit=None) for c in cases() if FAULTS[name].shows_in(c.id)]
    passed = {
        record.id: f"{record.outcome}: {record.got}"
        for record in outcomes([name], _today(catching, CATCHING, name), LOOKS, CAUGHT).values()
        if record.outcome not in CAUGHT
    }
    assert passed == {}, sample.said()


def test_every_fault_is_seen_by_a_case() -> None:
    known = [case.id for case in cases()]
    assert [each.name for each in FAULTS.values() if not any(map(each.shows_in, known))] == []


def test_every_case_has_a_mutant() -> None:
    found = [c.id for c in cases() if not any(each.shows_in(c.id) for each in FAULTS.values())]
    assert found == []


def test_every_fault_is_in_the_client() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in RAW.glob("*.py"))
    assert set(FAULTS) - set(re.findall(r'"([a-z0-9-]+)"', source)) == set()
