"""What follows from what: one fault is one accusation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from sockproof.conformance.shelf.requirements import Requirement
from sockproof.conformance.targets.target import Target
from tests.conformance.made_cases import Function, case, fails, run

CATALOGUE = {
    name: Requirement(name, "RFC 0", "1", "MUST", "It is.", requires=requires)
    for name, requires in {
        "root": (),
        "middle": ("root",),
        "leaf": ("middle",),
        "other": (),
    }.items()
}


async def passes(target: Target) -> None:
    await (await target.connect()).fence()


def outcomes(broken: Mapping[str, Sequence[Function]], **more: Any) -> dict[str, list[str]]:
    """What becomes of cases of these requirements: their outcomes, or what they follow from."""
    cases = [
        replace(case(function, f"{name},{number}"), requirement=name, **more)
        for name, functions in broken.items()
        for number, function in enumerate(functions)
    ]
    records, _ = run(cases, requirements=CATALOGUE, jobs=1)
    told: dict[str, list[str]] = {name: [] for name in broken}
    for record in records:
        aside = record.aside
        told[record.requirement].append(f"follows {aside['of']}" if aside else record.outcome)
    return told


def test_what_requires_a_broken_requirement_follows_from_it() -> None:
    assert outcomes({"leaf": [fails], "middle": [fails], "root": [fails], "other": [fails]}) == {
        "leaf": ["follows root"],
        "middle": ["follows root"],
        "root": ["FAIL"],
        "other": ["FAIL"],
    }


def test_second_fault_is_not_hidden_by_one_that_is_not_behind_it() -> None:
    assert outcomes({"root": [passes], "middle": [fails], "leaf": [passes, fails]}) == {
        "root": ["PASS"],
        "middle": ["FAIL"],
        "leaf": ["PASS", "follows middle"],
    }
    assert outcomes({"root": [passes], "leaf": [fails]})["leaf"] == ["FAIL"]


def test_habit_that_is_allowed_is_told_once() -> None:
    async def is_lax(target: Target) -> None:
        await passes(target)
        target.non_strict("a Close frame", "TCP closed without one")

    async def is_lax_otherwise(target: Target) -> None:
        await passes(target)
        target.non_strict("a Close frame", "another code")

    assert outcomes({"root": [is_lax], "middle": [is_lax, is_lax_otherwise, fails]}) == {
        "root": ["NON_STRICT"],
        "middle": ["follows root", "NON_STRICT", "FAIL"],
    }


def test_requirement_that_mostly_holds_hides_nothing() -> None:
    broken = {"root": [passes, passes, fails], "middle": [fails]}
    assert outcomes(broken) == {"root": ["PASS", "PASS", "FAIL"], "middle": ["FAIL"]}


@pytest.mark.parametrize(("transport", "follows"), [("polling", True), ("websocket", False)])
def test_fault_of_one_transport_says_nothing_of_another(transport: str, follows: bool) -> None:
    async def fails_on_it(target: Target, transport: str) -> None:
        del transport
        await fails(target)

    cases = [
        replace(
            case(fails_on_it, name, parameters={"transport": each}), id=f"s/f/{name}[{each}]",
            requirement=name,
        )
        for name, each in (("root", "polling"), ("middle", transport))
    ]  # fmt: skip
    records, _ = run(cases, requirements=CATALOGUE, jobs=1)
    assert [bool(record.aside) for record in records] == [False, follows]


def builds_on(name: str, ends: Function, however: bool = True) -> Function:
    """A case that does this behind a step of that requirement."""

    async def does(target: Target) -> None:
        target.context.builds_on(name, however)
        await ends(target)

    return does


def test_case_that_builds_on_what_fails_follows_from_it() -> None:
    few = [passes, passes, builds_on("root", fails)]
    assert outcomes({"root": [fails], "other": few})["other"][2] == "follows root"
    assert outcomes({"root": [passes] * 4 + [fails], "other": few})["other"][2] == "follows root"
    assert outcomes({"root": [passes], "other": few})["other"][2] == "FAIL"


def test_fault_of_its_own_counts_beside_a_step_that_fails_now_and_then() -> None:
    broken: dict[str, list[Function]]
    broken = {"root": [passes, passes, passes, fails], "other": [passes, builds_on("root", fails)]}
    assert outcomes(broken)["other"] == ["PASS", "FAIL"]


def test_step_that_explains_time_outs_explains_nothing_else() -> None:
    few = [passes, passes, builds_on("root", fails, however=False)]
    assert outcomes({"root": [fails], "other": few})["other"][2] == "FAIL"


def test_two_that_build_on_each_other_are_not_both_let_off() -> None:
    broken = {"root": [builds_on("other", fails)], "other": [builds_on("root", fails)]}
    assert outcomes(broken) == {"root": ["FAIL"], "other": ["FAIL"]}
