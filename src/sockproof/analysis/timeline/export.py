"""The numbers behind a load run in formats that other programs read.

* `csv`, `parquet`: a row for each second, units in the names of the columns (see `frames`); or,
  of latencies, for each second and message, or class of users.
* `openmetrics`: counters and latency histograms of the whole, in seconds, and by message and by
  class of users counters and percentiles; ended by `# EOF`.
* `hgrm`: a percentile distribution as HdrHistogram prints it and its plotters read it.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from sockproof.analysis.summary.latency import by_second
from sockproof.analysis.timeline.frames import LoadRun
from sockproof.analysis.timeline.latency_frames import rows_of_parts
from sockproof.formats.load import Part
from sockproof.runs.breakdown import By, Group, parted
from sockproof.runs.histogram import BOUNDS, RELATIVE_ERROR, Histogram, value_of
from sockproof.runs.load_records import LoadRecordError
from sockproof.runs.reader import LoadRunFolder
from sockproof.vocabulary import (
    BY_CLASS,
    BY_NAME,
    CONNECTIONS,
    MAX_MS,
    MESSAGE_KINDS,
    MESSAGES,
    OF_A_SECOND,
    PERCENTILES,
    SAMPLES,
    TROUBLES,
    VIOLATIONS,
    Counter,
    LatencyKind,
    Origin,
)

_STEPS = 5  # percentiles told on each halving of what is left, as HdrHistogram does by default
_COUNTERS = (
    *MESSAGES,
    *(*VIOLATIONS, *TROUBLES, Counter.LATE, Counter.UNRECORDED),
    *CONNECTIONS,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a run: of `csv` and `parquet` its parts `by`, of `hgrm` a latency, or that of a part,
    as `delivery["private"]`."""

    by: By | None = None
    kind: str = LatencyKind.ACK.value
    origin: str = Origin.INTENDED.value


def export(run: LoadRun, form: str, wanted: Wanted) -> bytes:
    """The run in a format of `FORMATS`.

    Raises `LoadRecordError` when the run has nothing of it, or a library is missing.
    """
    return FORMATS[form](run, wanted)


def _csv(run: LoadRun, wanted: Wanted) -> bytes:
    return str(_frame(run, wanted.by).to_csv(index=False, float_format="%.6g")).encode()


def _frame(run: LoadRun, by: By | None) -> pd.DataFrame:
    if by is None:
        return pd.DataFrame(run.seconds)
    parts = _parts_of(run, by)
    if not parts:
        raise LoadRecordError(f"the run has no {by.what}")
    kinds = {
        str(kind) if len(parts) == 1 else f"{kind}{Group(by, name)}": (name, kind.value)
        for name in parts
        for kind in MESSAGE_KINDS
    }
    known = LoadRunFolder(run.folder)
    told = [each for each in known.processes if {"health", "latency"} <= set(each.kinds)]
    rows = rows_of_parts(told, known.clock, len(run.seconds["time_s"]), kinds)
    columns = [
        f"{kind}_{origin}_{name}"
        for kind in MESSAGE_KINDS
        for origin in Origin
        for name in (SAMPLES, *(each.ms for each in OF_A_SECOND), MAX_MS)
    ]
    frame = pd.DataFrame(rows, columns=["time_s", "part", *columns])
    return frame.rename(columns={"part": "message" if by is By.NAME else "class"})


def _parts_of(run: LoadRun, by: By) -> Mapping[str, Part]:
    if run.summary is None:
        return {}
    return run.summary.names if by is By.NAME else run.summary.classes


def _parquet(run: LoadRun, wanted: Wanted) -> bytes:
    octets = io.BytesIO()
    try:
        _frame(run, wanted.by).to_parquet(octets, index=False)
    except ImportError:
        raise LoadRecordError("parquet needs pyarrow: pip install 'sockproof[parquet]'") from None
    return octets.getvalue()


def _openmetrics(run: LoadRun, wanted: Wanted) -> bytes:
    del wanted
    return ("\n".join(_metrics(run)) + "\n").encode()


def _metrics(run: LoadRun) -> Iterator[str]:
    counts = {} if run.summary is None else run.summary.counts
    for each in _COUNTERS:
        if each in counts:
            yield f"# TYPE sockproof_{each} counter"
            yield f"# HELP sockproof_{each} {each.help}"
            yield f"sockproof_{each}_total {counts[each]}"
    for kind, origins in run.histograms.items():
        name = f"sockproof_{kind}_latency_seconds"
        yield f"# TYPE {name} histogram"
        yield f"# UNIT {name} seconds"
        yield f"# HELP {name} Latency of the measured part; of connects, of the whole run."
        for origin, histogram in origins.items():
            yield from _buckets(name, f'from="{origin}"', histogram)
    if run.summary is not None:
        yield from _parts("message", run.summary.names, BY_NAME)
        yield from _parts("class", run.summary.classes, BY_CLASS)
    yield "# EOF"


