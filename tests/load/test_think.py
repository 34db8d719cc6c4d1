"""Users of closed loops think between an acknowledgement and their next message."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.load.command import load
from tests.load.pubsub import pubsub, scenario
from tests.waiting import LIMIT

FEW = ("--users", "4", "--run-time", "3s", "--no-report", "--drain", "2")

# In a process of its own: users patch whoever imports them.
_DRAW = """
from sockproof.load.users import exponential, lognormal, uniform

many = range(20_000)
found = [exponential(2.0)() for _ in many]
assert 1.9 < sum(found) / len(found) < 2.1 and min(found) >= 0, "exponential"
found = [uniform(1, 3)(None) for _ in many]
assert 1 <= min(found) < 1.1 and 2.9 < max(found) <= 3, "uniform"
found = sorted(lognormal(2.0, 0.5)() for _ in many)
assert 1.9 < found[10_000] < 2.1 and found[-1] > 5, "lognormal"
for wrong in (
    lambda: exponential(0),
    lambda: uniform(3, 1),
    lambda: uniform(-1, 1),
    lambda: lognormal(0, 1),
    lambda: lognormal(1, -1),
    lambda: exponential(float("nan")),
):
    try:
        wrong()
    except ValueError:
        continue
    raise AssertionError("no complaint")
"""


def test_distributions_are_what_they_are_called() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _DRAW], capture_output=True, text=True, timeout=LIMIT, check=False
    )
    assert done.returncode == 0, done.stderr


def _sent(folder: Path, *changes: str) -> tuple[int, str, int]:
    with pubsub() as server:
        found = load(folder, scenario(folder, "rate = 0", *changes), server.url, *FEW)
    return found.summary["counts"]["emitted"], found.output, found.code


@pytest.mark.parametrize(
    "think", ["think = uniform(0.4, 0.6)", "def think(self): return 0.5", "think = lambda: 0.5"]
)
def test_who_thinks_sends_as_often_as_that(think: str, tmp_path: Path) -> None:
    sent, output, code = _sent(tmp_path, think)
    assert code == 0, output
    assert 4 <= sent <= 40  # at most 4 users, 3 s and some drain, twice a second


def test_a_think_time_that_is_none_is_an_error_of_the_scenario(tmp_path: Path) -> None:
    sent, output, code = _sent(tmp_path, "think = -1")
    assert (sent, code) == (0, 2)
    assert "think is from 0 to" in output
