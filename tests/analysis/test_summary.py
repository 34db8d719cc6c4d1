"""A run is fit when its records are whole; the generator's lateness spoils no counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sockproof.analysis.summary.run_summary import summarize
from sockproof.load.record.recorder import Phase, Recorder
from sockproof.runs.histogram import Histogram, bucket_of
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
    max_lag: float | None = None,
    silent: bool = False,
) -> dict[str, Any]:
    """The summary of a run of a hundred emits a second, of which so many leave 20 ms late."""
    (folder / RUN_FILE).write_text(
        json.dumps({"processes": processes, "parameters": {"max_lag": max_lag}})
    )
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
        recorder.withheld += 0 if silent else offered - 100
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
    ("fault", "said"),
    [
        ({"offered": 102}, "2.0% of the sends that were due were withheld"),
        ({"connected": False, "offered": 100}, "no connection was opened; 1 failed"),
        ({"seconds": 1}, "the measured part is missing or shorter than a second"),
        ({"closed": False}, "the records of 1 of 1 processes end abruptly"),
        ({"processes": 2}, "2 processes were expected, 1 left records"),
    ],
)
def test_run_with_a_fault_is_not_fit(fault: dict[str, Any], said: str, tmp_path: Path) -> None:
    generator = run(tmp_path, **fault)
    assert any(said in reason for reason in generator["reasons"]), generator["reasons"]
    assert generator["fit"] is False
    assert generator["saturated"] is False


@pytest.mark.parametrize(("length", "measured", "reasons"), [(1.9, 1.9, 0), (0.5, 0.5, 1)])
def test_measured_part_is_as_long_as_it_is_whatever_seconds_it_has(
    length: float, measured: float, reasons: int, tmp_path: Path
) -> None:
    begin, end = SECOND // 4, SECOND // 4 + int(length * SECOND)
    cost = {"cpu_s": 0.2, "rss_bytes": 1 << 20}
    (tmp_path / RUN_FILE).write_text(json.dumps({"processes": 1, "parameters": {}}))
    recorder = Recorder(tmp_path, 7)
    recorder.connecting(1, 1)
    recorder.connected(1, 1, 1, 2)
    recorder.phase(Phase.MEASURED, begin, cost)
    recorder.sending(1, 1, 2, begin + 1, begin + 1)
    recorder.offered += 1
    if end > SECOND:
        recorder.tick(SECOND, {**cost, "hub_lag_ns": 1_000})
    recorder.phase(Phase.DRAIN, end, cost)
    recorder.close(end + SECOND)
    generator = summarize(tmp_path).generator
    assert generator.measured_s == measured
    assert len(generator.reasons) == reasons, generator.reasons


@pytest.mark.parametrize(
    ("fault", "said", "saturated"),
    [
        # A neighbour that takes the processor now and then is not the end of what can be sent.
        ({"late": 3}, "3.0% of the messages left more than 10 ms late", False),
        ({"late": 60}, "60.0% of the messages left more than 10 ms late", True),
        ({"cpu": 0.95}, "a process of the generator used 95% of a core", True),
    ],
)
def test_late_generator_spoils_no_counts(
    fault: dict[str, Any], said: str, saturated: bool, tmp_path: Path
) -> None:
    generator = run(tmp_path, **fault)
    assert generator["lateness"] == [said]
    assert generator["fit"] is True
    assert generator["saturated"] is saturated


@pytest.mark.parametrize(
    "fault",
    [
        {"late": 1},
        {"late": 3, "seconds": 3},  # nine messages are too few for a share
        {"late": 60, "max_lag": 25},
        {"offered": 101},
        {"offered": 120, "silent": True},  # paced methods that send nothing withhold nothing
        {"cpu": 0.89},
    ],
)
def test_run_within_the_bounds_is_fit(fault: dict[str, Any], tmp_path: Path) -> None:
    generator = run(tmp_path, **fault)
    assert generator["fit"] is True
    assert generator["lateness"] == []


def test_latencies_are_told_less_the_lag_of_their_second(tmp_path: Path) -> None:
    (tmp_path / RUN_FILE).write_text(json.dumps({"processes": 1}))
    recorder = Recorder(tmp_path, 7)
    recorder.phase(Phase.MEASURED, SECOND)
    for second in range(1, 13):
        for number in range(100):
            due = second * SECOND + number
            recorder.sending(1, 100 * second + number, 2, due, due, 1)
            recorder.ack_received(1, 100 * second + number, due, due, due + 50_000_000)
        recorder.tick((second + 1) * SECOND, {"hub_lag_ns": 30_000_000 if second == 5 else 1_000})
    recorder.phase(Phase.DRAIN, 13 * SECOND)
    recorder.close(14 * SECOND)
    summary = summarize(tmp_path)
    assert summary.latency["ack"]["intended"]["p50_ms"] == pytest.approx(50, rel=0.01)
    less = Histogram.sum(
        Histogram({bucket_of(50_000_000 - lag): 100})
        for lag in (*[1_000] * 9, *[30_000_000] * 3)  # a second's neighbours overlap it
    )
    found = summary.latency_less_lag["ack"]["intended"]
    assert found["samples"] == less.samples
    assert found["p50_ms"] == pytest.approx(50, rel=0.01)
    assert (less.at(0.2) or 0) / 1e6 == pytest.approx(20, rel=0.01)


def test_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LoadRecordError, match="is not the folder of a load run"):
        summarize(tmp_path)