def _parts(by: str, parts: Mapping[str, Part], counters: Iterable[Counter]) -> Iterator[str]:
    """In families of their own, so that no sum of a family counts anything twice."""
    if not parts:
        return
    labels = {name: f'{by}="{_escaped(name)}"' for name in parts}
    for each in counters:
        name = f"sockproof_{by}_{each}"
        yield f"# TYPE {name} counter"
        yield f"# HELP {name} {each.help}"
        for part, told in parts.items():
            yield f"{name}_total{{{labels[part]}}} {told.counts.get(each, 0)}"
    for kind in MESSAGE_KINDS:
        name = f"sockproof_{by}_{kind}_latency_seconds"
        yield f"# TYPE {name} summary"
        yield f"# UNIT {name} seconds"
        yield f"# HELP {name} Latency of the measured part."
        for part, told in parts.items():
            for origin in Origin:
                row = told.latency.get(kind, {}).get(origin, {})
                label = f'{labels[part]},from="{origin}"'
                for of in PERCENTILES:
                    if (value := row.get(of.ms)) is not None:
                        yield f'{name}{{{label},quantile="{of.fraction:g}"}} {value / 1e3:.9g}'
                yield f"{name}_count{{{label}}} {row.get(SAMPLES) or 0}"


def _escaped(label: str) -> str:
    return label.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _buckets(name: str, label: str, histogram: Histogram) -> Iterator[str]:
    for bound, below in histogram.up_to(BOUNDS):
        yield f'{name}_bucket{{{label},le="{bound:g}"}} {below}'
    yield f'{name}_bucket{{{label},le="+Inf"}} {histogram.samples}'
    yield f"{name}_count{{{label}}} {histogram.samples}"
    yield f"{name}_sum{{{label}}} {histogram.total / 1e9:.9g}"


def _hgrm(run: LoadRun, wanted: Wanted) -> bytes:
    kind, origin = wanted.kind, wanted.origin
    group = parted(f"latency.{kind}")[1]
    if group is None or list(_parts_of(run, group.by)) == [group.name]:
        histogram = run.histograms.get(kind.partition("[")[0], {}).get(origin, Histogram())
    else:
        seconds = by_second(LoadRunFolder(run.folder), kind, origin)
        histogram = Histogram.sum(each.histogram for each in seconds)
    if not histogram.samples:
        raise LoadRecordError(f"the run has no {kind} latency from {origin} times")
    return ("\n".join(_distribution(histogram)) + "\n").encode()


def _distribution(histogram: Histogram) -> Iterator[str]:
    """Values in milliseconds."""
    counts = sorted(histogram.counts.items())
    total = histogram.samples
    yield "       Value     Percentile TotalCount 1/(1-Percentile)"
    yield ""
    below, level = 0, 0.0
    for bucket, count in counts:
        below += count
        while below / total >= level:
            share = below / total if below < total else 1.0
            rest = "inf" if level >= 1 else f"{1 / (1 - level):.2f}"
            told = level if share < 1 or level < 1 else 1.0
            yield f"{value_of(bucket) / 1e6:12.6f} {told:.12f} {below:10d} {rest:>14}"
            if level >= 1:
                break
            level = _next_level(level)
            if level > 1 - 1 / total:
                level = 1.0
    values = [(value_of(bucket) / 1e6, count) for bucket, count in counts]
    mean = sum(value * count for value, count in values) / total
    spread = math.sqrt(sum(count * (value - mean) ** 2 for value, count in values) / total)
    yield f"#[Mean    = {mean:12.6f}, StdDeviation   = {spread:12.6f}]"
    yield f"#[Max     = {values[-1][0]:12.6f}, Total count    = {total:12d}]"
    digits = -math.floor(math.log10(RELATIVE_ERROR))
    yield f"#[Buckets = {len(counts):12d}, SubBuckets     = {10**digits:12d}]"


def _next_level(level: float) -> float:
    """Five steps on each halving of what is left."""
    halvings = 2.0 ** math.floor(math.log2(1 / (1 - level)) + 1)
    return level + 1 / (_STEPS * halvings)


FORMATS: dict[str, Callable[[LoadRun, Wanted], bytes]] = {
    "csv": _csv,
    "parquet": _parquet,
    "openmetrics": _openmetrics,
    "hgrm": _hgrm,
}
