"""What the harness adds to a latency on this machine: measured against a server that knows its own.

The floor is what is left of a round trip when the server takes no time: two system calls and the
loopback each way, and what both programs take to read and write. The error of a percentile is what
the harness reports beyond the server's own figure and the floor.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sockproof import files
from sockproof.formats.judgements import Calibration, CalibrationError, CalibrationPoint
from sockproof.runs.histogram import Histogram
from sockproof.vocabulary import P50, P99, LatencyKind, Origin

FILE = "calibration.json"
MOST_ERROR = 1.0  # ms, of the median, at the highest rate that is told


def above(each: CalibrationPoint) -> float:
    """What the harness reports beyond the server's own median."""
    return each.told_p50_ms - each.server_p50_ms


def point(
    delay_ms: float, summary: Mapping[str, Any], delays: Mapping[str, int]
) -> CalibrationPoint | None:
    """A run's point; None when it has no acknowledgement or the server saw none."""
    told = summary["latency"][LatencyKind.ACK][Origin.ACTUAL]
    server = Histogram.from_json(delays)
    median, high = server.percentile(0.5), server.percentile(0.99)
    rate = summary["generator"]["achieved_rate"]
    if median is None or told[P50.ms] is None or rate is None:
        return None
    return CalibrationPoint(
        delay_ms,
        rate,
        median / 1e6,
        None if high is None else high / 1e6,
        told[P50.ms],
        told[P99.ms],
        bool(summary["generator"]["fit"]) and not summary["generator"].get("lateness"),
    )


def machine() -> dict[str, Any]:
    """What a calibration holds for."""
    return {
        "system": platform.platform(),
        "processor": platform.machine(),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
    }


def calibration(
    delays: Sequence[CalibrationPoint], rates: Sequence[CalibrationPoint], started: str
) -> Calibration:
    """All that is known: floor, errors at known delays, the highest rate that is still right."""
    floor = next((above(each) for each in delays if each.delay_ms == 0), 0.0)
    right = [each.rate for each in rates if each.fit and above(each) - floor <= MOST_ERROR]
    wrong = [each for each in rates if not each.fit or above(each) - floor > MOST_ERROR]
    errors = [
        CalibrationError(
            delay_ms=each.delay_ms,
            p50_ms=round(above(each) - floor, 4),
            p99_ms=_error_p99(each, floor),
        )
        for each in delays
        if each.delay_ms
    ]
    return Calibration(
        schema=1,
        started=started,
        machine=machine(),
        floor_ms=round(floor, 4),
        errors=errors,
        highest_rate=round(max(right), 1) if right else None,
        reached_limit=bool(wrong),
        points=[*delays, *rates],
    )


def _error_p99(each: CalibrationPoint, floor: float) -> float | None:
    if each.told_p99_ms is None or each.server_p99_ms is None:
        return None
    return round(each.told_p99_ms - each.server_p99_ms - floor, 4)


def read(results: Path) -> Calibration | None:
    """The calibration of this machine; None when there is none, or it is of another."""
    try:
        value = files.read_json(results / FILE, Calibration, files.MIB)
    except files.FileError:
        return None
    return value if value.machine == machine() else None


def sentence(value: Calibration) -> str:
    """What a report says of it."""
    worst = max((abs(each.p50_ms) for each in value.errors), default=0.0)
    told = f"latency floor {value.floor_ms:.2f} ms; medians accurate to {worst:.2f} ms"
    if value.highest_rate is not None:
        beyond = "" if value.reached_limit else " or higher"
        told += (
            f"; accurate to {MOST_ERROR:g} ms up to {value.highest_rate:,.0f} messages/s{beyond}"
        )
    return told
