"""A run is fit to judge when its generator was no bottleneck and its records are whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sockproof.analysis.summary.run_summary import summarize
from sockproof.load.record.recorder import Phase, Recorder
from sockproof.runs.load_records import RUN_FILE, LoadRecordError

SECOND = 1_000_000_000


def run(
    folder: Path,
    *,
    late: int = 0,
    offered: int = 100,
    cpu: float = 0.3,
    connected: bool = True,
    seconds: int = 5,
    closed: bool = True,
    processes: int = 1,
) -> dict[str, Any]:
    """The summary of a run of a hundred emits a second, of which so many leave 20 ms late."""
    (folder / RUN_FILE).write_text(json.dumps({"processes": processes}))
    recorder = Recorder(folder, 7)
    if connected:
        recorder.connecting(1, 1)
        recorder.connected(1, 1, 1, 2)
    else:
        recorder.connect_failed(1, 10, 2)
    recorder.phase(Phase.MEASURED, SECOND)
    for second in range(1, seconds + 1):
        for number in range(100 if connected else 0):
            due = second * SECOND + number
            actual = due + (20_000_000 if number < late else 0)
            recorder.sending(1, 100 * second + number, 2, due, actual)
        recorder.offered += offered
        recorder.withheld += offered - 100
        cost = {"cpu_s": second * cpu, "rss_bytes": 1 << 20, "hub_lag_ns": 1_000}
        recorder.tick((second + 1) * SECOND, cost)
    if closed:
        recorder.phase(Phase.DRAIN, (seconds + 1) * SECOND)
        recorder.close((seconds + 2) * SECOND)
    told: dict[str, Any] = msgspec.to_builtins(summarize(folder).generator)
    recorder.close((seconds + 2) * SECOND)
    return told


def test_run_without_fault_is_fit(tmp_path: Path) -> None:
    generator = run(tmp_path)
    assert generator["reasons"] == []
    assert generator["fit"] is True
    assert generator["saturated"] is False
    assert generator["offered_rate"] == generator["achieved_rate"] == 100


@pytest.mark.parametrize(
    ("fault", "said", "saturated"),
    [
        ({"late": 2}, "2.0% of the messages left more than 10 ms late", True),
        ({"cpu": 0.95}, "a process of the generator used 95% of a core", True),
        ({"offered": 102}, "only 98.0% of the offered rate was achieved", False),
        ({"connected": False, "offered": 100}, "no connection was opened; 1 failed", False),
        ({"seconds": 1}, "the measured part is missing or shorter than two seconds", False),
        ({"closed": False}, "the records of 1 of 1 processes end abruptly", False),
        ({"processes": 2}, "2 processes were expected, 1 left records", False),
    ],
)
def test_run_with_a_fault_is_not_fit(
    fault: dict[str, Any], said: str, saturated: bool, tmp_path: Path
) -> None:
    generator = run(tmp_path, **fault)
    assert any(said in reason for reason in generator["reasons"]), generator["reasons"]
    assert generator["fit"] is False
    assert generator["saturated"] is saturated


@pytest.mark.parametrize("fault", [{"late": 1}, {"offered": 101}, {"cpu": 0.89}])
def test_run_within_the_bounds_is_fit(fault: dict[str, Any], tmp_path: Path) -> None:
    assert run(tmp_path, **fault)["fit"] is True


def test_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LoadRecordError, match="is not the folder of a load run"):
        summarize(tmp_path)
