"""A load run second by second, from its folder alone.

The rules that hold here:

* Second n is the time from n to n + 1 s after the run began. Counters are cut at whole seconds by
  interpolation between the lines of each process; latencies belong to the second that their line
  covers most of. What no process told of is missing (NaN), not 0.
* The verdict is the stored one: nothing is judged again.
* Whatever is missing or torn becomes a line in `problems`, never an exception.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sockproof.analysis.summary import stored_summary
from sockproof.analysis.timeline.latency_frames import Latencies, read_latencies
from sockproof.analysis.timeline.process_lines import SEND_LAG_NS, ProcessLines
from sockproof.analysis.timeline.row_counts import RowCounts, count_rows
from sockproof.files import FileError, is_there
from sockproof.formats.load import About, Summary
from sockproof.runs.clock import Clock
from sockproof.runs.histogram import Histogram
from sockproof.runs.load_records import (
    RUN_FILE,
    SUMMARY_FILE,
    LoadRecordError,
    Phase,
    is_load_run,
    record_file,
)
from sockproof.runs.reader import LoadRunFolder
from sockproof.vocabulary import EACH_SECOND, PROPERTIES, Counter, Gauge

Line = NDArray[np.float64]
Columns = Mapping[str, NDArray[Any]]  # by name, all of one length
Read = TypeVar("Read")
_NAMES = {Phase.RAMP: "ramp", Phase.MEASURED: "measured", Phase.DRAIN: "drain"}


@dataclass(frozen=True, slots=True)
class Span:
    """A part of the run, in seconds since it began."""

    name: str
    begin: float
    end: float


@dataclass
class LoadRun:
    """What reports show of a load run.

    `seconds` has columns with a value for each second and units in their names; `violations`, by
    property, how many there were in each second with any.
    """

    folder: Path
    about: About  # run.json
    summary: Summary | None  # summary.json, when it is whole
    problems: list[str]
    seconds: Columns
    spans: list[Span]
    latency: Latencies
    rows: RowCounts
    violations: dict[str, dict[int, int]] = field(default_factory=dict)

    @property
    def end(self) -> float:
        """How long the run is, in seconds."""
        return float(len(self.seconds["time_s"]))

    @property
    def histograms(self) -> dict[str, dict[str, Histogram]]:
        """What the summary's percentiles are of, by kind and origin, in nanoseconds."""
        return self.latency.totals


def read(folder: Path) -> LoadRun:
    """Read a run folder; raises `LoadRecordError` only when it is not that of a load run."""
    if not is_load_run(folder):
        raise LoadRecordError(f"{folder} is not the folder of a load run")
    run = LoadRunFolder(folder)
    problems: list[str] = []
    told = _object(lambda _: run.about, folder / RUN_FILE, problems) or About()
    summary = _object(stored_summary.read, folder / SUMMARY_FILE, problems)
    if summary is not None and (missing := stored_summary.lacks(summary)):
        problems.append(f"{SUMMARY_FILE} is not whole: there is no {missing}")
        summary = None
    processes = [ProcessLines(each, run.clock) for each in run.processes if "health" in each.kinds]
    for process in processes:
        if process.passed_over:
            name = record_file("health", process.tag)
            problems.append(f"{name}: {process.passed_over:,} lines could not be read")
    length = max((process.end for process in processes), default=0.0)
    count = _count(length)
    spans = _spans(run.clock, length)
    latency = _latencies(run, count, problems)
    return LoadRun(
        folder=folder,
        about=told,
        summary=summary,
        problems=problems,
        seconds=_seconds(processes, latency, spans, count),
        spans=spans,
        latency=latency,
        rows=_rows(run, problems),
        violations=_violations(summary, count),
    )


def _count(length: float) -> int:
    """How many seconds there are; what little is left behind the last belongs to it."""
    return max(math.ceil(length - 0.25), 1) if length else 0


def _object(read_it: Callable[[Path], Read], path: Path, problems: list[str]) -> Read | None:
    if not is_there(path):
        problems.append(f"there is no {path.name}")
        return None
    try:
        return read_it(path)
    except FileError as error:
        problems.append(str(error)[:300])
        return None


