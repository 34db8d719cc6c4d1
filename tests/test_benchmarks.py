"""The benchmark of load generators runs, counts what the target counts, and refuses nonsense."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.waiting import LIMIT

COMMAND = (sys.executable, "benchmarks/generators/run.py")
ROOT = Path(__file__).parents[1]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """The benchmark's command, to its end."""
    command = [*COMMAND, *words]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=LIMIT
    )


def test_generators_are_measured_side_by_side(tmp_path: Path) -> None:
    told = tmp_path / "figures.json"
    words = ("--only", "locust-stock,sockproof-lean", "--measure", "echo", "--rounds", "1")
    done = run(*words, "--seconds", "1", "--json", str(told))
    assert done.returncode == 0, done.stderr
    generators = json.loads(told.read_text())["generators"]
    assert set(generators) == {"locust-stock", "sockproof-lean"}
    for each in generators.values():
        assert each["figures"]["acknowledged_per_cpu_second"]["median"] > 100, done.stdout
    # The stock user is stopped with a round trip of each of its users in flight; on a slow machine
    # those are more than the benchmark lets pass. Ours waits for its own and has no such excuse.
    ours = [line for line in done.stdout.splitlines() if "lean" in line]
    assert ours
    assert not [line for line in ours if "counts" in line], done.stdout


def test_unknown_generator_is_one_line_and_code_3() -> None:
    done = run("--only", "nonsense")
    assert done.returncode == 3
    assert "no generator nonsense; choose one of" in done.stderr
    assert done.stderr.count("\n") == 1
