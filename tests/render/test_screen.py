"""The answer of a run never takes more than its rows, and always ends with the verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sockproof.render.conformance.screen import ROWS, screen
from tests.render import sample

WRITTEN = [Path(f"results/x/{name}") for name in ("report.html", "report.md", "junit.xml")]


def rows(report: dict[str, Any], width: int) -> int:
    return sum(line.rows(width) for line in screen(report, WRITTEN, width))


@pytest.mark.parametrize("width", [60, 80, 160, 1000])
@pytest.mark.parametrize(
    "report",
    [sample.sample(), sample.hostile(), sample.large(), sample.crowded(1200), sample.crowded(40)],
    ids=["sample", "hostile", "large", "1200", "40"],
)
def test_it_fits(report: dict[str, Any], width: int) -> None:
    assert rows(report, width) <= ROWS


def test_each_fault_that_there_is_room_for_has_evidence_and_command() -> None:
    lines = screen(sample.crowded(1200), WRITTEN, 1000)
    heads = [at for at, line in enumerate(lines) if line.styled == "FAIL"]
    shown = [at for at in heads if "sockproof conformance" in lines[at + 2].plain]
    assert len(shown) >= 4
    assert all(lines[at + 1].plain.startswith("      expected cause") for at in shown)
    rest = next(line.plain for line in lines if "faults more, in" in line.plain)
    assert rest.endswith("the reports list them, and so does -v")


def test_the_verdict_is_the_last_line() -> None:
    for report in (sample.sample(), sample.crowded(1200)):
        assert screen(report, WRITTEN, 100)[-1].styled.startswith("Fails ")


def test_files_side_by_side_are_told_on_one_line() -> None:
    elsewhere = [*WRITTEN, Path("other/report.json")]
    told = [line.plain for line in screen(sample.clean(), elsewhere, 200)]
    assert "report: results/x/report.html (also report.md, junit.xml)" in told
    assert "report: other/report.json" in told


def test_a_library_whose_faults_they_are_is_proposed() -> None:
    report = sample.sample()
    report["proposal"] = {"expect": "lib", "title": "lib on x", "known": 12, "faults": 13}
    told = [line.plain for line in screen(report, [], 200)]
    assert "12 of 13 faults are known faults of lib on x: add --expect lib" in told


def test_what_was_left_out_is_said() -> None:
    report = sample.clean() | {"excluded": ["websocket/a/*"]}
    assert screen(report, [], 200)[-1].plain == "; without websocket/a/*"
