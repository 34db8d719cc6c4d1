"""Every case of `websocket` and `deflate` passes on a correct server and fails on its mutant."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import mutants_run
from tests.faults import faults
from tests.progress import HUNG
from tests.sample import rotating

pytestmark = pytest.mark.timeout(HUNG)
KIND = "websocket"
DAYS = 6  # until each fault has had its turn


def test_every_case_passes_on_the_correct_server() -> None:
    wrong = {
        record.id: f"{record.outcome}: expected {record.expected}; got {record.got}"
        for record in mutants_run.baseline(KIND).values()
        if record.outcome != "PASS"
    }
    assert wrong == {}


@pytest.mark.parametrize("name", rotating(sorted(faults(KIND)), DAYS, KIND))
def test_fault_is_caught_where_it_says_and_nowhere_else(name: str) -> None:
    assert mutants_run.complaints(KIND, faults(KIND)[name]) == []


def test_every_case_has_a_mutant() -> None:
    assert mutants_run.uncaught(KIND) == []


def test_every_fault_is_in_a_server() -> None:
    servers = (Path(__file__).parent / "servers").glob("*.py")
    source = "".join(path.read_text(encoding="utf-8") for path in servers)
    literals = re.findall(r'"([a-z0-9{}_.-]+)"', source)  # some are f-strings
    known = re.compile("|".join(re.sub(r"\\{.*?\\}", ".*", re.escape(each)) for each in literals))
    assert [name for name in faults(KIND) if not known.fullmatch(name)] == []
