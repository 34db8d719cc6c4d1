"""Stored matrix runs, as `sockproof matrix` writes them, of made-up servers."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from sockproof.files import json_text
from sockproof.render.conformance.matrix import Column, assemble, to_json
from tests.render import sample

FRAGMENTED = "rfc6455-5.5-unfragmented"


def report(fixed: bool = False) -> dict[str, Any]:
    """A report with a FAIL, which a later version may have fixed."""
    made = copy.deepcopy(sample.sample())
    for case in made["cases"]:
        if fixed and case["requirement"] == FRAGMENTED:
            case["outcome"] = "PASS"
    return made


def run(
    results: Path,
    day: int,
    servers: dict[str, tuple[str, dict[str, Any]]],
    kind: str = "websocket",
    of: str = "servers",
) -> Path:
    """A matrix run on a day of January, of servers by name, or clients: their title and report."""
    folder = results / f"202601{day:02}T000000Z-matrix"
    folder.mkdir(parents=True)
    columns = [
        Column(name, title, kind, f"{name}/report.html", told)
        for name, (title, told) in servers.items()
    ]
    made = assemble(columns, [], "0.1.0", f"2026-01-{day:02}T00:00:00.000Z", of)
    (folder / "matrix.json").write_text(to_json(made))
    for name, (_, told) in servers.items():
        (folder / name).mkdir()
        (folder / name / "report.json").write_text(json_text(told))
    return folder


def two_versions(results: Path) -> None:
    """A server that fixes a fault, and one that stays as it is."""
    run(results, 1, {"one": ("One 1.0", report()), "two": ("Two 1.0", report())})
    run(results, 8, {"one": ("One 1.1", report(fixed=True)), "two": ("Two 1.0", report())})
