"""No case about WebSocket clients accuses a client of what the documents let it do."""

from __future__ import annotations

import pytest

from sockproof.conformance.shelf.case import Case
from sockproof.conformance.shelf.expectations import glob_matches
from sockproof.wire.deflate import NAME
from tests import sample
from tests.clients.websocket_run import OTHER_OFFERS, Switch, cases, freedoms, outcomes
from tests.progress import HUNG

pytestmark = pytest.mark.timeout(HUNG)
DAYS = 8  # until each freedom has had its turn
SHARE = 10  # a freedom meets one in so many cases then
PAIRS, SHARE_OF_A_PAIR = 4, 16
FREEDOMS = freedoms()
ACCUSING = ("FAIL", "INCONCLUSIVE")


def drawn(purpose: str, share: int, days: int = 1) -> list[Case]:
    """Today's cases."""
    return sample.rotating(cases(), share, purpose, lambda case: case.id, days)


def complaints(several: list[Switch], chosen: list[Case]) -> list[str]:
    """Whatever a client with these freedoms is accused of or cannot be judged by, a line each."""
    globs = [*OTHER_OFFERS, *(glob for each in several for glob in each.unsupported)]
    found = []
    for record in outcomes([each.mixin for each in several], chosen).values():
        offer = NAME in record.lacks  # what it offers of compression decides about such cases
        excused = offer or any(glob_matches(glob, record.id) for glob in globs)
        if record.outcome in ACCUSING or (record.outcome == "UNSUPPORTED" and not excused):
            found.append(f"{record.id}: {record.outcome}: {record.expected} | {record.got}")
    return found


@pytest.mark.parametrize("name", sample.rotating(sorted(FREEDOMS), DAYS, "client freedoms"))
def test_no_case_accuses_a_freedom(name: str) -> None:
    found = complaints([FREEDOMS[name]], drawn(name, SHARE, DAYS))
    assert not found, "\n".join([sample.said(), *found])


@pytest.mark.parametrize("number", range(PAIRS))
def test_no_case_accuses_two_freedoms_together(number: int) -> None:
    pair = sample.chance(f"client pair {number}").sample([*FREEDOMS.values()], 2)
    found = complaints(pair, drawn(f"client pair {number}", SHARE_OF_A_PAIR))
    names = " and ".join(each.name for each in pair)
    assert not found, "\n".join([f"{names}; {sample.said()}", *found])
