"""Faults that were written without a look at the cases are seen by one of them all the same."""

from __future__ import annotations

import pytest

from tests import blind_run, mutants_run
from tests.sample import rotating
from tests.servers.blind import ROUND

KIND = "socketio"
DAYS = 40  # until each has had its turn


def test_every_blind_fault_is_in_a_server() -> None:
    assert set(blind_run.faults(KIND)) - set(ROUND) == set()
    woven = [(owner, method) for hooks in ROUND.values() for owner, method, _ in hooks]
    assert [f"{owner}.{method}" for owner, method in woven if method not in vars(owner)] == []


def test_every_blind_fault_offends_a_requirement_that_exists() -> None:
    named = {each.requirement for each in blind_run.faults(KIND).values()}
    assert named - set(mutants_run.requirements()) == set()


@pytest.mark.timeout(120)  # one that nothing sees has met every case
@pytest.mark.parametrize("name", rotating(sorted(blind_run.faults(KIND)), DAYS, "blind"))
def test_blind_fault_is_seen(name: str) -> None:
    fault = blind_run.faults(KIND)[name]
    assert blind_run.seen_by(fault) is not None, f"no case sees it: {fault.what}"
