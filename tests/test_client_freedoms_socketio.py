"""No case about Socket.IO clients accuses a client of what the documents let it do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sockproof.conformance.shelf.case import Case
from sockproof.conformance.shelf.expectations import glob_matches
from tests import sample
from tests.clients.socketio_run import LOOKS, Switch, cases, described, outcomes
from tests.progress import HUNG

pytestmark = pytest.mark.timeout(HUNG)
DAYS = 8  # until each freedom has had its turn
SHARE = 8  # a freedom meets one in so many cases then
PAIRS, SHARE_OF_A_PAIR = 3, 12
FREEDOMS = described("freedoms")
RAW = Path(__file__).parent / "clients" / "raw_socketio"


def drawn(purpose: str, share: int, days: int = 1) -> list[Case]:
    """Today's cases."""
    return sample.rotating(cases(), share, purpose, lambda case: case.id, days)


def complaints(several: list[Switch], chosen: list[Case]) -> list[str]:
    """Whatever a client with these freedoms is accused of or cannot be judged by, a line each."""
    may = {"UNSUPPORTED": [glob for each in several for glob in each.unsupported]}
    may["NON_STRICT"] = [glob for each in several for glob in each.non_strict]
    return [
        f"{record.id}: {record.outcome}: {record.expected} | {record.got}"
        for record in outcomes([each.name for each in several], chosen, LOOKS).values()
        if record.outcome != "PASS"
        and not any(glob_matches(glob, record.id) for glob in may.get(record.outcome, ()))
    ]


@pytest.mark.parametrize("name", sample.rotating(sorted(FREEDOMS), DAYS, "socketio clients"))
def test_no_case_accuses_a_freedom(name: str) -> None:
    found = complaints([FREEDOMS[name]], drawn(name, SHARE, DAYS))
    assert not found, "\n".join([sample.said(), *found])


@pytest.mark.parametrize("number", range(PAIRS))
def test_no_case_accuses_two_freedoms_together(number: int) -> None:
    pair = sample.chance(f"socketio clients {number}").sample([*FREEDOMS.values()], 2)
    found = complaints(pair, drawn(f"socketio clients {number}", SHARE_OF_A_PAIR))
    names = " and ".join(each.name for each in pair)
    # What each of two alone leaves to be judged may be gone with both.
    accused = [line for line in found if ": UNSUPPORTED: " not in line]
    assert not accused, "\n".join([f"{names}; {sample.said()}", *accused])


def test_every_freedom_is_in_the_client() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in RAW.glob("*.py"))
    known = set(re.findall(r'"([a-z0-9-]+)"', source))
    ops = {f"has-no-{op}" for op in ("emit", "emit-with-ack", "connect", "disconnect", "close")}
    assert set(FREEDOMS) - known - ops == set()
