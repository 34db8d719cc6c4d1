"""What the harness adds to a latency on this machine: measured against a server that knows its own.

The floor is what is left of a round trip when the server takes no time: two system calls and the
loopback each way, and what both programs take to read and write. The error of a percentile is what
the harness reports beyond the server's own figure and the floor.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, TypedDict

from msgspec import Meta

from sockproof import files
from sockproof.histogram import Histogram
from sockproof.vocabulary import P50, P99, LatencyKind, Origin

FILE = "calibration.json"
MOST_ERROR = 1.0  # ms, of the median, at the highest rate that is told


_Number = Annotated[float, Meta(ge=-1e12, le=1e12)]


class _Error(TypedDict):
    delay_ms: _Number
    p50_ms: _Number
    p99_ms: _Number | None


class _Point(TypedDict):
    delay_ms: _Number
    rate: _Number
    server_p50_ms: _Number
    server_p99_ms: _Number | None
    told_p50_ms: _Number
    told_p99_ms: _Number | None
    fit: bool


class _Stored(TypedDict):
    """A calibration as its file has it."""

    schema: int
    started: str
    machine: dict[str, str | int | None]
    floor_ms: _Number
    errors: list[_Error]
    highest_rate: _Number | None
    reached_limit: bool
    points: list[_Point]


@dataclass(frozen=True, slots=True)
class Point:
    """One run: what the server did, and what the harness reported, in milliseconds."""

    delay_ms: float  # asked of the server
    rate: float  # messages a second, achieved
    server_p50_ms: float
    server_p99_ms: float | None
    told_p50_ms: float
    told_p99_ms: float | None
    fit: bool

    @property
    def above(self) -> float:
        """What the harness reports beyond the server's own median."""
        return self.told_p50_ms - self.server_p50_ms


def point(delay_ms: float, summary: Mapping[str, Any], delays: Mapping[str, int]) -> Point | None:
    """A run's point; None when it has no acknowledgement or the server saw none."""
    told = summary["latency"][LatencyKind.ACK][Origin.ACTUAL]
    server = Histogram.from_json(delays)
    median, high = server.percentile(0.5), server.percentile(0.99)
    rate = summary["generator"]["achieved_rate"]
    if median is None or told[P50.ms] is None or rate is None:
        return None
    return Point(
        delay_ms,
        rate,
        median / 1e6,
        None if high is None else high / 1e6,
        told[P50.ms],
        told[P99.ms],
        bool(summary["generator"]["fit"]),
    )


def machine() -> dict[str, Any]:
    """What a calibration holds for."""
    return {
        "system": platform.platform(),
        "processor": platform.machine(),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
    }


def calibration(delays: Sequence[Point], rates: Sequence[Point], started: str) -> dict[str, Any]:
    """All that is known: floor, errors at known delays, the highest rate that is still right."""
    floor = next((each.above for each in delays if each.delay_ms == 0), 0.0)
    right = [each.rate for each in rates if each.fit and each.above - floor <= MOST_ERROR]
    wrong = [each for each in rates if not each.fit or each.above - floor > MOST_ERROR]
    return {
        "schema": 1,
        "started": started,
        "machine": machine(),
        "floor_ms": round(floor, 4),
        "errors": [
            {
                "delay_ms": each.delay_ms,
                "p50_ms": round(each.above - floor, 4),
                "p99_ms": _error_p99(each, floor),
            }
            for each in delays
            if each.delay_ms
        ],
        "highest_rate": round(max(right), 1) if right else None,
        "reached_limit": bool(wrong),
        "points": [asdict(each) for each in (*delays, *rates)],
    }


def _error_p99(each: Point, floor: float) -> float | None:
    if each.told_p99_ms is None or each.server_p99_ms is None:
        return None
    return round(each.told_p99_ms - each.server_p99_ms - floor, 4)


def read(results: Path) -> dict[str, Any] | None:
    """The calibration of this machine; None when there is none, or it is of another."""
    try:
        value = files.read_json(results / FILE, _Stored, files.MIB)
    except files.FileError:
        return None
    return dict(value) if value["machine"] == machine() else None


def sentence(value: Mapping[str, Any]) -> str:
    """What a report says of it."""
    errors = [abs(each["p50_ms"]) for each in value["errors"]]
    worst = max(errors, default=0.0)
    told = f"floor of latency {value['floor_ms']:.2f} ms; medians right to {worst:.2f} ms"
    if value["highest_rate"] is not None:
        beyond = "" if value["reached_limit"] else " and more"
        told += (
            f"; right to {MOST_ERROR:g} ms up to {value['highest_rate']:,.0f} messages/s{beyond}"
        )
    return told
