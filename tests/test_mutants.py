"""Every case passes on a correct server and fails on its mutant, and only there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import mutants_run
from tests.faults import KINDS, faults
from tests.progress import HUNG
from tests.sample import rotating

pytestmark = pytest.mark.timeout(HUNG)
DAYS = {"websocket": 18, "socketio": 18, "abuse": 1}  # until each fault has had its turn
DAYS_OF_GROWTH = 3  # likewise, of those of the suite `abuse` that take time to show


def _today(kind: str) -> list[str]:
    slow = [name for name, fault in faults(kind).items() if fault.file.startswith("abuse/growth")]
    quick = sorted({*faults(kind)} - {*slow})
    return rotating(quick, DAYS[kind], kind) + rotating(sorted(slow), DAYS_OF_GROWTH, "slow faults")


TODAY = [pytest.param(kind, name, id=f"{kind}-{name}") for kind in KINDS for name in _today(kind)]


@pytest.mark.parametrize("kind", KINDS)
def test_every_case_passes_on_the_correct_server(kind: str) -> None:
    wrong = {
        record.id: f"{record.outcome}: expected {record.expected}; got {record.got}"
        for record in mutants_run.baseline(kind).values()
        if record.outcome != "PASS" and "the machine was too busy to judge" not in record.got
    }
    assert wrong == {}


@pytest.mark.parametrize(("kind", "name"), TODAY)
def test_fault_is_caught_where_it_says_and_nowhere_else(kind: str, name: str) -> None:
    assert mutants_run.complaints(kind, faults(kind)[name], DAYS[kind]) == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_case_has_a_mutant(kind: str) -> None:
    assert mutants_run.uncaught(kind) == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_fault_is_in_a_server(kind: str) -> None:
    servers = (Path(__file__).parent / "servers").glob("*.py")
    source = "".join(path.read_text(encoding="utf-8") for path in servers)
    literals = re.findall(r'"([a-z0-9{}_.-]+)"', source)  # some are f-strings
    known = re.compile("|".join(re.sub(r"\\{.*?\\}", ".*", re.escape(each)) for each in literals))
    assert [name for name in faults(kind) if not known.fullmatch(name)] == []
