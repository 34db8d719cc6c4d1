"""Two runs beside each other: what differs is said, and what differs by noise is not."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from sockproof.analysis.timeline.overlay import Group, changes, curve
from sockproof.formats.judgements import Change
from sockproof.load.record.recorder import Phase, Recorder
from sockproof.runs.reader import LoadRunFolder

SECOND = 1_000_000_000


def recorded(folder: Path, seed: int, scale: float = 1.0, seconds: int = 40) -> Path:
    """A run whose latencies wander from second to second around 2 ms."""
    folder.mkdir()
    chance = random.Random(seed)
    recorder = Recorder(folder, 7)
    recorder.phase(Phase.MEASURED, SECOND)
    level = 1.0
    for second in range(1, seconds + 1):
        level = 0.8 * level + 0.2 * chance.uniform(0.8, 1.2)
        for number in range(100):
            due = second * SECOND + number
            latency = int(2e6 * scale * level * chance.lognormvariate(0, 0.3))
            recorder.sending(1, number, 1, due, due, 1)
            recorder.ack_received(1, number, due, due, due + latency)
        recorder.tick((second + 1) * SECOND)
    recorder.phase(Phase.DRAIN, (seconds + 1) * SECOND)
    recorder.close((seconds + 2) * SECOND)
    return folder


def compared(tmp_path: Path, scale: float, seed: int = 2) -> dict[str, Change]:
    a = Group([LoadRunFolder(recorded(tmp_path / "a", 1))], "ack", 1)
    b = Group([LoadRunFolder(recorded(tmp_path / "b", seed, scale))], "ack", 2)
    return {each.metric.rpartition(".")[2]: each for each in changes(a, b, "ack")}


@pytest.mark.parametrize(
    ("scale", "verdict"), [(1.0, "alike"), (1.5, "slower"), (0.6, "faster"), (1.1, "inconclusive")]
)
def test_median_that_differs_is_told(scale: float, verdict: str, tmp_path: Path) -> None:
    found = compared(tmp_path, scale)["p50_ms"]
    assert found.verdict == verdict, found
    assert found.low <= scale * 1.02
    assert found.high >= scale * 0.98
    assert found.ratio == pytest.approx(scale, rel=0.1)


def test_percentile_with_too_few_samples_is_left_out(tmp_path: Path) -> None:
    assert set(compared(tmp_path, 1.0)) == {"p50_ms", "p90_ms", "p99_ms"}


def test_runs_of_a_group_count_together(tmp_path: Path) -> None:
    runs = [LoadRunFolder(recorded(tmp_path / str(s), s, seconds=5)) for s in range(4)]
    group = Group(runs, "ack")
    assert group.samples == 4 * 5 * 100
    assert Group(runs, "delivery").samples == 0


def test_curve_lies_within_its_interval(tmp_path: Path) -> None:
    found = curve(Group([LoadRunFolder(recorded(tmp_path / "a", 1))], "ack"))
    assert (found.low <= found.values).all()
    assert (found.values <= found.high).all()
    assert (found.values[1:] >= found.values[:-1]).all()
    assert found.shares[-1] == pytest.approx(1 - 10 / 4000)
