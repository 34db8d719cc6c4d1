"""Every case about WebSocket clients passes on a correct client and shows its mutants."""

from __future__ import annotations

import pytest

from sockproof.conformance.shelf.case import Case
from tests import sample
from tests.clients.websocket_run import CAUGHT, cases, faults, freedoms, outcomes
from tests.progress import HUNG

pytestmark = pytest.mark.timeout(HUNG)
DAYS = 15  # until each fault has had its turn
CATCHING = 6  # cases that a fault meets at each turn, of those that show it
MOST = 120  # cases of a suite that the correct client meets at each turn
FAULTS = faults()
# What a client has to offer, or to be, so that the cases about it can judge it.
BESIDES = (
    "offers-nothing",
    "offers-deflate-without-parameters",
    "offers-server-bits",
    "offers-client-bits-9",
    "offers-client-no-takeover",
    "offers-server-no-takeover",
)


def _today(chosen: list[Case], most: int, purpose: str) -> list[Case]:
    """At most so many of the cases, others at each turn."""
    if sample.ALL or len(chosen) <= most:
        return chosen
    drawn = {case.id for case in sample.chance(purpose).sample(chosen, most)}
    return [case for case in chosen if case.id in drawn]


@pytest.mark.parametrize("suite", ["websocket", "deflate"])
def test_every_case_passes_on_a_correct_client(suite: str) -> None:
    chosen = [case for case in cases() if case.suite == suite]
    records = outcomes([], _today(chosen, MOST, f"correct client {suite}"), ("PASS", "UNSUPPORTED"))
    for name in BESIDES:
        lacking = {each.id for each in records.values() if each.outcome == "UNSUPPORTED"}
        again = [case for case in chosen if case.id in lacking]
        records |= outcomes([freedoms()[name].mixin], again)
    wrong = {
        record.id: f"{record.outcome}: expected {record.expected}; got {record.got}"
        for record in records.values()
        if record.outcome != "PASS"
    }
    assert wrong == {}, sample.said()


@pytest.mark.parametrize("name", sample.rotating(sorted(FAULTS), DAYS, "client faults"))
def test_fault_is_seen(name: str) -> None:
    fault = FAULTS[name]
    catching = [case for case in cases() if fault.shows_in(case.id)]
    records = outcomes([fault.mixin], _today(catching, CATCHING, name), CAUGHT)
    passed = {
        record.id: f"{record.outcome}: {record.got}"
        for record in records.values()
        if record.outcome not in CAUGHT
    }
    assert passed == {}, sample.said()


def test_every_fault_is_seen_by_a_case() -> None:
    known = [case.id for case in cases()]
    assert [each.name for each in FAULTS.values() if not any(map(each.shows_in, known))] == []


def test_every_case_has_a_mutant() -> None:
    found = [c.id for c in cases() if not any(each.shows_in(c.id) for each in FAULTS.values())]
    assert found == []
