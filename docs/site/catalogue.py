"""What the pages are made of: requirements, their cases, who breaks them, and how that looks."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sockproof.conformance.shelf.case import Case, load_cases
from sockproof.conformance.shelf.expectations import Expectation, glob_matches, load_expectations
from sockproof.conformance.shelf.requirements import Requirement, load_requirements
from sockproof.shelves import shelf
from sockproof.targets.spec import TargetSpec, load_targets
from sockproof.vocabulary import SUITES

VIOLATIONS = Path(__file__).parent / "violations.json"


@dataclass(frozen=True, slots=True)
class Deviation:
    """A known deviation of a bundled server, and the requirements that it is about."""

    target: TargetSpec
    expectation: Expectation
    cases: tuple[Case, ...]


@cache
def requirements() -> dict[str, Requirement]:
    """The catalogue by id."""
    return load_requirements(shelf("conformance") / "requirements")


@cache
def cases() -> tuple[Case, ...]:
    """Every case of every suite."""
    return tuple(load_cases(shelf("conformance"), SUITES))


@cache
def cases_of() -> dict[str, list[Case]]:
    """The cases of each requirement."""
    found: dict[str, list[Case]] = defaultdict(list)
    for case in cases():
        found[case.requirement].append(case)
    return dict(found)


@cache
def deviations() -> tuple[Deviation, ...]:
    """What the expectations say of the bundled servers."""
    folder = shelf("conformance") / "expectations"
    found = []
    for name, spec in load_targets(shelf("targets")).items():
        path = folder / f"{name}.toml"
        for each in load_expectations(path) if path.exists() else ():
            if named := _named(each.case):
                found.append(Deviation(spec, each, named))
    return tuple(found)


@cache
def _named(glob: str) -> tuple[Case, ...]:
    """The cases that an id or a glob of an expectation names."""
    if "*" not in glob and "?" not in glob:
        return tuple(case for case in _by_id().get(glob, ()))
    beginning = glob.partition("*")[0].partition("?")[0]
    chosen = (case for case in cases() if case.id.startswith(beginning))
    return tuple(case for case in chosen if glob_matches(glob, case.id))


@cache
def _by_id() -> dict[str, tuple[Case, ...]]:
    return {case.id: (case,) for case in cases()}


@cache
def deviations_of() -> dict[str, list[Deviation]]:
    """The deviations from each requirement: what fails, or is allowed and not the best."""
    found: dict[str, list[Deviation]] = defaultdict(list)
    for each in deviations():
        if each.expectation.outcome in ("FAIL", "NON_STRICT"):
            for name in dict.fromkeys(case.requirement for case in each.cases):
                found[name].append(each)
    return dict(found)


@cache
def violations() -> dict[str, Any]:
    """How a violation of each requirement looked on the wire: see `tests/violations.py`."""
    found: dict[str, Any] = json.loads(VIOLATIONS.read_text(encoding="utf-8"))
    return found
