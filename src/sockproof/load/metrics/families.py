"""What is told of a run: each metric by its name, its unit and its help, and what it comes to.

The rules that hold here:

* Names are those of `sockproof export --format openmetrics`, in base units: seconds, bytes, ratios.
* Counters begin anew with each run. What only the delivery checker knows comes with the verdict.
* Several values of a metric differ in their labels, so one more label takes nothing away.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from sockproof.load.record.live import COUNTS
from sockproof.runs.histogram import Histogram
from sockproof.runs.load_records import Phase
from sockproof.vocabulary import MESSAGE_KINDS, TRAFFIC, VIOLATIONS, Counter, LatencyKind, Origin

Labels = dict[str, str]
MOST_NAMED = 100  # names with a class that are told apart
LONGEST_NAME = 200  # characters
_MIB = 1 << 20
_LIVE = Counter.LIVE.value
_FROM = {"from": Origin.INTENDED.value}


class Kind(Enum):
    """How a metric is read."""

    COUNTER = auto()
    GAUGE = auto()
    HISTOGRAM = auto()


@dataclass(frozen=True, slots=True)
class Family:
    """A metric and its values; those of a histogram are `Histogram`s of nanoseconds."""

    name: str
    kind: Kind
    unit: str  # the end of its name; empty where it counts things
    help: str
    values: list[tuple[Labels, Any]]


_LEVELS = (  # name, unit, span, key, what one of it is worth, help
    ("connections", "", "now", _LIVE, 1, "Live connections."),
    ("cpu_ratio", "ratio", "now", "cpu_percent", 0.01, "Cores that the busiest process takes."),
    ("lag_seconds", "seconds", "now", "lag_ms", 1e-3, "Largest lag of a process, lately."),
    ("memory_bytes", "bytes", "now", "rss_mib", _MIB, "Memory of all processes."),
    (
        "target_cpu_ratio",
        "ratio",
        "now",
        "target_cpu_percent",
        0.01,
        "Cores that the target takes.",
    ),
    ("target_memory_bytes", "bytes", "now", "target_rss_mib", _MIB, "Memory of the target."),
)


def families(numbers: Mapping[str, Any]) -> Iterator[Family]:
    """All that is known, from the numbers that `load.locust.web_tab` gathers."""
    start, verdict = numbers["start"], numbers["verdict"]
    counts = {each: start[each.value] for each in COUNTS}
    if verdict is not None:
        counts |= {each: verdict["counts"].get(each.value) for each in VIOLATIONS}
    for counter, value in counts.items():
        if value is not None:
            yield _counter(counter, value)
    for name, unit, span, key, worth, text in _LEVELS:
        value = numbers[span].get(key)
        if value is not None:
            yield Family(f"sockproof_{name}", Kind.GAUGE, unit, text, [({}, value * worth)])
    lost = sum(each["lost"] for each in numbers["processes"])
    here = len(numbers["processes"]) - lost
    yield _gauge("users", "Users that are running.", numbers["users"])
    yield Family(
        "sockproof_processes", Kind.GAUGE, "", "Processes of the load generator, by their state.",
        [({"state": "running"}, here), ({"state": "lost"}, lost)],
    )  # fmt: skip
    names = [each.name.lower() for each in Phase]
    yield Family(
        "sockproof_phase", Kind.GAUGE, "", "1 for the phase that the run is in.",
        [({"phase": name}, int(name == numbers["phase"])) for name in names],
    )  # fmt: skip
    if verdict is not None:
        yield _gauge("exit_code", "What the last run came to: 0 is a pass.", verdict["exit_code"])
    for kind in MESSAGE_KINDS:
        yield Family(
            f"sockproof_{kind}_latency_seconds", Kind.HISTOGRAM, "seconds",
            f"{kind.label} latency since the run began, the ramp included.",
            [(_FROM, Histogram.from_json(numbers["histograms"].get(kind.value, {})))],
        )  # fmt: skip
    for kind in MESSAGE_KINDS:
        yield from _named(kind, numbers["named"].get(kind.value, ()))


def _named(
    kind: LatencyKind, named: Iterable[tuple[str, str, Mapping[str, int]]]
) -> Iterator[Family]:
    """By name and class, in a family of their own: no sum counts them twice."""
    found: dict[tuple[str, str], Histogram] = {}
    for message, user_class, counts in list(named)[:MOST_NAMED]:
        part = found.setdefault((_label(message), _label(user_class)), Histogram())
        part.add(Histogram.from_json(counts))
    if found:
        whose = "sender" if kind is LatencyKind.ACK else "receiver"
        yield Family(
            f"sockproof_message_{kind}_latency_seconds", Kind.HISTOGRAM, "seconds",
            f"{kind.label} latency by the name of the message and the class of its {whose}.",
            [
                ({"message": message, "class": user_class, **_FROM}, histogram)
                for (message, user_class), histogram in found.items()
            ],
        )  # fmt: skip


def _label(name: str) -> str:
    """A name as UTF-8 can have it, which lone surrogates are not part of; and its beginning."""
    return name[:LONGEST_NAME].encode("utf-8", "backslashreplace").decode()


def _counter(counter: Counter, value: int) -> Family:
    """Bytes have their unit at the end of the name, as OpenMetrics wants it."""
    name, unit = counter.value, ""
    if counter in TRAFFIC:
        name, unit = f"{name.removeprefix('bytes_')}_bytes", "bytes"
    return Family(f"sockproof_{name}", Kind.COUNTER, unit, counter.help, [({}, value)])


def _gauge(name: str, text: str, value: float) -> Family:
    return Family(f"sockproof_{name}", Kind.GAUGE, "", text, [({}, value)])
