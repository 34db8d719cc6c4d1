"""Every case of `abuse` passes on a correct server and fails on its mutant."""

from __future__ import annotations

import pytest

from tests import mutants_run
from tests.faults import faults
from tests.progress import HUNG
from tests.sample import rotating

pytestmark = pytest.mark.timeout(HUNG)
KIND = "abuse"
DAYS = 3  # until each fault that takes time has had its turn
FAULTS = faults(KIND)
SLOW = [name for name, fault in FAULTS.items() if "/growth" in fault.file]
TODAY = {*FAULTS} - {*SLOW} | {*rotating(sorted(SLOW), DAYS, "slow faults", str)}


def test_every_case_passes_on_the_correct_server() -> None:
    wrong = {
        record.id: f"{record.outcome}: expected {record.expected}; got {record.got}"
        for record in mutants_run.baseline(KIND).values()
        if record.outcome != "PASS" and "the machine was too busy to judge" not in record.got
    }
    assert wrong == {}


@pytest.mark.parametrize("name", sorted(TODAY))
def test_fault_is_caught_where_it_says_and_nowhere_else(name: str) -> None:
    assert mutants_run.complaints(KIND, FAULTS[name]) == []


def test_every_case_has_a_mutant() -> None:
    assert mutants_run.uncaught(KIND) == []
