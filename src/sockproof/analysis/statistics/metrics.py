"""The numbers of a load run's summary that can be compared between runs, by name.

A run gives one value for each. The log-ratio of two values is positive where the second is
*worse*: larger, or smaller for what should be large.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sockproof.runs.breakdown import look_up, parted
from sockproof.vocabulary import (
    FRACTIONS,
    LATENCY_COLUMNS,
    MESSAGE_KINDS,
    OF_MESSAGES,
    OF_SCENARIO,
    P50,
    Counter,
    LatencyKind,
    Origin,
)

TARGET_CPU = "target.cpu_ms_per_message"
THROUGHPUT = "throughput.acknowledged_per_s"
METRICS = (
    *(f"latency.{k}.{o}.{c}" for k in LatencyKind for o in Origin for c in LATENCY_COLUMNS),
    TARGET_CPU,
    "target.max_rss_bytes",
    THROUGHPUT,
)
# Those that are known of one message, or of one class of users.
PARTED = tuple(
    f"latency.{k}.{o}.{c}" for k in MESSAGE_KINDS for o in Origin for c in LATENCY_COLUMNS
)
# A high percentile of a short run, and a rate, vary several times as much from run to run as a
# median does: with them most comparisons would end without an answer.
DEFAULT_METRICS = (f"latency.{LatencyKind.ACK}.{Origin.INTENDED}.{P50.ms}",)
_MORE_IS_BETTER = (THROUGHPUT,)
# What is wrong with a run whatever its latencies are. An acknowledgement that never came has no
# latency, so a server that withholds them would look fast.
_FACTS = (*OF_MESSAGES, Counter.ACK_TIMEOUTS)


def is_metric(name: str) -> bool:
    """Whether there is a metric of this name, of the whole or of a part."""
    try:
        plain, group = parted(name)
    except ValueError:
        return False
    return plain in (METRICS if group is None else PARTED)


def value(summary: Mapping[str, Any], metric: str) -> float | None:
    """What a run's summary says of a metric; None where it says nothing, or nothing above 0."""
    found = _COMPUTED[metric](summary) if metric in _COMPUTED else look_up(summary, metric)
    usable = isinstance(found, int | float) and math.isfinite(found) and found > 0
    return float(found) if usable and found is not None else None


def worse(before: float, after: float, metric: str) -> float:
    """The log-ratio of two values, positive where the second is worse."""
    ratio = math.log(after / before)
    return -ratio if metric in _MORE_IS_BETTER else ratio


def is_spoiled(summary: Mapping[str, Any], metric: str) -> bool:
    """Whether the generator was late so often that it may have changed a metric.

    A median does not notice what moves a few of a hundred messages; a high percentile does.
    """
    if not metric.startswith("latency."):
        return False
    fraction = FRACTIONS.get(metric.rpartition(".")[2], 1.0)
    share = summary["generator"].get("late_share") or 0.0
    return bool(summary["generator"].get("lateness")) and share > max(0.01, (1 - fraction) / 5)


def violations(summary: Mapping[str, Any]) -> dict[str, int]:
    """How many messages of a run were lost, duplicated and so on; only what occurred."""
    counts = summary["counts"]
    found = {name.value: int(counts[name]) for name in _FACTS if counts.get(name)}
    for name, each in (summary.get("properties") or {}).items():
        if name not in (*_FACTS, *OF_SCENARIO) and (number := each.get("violations")):
            found[name] = number
    return found


def _messages(summary: Mapping[str, Any]) -> float:
    """Messages of the measured part."""
    generator = summary["generator"]
    rate, seconds = generator.get("achieved_rate"), generator.get("measured_s")
    return float(rate or 0) * float(seconds or 0)


def _cpu(summary: Mapping[str, Any]) -> float | None:
    seconds, messages = summary["target"].get("measured_cpu_s"), _messages(summary)
    return 1e3 * float(seconds) / messages if seconds and messages else None


def _throughput(summary: Mapping[str, Any]) -> float | None:
    """Emits a second, less those that were never acknowledged.

    In a closed loop each emit follows an acknowledgement; in an open one this is the offered rate.
    """
    counts, rate = summary["counts"], summary["generator"].get("achieved_rate")
    if not rate or not counts.get(Counter.EMITTED):
        return None
    return float(rate) * float(counts[Counter.ACKNOWLEDGED]) / float(counts[Counter.EMITTED])


_COMPUTED = {TARGET_CPU: _cpu, THROUGHPUT: _throughput}
