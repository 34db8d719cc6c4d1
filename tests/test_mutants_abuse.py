"""Every case of `abuse` passes on a correct server and fails on its mutant."""

from __future__ import annotations

import pytest

from tests import mutants_run

KIND = "abuse"


def test_every_case_passes_on_the_correct_server() -> None:
    wrong = {
        record.id: f"{record.outcome}: expected {record.expected}; got {record.got}"
        for record in mutants_run.baseline(KIND).values()
        if record.outcome != "PASS"
    }
    assert wrong == {}


@pytest.mark.parametrize("name", sorted(mutants_run.faults(KIND)))
def test_fault_is_caught_where_it_says_and_nowhere_else(name: str) -> None:
    assert mutants_run.complaints(KIND, mutants_run.faults(KIND)[name]) == []


def test_every_case_has_a_mutant() -> None:
    assert mutants_run.uncaught(KIND) == []
