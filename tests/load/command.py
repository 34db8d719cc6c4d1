"""Running `sockproof load` as a person does, and what it left."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.waiting import LIMIT


@dataclass
class Result:
    """A load run that has ended."""

    code: int
    output: str
    folder: Path

    @property
    def summary(self) -> dict[str, Any]:
        file = self.folder / "summary.json"
        assert file.exists(), (self.code, self.output)
        value: dict[str, Any] = json.loads(file.read_text())
        return value


def violated(found: Result) -> dict[str, int]:
    """The counts of what does not hold."""
    told, counts = found.summary["properties"], found.summary["counts"]
    return {name: counts[name] for name, each in told.items() if each["verdict"] is False}


# What only a scenario that asks for it can show: looks at answers, and messages without stamps.
ASKED_FOR = {"contradicted", "misnumbered", "miscounted"}


def judged(summary: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The properties of a run whose scenario looks at no answer and stamps every message."""
    properties = summary["properties"]
    assert {properties[name]["exercised"] for name in ASKED_FOR} == {0}
    return {name: each for name, each in properties.items() if name not in ASKED_FOR}


def command(results: Path, *words: str) -> list[str]:
    """The command line of a load run."""
    return [sys.executable, "-m", "sockproof", "load", *words, "--results", str(results)]


def result(results: Path, code: int, output: str) -> Result:
    """What a run left in its results folder."""
    return Result(code, output, results / "latest-load")


def load(results: Path, *words: str) -> Result:
    """Run a scenario to its end."""
    done = subprocess.run(
        command(results, *words),
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    return result(results, done.returncode, done.stdout + done.stderr)
