"""Faults that were written without a look at the cases are seen by one of them all the same."""

from __future__ import annotations

import pytest

from tests import blind_run, mutants_run
from tests.progress import HUNG
from tests.sample import rotating
from tests.servers.blind import ROUND

pytestmark = pytest.mark.timeout(HUNG)
KINDS = ("socketio", "websocket")
DAYS = 60  # until each has had its turn
TODAY = [
    (kind, name)
    for kind in KINDS
    for name in rotating(sorted(blind_run.faults(kind)), DAYS, f"blind {kind}")
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_blind_fault_is_in_a_server(kind: str) -> None:
    assert set(blind_run.faults(kind)) - set(ROUND) == set()


def test_every_blind_fault_is_woven_round_a_method_that_is_there() -> None:
    woven = [(owner, method) for hooks in ROUND.values() for owner, method, _ in hooks]
    assert [f"{owner}.{method}" for owner, method in woven if method not in vars(owner)] == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_blind_fault_offends_a_requirement_that_exists(kind: str) -> None:
    named = {each.requirement for each in blind_run.faults(kind).values()}
    assert named - set(mutants_run.requirements()) == set()


@pytest.mark.parametrize(("kind", "name"), TODAY)
def test_blind_fault_is_seen(kind: str, name: str) -> None:
    fault = blind_run.faults(kind)[name]
    assert blind_run.seen_by(fault) is not None, f"no case sees it: {fault.what}"
