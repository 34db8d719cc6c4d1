"""`sockproof calibrate`: the harness beside a server that knows its own delay."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sockproof.analysis.statistics.calibration import (
    FILE,
    above,
    calibration,
    machine,
    point,
    read,
    sentence,
)
from sockproof.files import json_text
from sockproof.formats.judgements import CalibrationError, CalibrationPoint
from sockproof.runs.histogram import bucket_of
from tests.render.load_sample import run_folder
from tests.waiting import LIMIT


def at(
    delay: float, rate: float, told: float, server: float = 0.0, fit: bool = True
) -> CalibrationPoint:
    """A run of which the server made `server` ms, and the harness told `told` ms."""
    return CalibrationPoint(delay, rate, server, server, told, told, fit)


def test_floor_is_no_error_and_what_is_beyond_it_is() -> None:
    value = calibration([at(0, 500, 0.2), at(10, 500, 10.5, 10.1)], [], "now")
    assert value.floor_ms == 0.2
    assert value.errors == [CalibrationError(delay_ms=10, p50_ms=0.2, p99_ms=0.2)]
    assert value.highest_rate is None


@pytest.mark.parametrize(
    ("rates", "highest", "limit"),
    [
        ([at(0, 500, 0.3), at(0, 1000, 1.1), at(0, 2000, 1.3)], 1000, True),
        ([at(0, 500, 0.3), at(0, 1000, 0.4, fit=False)], 500, True),
        ([at(0, 500, 0.3)], 500, False),
        ([at(0, 500, 3.0)], None, True),
    ],
)
def test_highest_rate_that_is_right(
    rates: list[CalibrationPoint], highest: float | None, limit: bool
) -> None:
    value = calibration([at(0, 500, 0.2)], rates, "now")
    assert (value.highest_rate, value.reached_limit) == (highest, limit)


def test_calibration_of_another_machine_is_none(tmp_path: Path) -> None:
    assert read(tmp_path) is None
    value = calibration([at(0, 500, 0.2)], [], "now")
    (tmp_path / FILE).write_text(json_text(value))
    assert read(tmp_path) == value
    value.machine = {**machine(), "cpus": 99}
    (tmp_path / FILE).write_text(json_text(value))
    assert read(tmp_path) is None
    (tmp_path / FILE).write_text("{")
    assert read(tmp_path) is None


def test_run_without_data_is_no_point() -> None:
    told: dict[str, Any] = {"samples": 0, "p50_ms": None, "p99_ms": None}
    summary = {
        "latency": {"ack": {"actual": told}},
        "generator": {"achieved_rate": 5.0, "fit": True},
    }
    assert point(0, summary, {str(bucket_of(1000)): 50}) is None
    told.update(p50_ms=3.0, p99_ms=4.0)
    assert point(0, summary, {}) is None
    found = point(0, summary, {str(bucket_of(1_000_000)): 5000})
    assert found is not None
    assert above(found) == pytest.approx(2, abs=0.01)


def test_reports_quote_it(tmp_path: Path) -> None:
    value = calibration([at(0, 500, 0.2)], [at(0, 1000, 0.3)], "now")
    (tmp_path / FILE).write_text(json_text(value))
    run = run_folder(tmp_path / "run")
    command = [sys.executable, "-m", "sockproof", "report", str(run)]
    subprocess.run(command, check=True, capture_output=True, timeout=LIMIT)
    assert sentence(value) in (run / "report.html").read_text()


def test_machine_is_measured(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sockproof", "calibrate", "--quick"]
    done = subprocess.run(
        [*command, "--results", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stderr
    value = read(tmp_path)
    assert value is not None
    assert [each.delay_ms for each in value.errors] == [1, 10, 100]
    for each in value.points:  # the harness never tells less than the server took
        assert each.told_p50_ms > each.server_p50_ms * 0.99
    hundred = next(each for each in value.points if each.delay_ms == 100)
    assert hundred.server_p50_ms >= 99
    assert sentence(value) in done.stdout
