"""What it costs to start: seconds of CPU until a command says something, or runs its first case.

    python benchmarks/start.py [--rounds N]

The commands take turns, beside a Python that does nothing; what is told is the median of what the
system counted for the process. `conformance` is measured to the end of a run of one case against
the target `websockets`, so to its first case it takes less. The bounds that the project holds
itself to are 0.35 s for `--version` and `--help`, and 0.8 s for `conformance`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from sockproof.shelves import shelf
from sockproof.targets.launch import launch
from sockproof.targets.spec import load_targets

CASE = "websocket/control_frames/unsolicited_pong_is_not_answered"


def _cpu_seconds(command: Sequence[str]) -> float:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def _measure(url: str, report: Path, rounds: int) -> None:
    sockproof = [sys.executable, "-m", "sockproof"]
    one_case = ["conformance", url, "--case", CASE, "--json", str(report)]
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "sockproof --version": [*sockproof, "--version"],
        "sockproof --help": [*sockproof, "--help"],
        "sockproof load --help": [*sockproof, "load", "--help"],
        "sockproof conformance, one case": [*sockproof, *one_case],
    }
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            taken[name].append(_cpu_seconds(command))
    for name, values in taken.items():
        spread = f"({min(values):.3f} to {max(values):.3f})"
        print(f"{name:32} {statistics.median(values):6.3f} s of CPU  {spread}")


def main() -> None:
    """Measure all of them."""
    parser = argparse.ArgumentParser(description="CPU seconds of a start")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    target = load_targets(shelf("targets"))["websockets"]
    with tempfile.TemporaryDirectory() as folder, launch(target) as running:
        _measure(running.url, Path(folder) / "report.json", options.rounds)


if __name__ == "__main__":
    main()
