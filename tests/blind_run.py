"""Running the cases of a kind against its blind faults.

A blind fault was written from the sentence of a requirement alone, by somebody who had not read
the cases. `tests/blind/SUITE.toml` says what each does:

    [answers-are-numbered]
    requirement = "eio-message-polling"
    what = "An answer has its number in front."

It is seen when a case that is clean on the correct server is FAIL or NON_STRICT.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sockproof.conformance.shelf.case import Case
from sockproof.runs.records import CaseRecord
from tests import mutants_run
from tests.faults import KINDS
from tests.servers.blind import woven

DESCRIBED = Path(__file__).parent / "blind"
AT_ONCE = 60  # cases of a batch, behind which a run ends that has seen its fault


@dataclass(frozen=True)
class BlindFault:
    """One fault, and the requirement that it was written from."""

    name: str
    kind: str
    suite: str
    requirement: str
    what: str


@cache
def faults(kind: str) -> dict[str, BlindFault]:
    """The blind faults of a kind by name."""
    found: dict[str, BlindFault] = {}
    paths = [DESCRIBED / f"{suite}.toml" for suite in KINDS[kind]]
    for path in filter(Path.exists, paths):
        for name, table in tomllib.loads(path.read_text(encoding="utf-8")).items():
            assert name not in found, f"{path}: the fault {name} is described twice"
            found[name] = BlindFault(name, kind, path.stem, **table)
    return found


def _batches(fault: BlindFault) -> Iterator[list[Case]]:
    """Every case: first those of the fault's requirement, then of its suite, then the others."""
    cases = mutants_run.cases(fault.kind)
    near = [case for case in cases if case.requirement == fault.requirement]
    yield near
    slow = "fast-timers"
    others = [case for case in cases if case not in near]
    if "heartbeat" not in fault.requirement:
        others = [case for case in others if slow not in case.needs]
    others.sort(key=lambda case: (case.suite != fault.suite, case.exclusive))
    for start in range(0, len(others), AT_ONCE):
        yield others[start : start + AT_ONCE]


def seen_by(fault: BlindFault) -> CaseRecord | None:
    """The record of a case that sees the fault and is clean on the correct server."""
    for batch in _batches(fault):
        for record in _run(fault, batch).values():
            if record.outcome in ("FAIL", "NON_STRICT") and _stands(fault, record.id):
                return record
    return None


def _stands(fault: BlindFault, case_id: str) -> bool:
    """Whether the case sees the fault when it runs alone, and sees nothing without the fault."""
    alone = [case for case in mutants_run.cases(fault.kind) if case.id == case_id]
    again = _run(fault, alone)[case_id].outcome in ("FAIL", "NON_STRICT")
    return again and _is_clean(fault.kind, case_id)


@cache
def _is_clean(kind: str, case_id: str) -> bool:
    alone = [case for case in mutants_run.cases(kind) if case.id == case_id]
    return mutants_run.run_chosen(kind, None, alone)[case_id].outcome == "PASS"


def _run(fault: BlindFault, chosen: Iterable[Case]) -> dict[str, CaseRecord]:
    with woven(fault.name):
        return mutants_run.run_chosen(fault.kind, None, chosen)