def _spans(clock: Clock, length: float) -> list[Span]:
    """The parts of the run, each until the next begins."""
    begins = clock.phases()
    if not length:
        return []
    spans = []
    for phase, name in _NAMES.items():
        if phase in begins:
            end = min((t for p, t in begins.items() if p > phase), default=length)
            spans.append(Span(name, begins[phase], max(end, begins[phase])))
    return spans


def _latencies(run: LoadRunFolder, count: int, problems: list[str]) -> Latencies:
    known = []
    for process in run.processes:
        if "latency" not in process.kinds:
            continue
        if "health" in process.kinds:
            known.append(process)
        else:
            name = process.path("latency").name
            problems.append(f"{name} is ignored: its process left no description")
    latency, torn = read_latencies(known, run.clock, count)
    if torn:
        problems.append(f"{torn:,} lines of latencies could not be read")
    return latency


def _seconds(
    processes: list[ProcessLines], latency: Latencies, spans: list[Span], count: int
) -> Columns:
    edges = np.arange(count + 1, dtype=np.float64)
    edges[-1] = max([count, *(process.end for process in processes)])
    phases = np.array(_phases(spans, count), dtype=np.str_)
    columns: dict[str, NDArray[Any]] = {"time_s": edges[:-1], "phase": phases}
    for counter in EACH_SECOND:
        columns[counter.column] = _sum([each.growth(counter, edges) for each in processes], count)
    live = [each.level(Counter.LIVE, edges) for each in processes]
    columns["live_connections"] = _sum(live, count)
    for column, name, together in (
        ("cpu_percent_of_a_core", Gauge.CPU_S, _most),
        ("target_cpu_percent_of_a_core", Gauge.TARGET_CPU_S, _most),
    ):
        parts = [each.growth(name, edges, from_zero=False) * 100 for each in processes]
        columns[column] = together(parts, count)
    memory = [each.level(Gauge.RSS_BYTES, edges) / 2**20 for each in processes]
    columns["memory_mib"] = _sum(memory, count)
    target = [each.level(Gauge.TARGET_RSS_BYTES, edges) / 2**20 for each in processes]
    columns["target_memory_mib"] = _most(target, count)
    columns["loop_lag_ms"] = _most(
        [each.worst(Gauge.HUB_LAG_NS, count) for each in processes], count
    )
    columns["send_lag_ms"] = _most([each.worst(SEND_LAG_NS, count) for each in processes], count)
    rows = [latency.rows.get(second, {}) for second in range(count)]
    for each in dict.fromkeys(name for row in latency.rows.values() for name in row):
        columns[each] = np.array([row.get(each, np.nan) for row in rows])
    return columns


def _phases(spans: list[Span], count: int) -> list[str]:
    """The phase of the middle of each second."""
    told = []
    for second in range(count):
        middle = second + 0.5
        inside = [span.name for span in spans if span.begin <= middle < span.end]
        told.append(inside[-1] if inside else "over")
    return told


def _sum(parts: list[Line], count: int) -> Line:
    """The sum of what is known; unknown where no process knows."""
    if not parts:
        return np.full(count, np.nan)
    stacked = np.stack(parts)
    known = ~np.isnan(stacked)
    total: Line = np.where(known.any(axis=0), np.where(known, stacked, 0).sum(axis=0), np.nan)
    return total


def _most(parts: list[Line], count: int) -> Line:
    """The largest of what is known."""
    if not parts:
        return np.full(count, np.nan)
    most: Line = np.fmax.reduce(np.stack(parts), axis=0)
    return most


def _rows(run: LoadRunFolder, problems: list[str]) -> RowCounts:
    problems += run.problems
    try:
        return count_rows(run.recorded)
    except OSError as error:
        problems.append(f"the rows cannot be read: {error.strerror}")
        return RowCounts()


def _violations(summary: Summary | None, count: int) -> dict[str, dict[int, int]]:
    """Violations by second, as the checker counted them, in the order of PROPERTIES."""
    told = {} if summary is None else summary.violations_each_second
    found: dict[str, dict[int, int]] = {}
    for name in PROPERTIES:
        seconds = told.get(name, {}).items()
        known = ((int(each), number) for each, number in seconds if _is_second(each, count))
        found[name.value] = dict(sorted(each for each in known if each[1]))
    return found


def _is_second(text: str, count: int) -> bool:
    return text.isdecimal() and len(text) < 10 and int(text) < count
