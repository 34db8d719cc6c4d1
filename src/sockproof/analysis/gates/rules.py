"""The rules of a gate: sentences such as `latency.ack.intended.p99_ms <= 250`.

A rule is checked for sense before anything runs: its metric is known, its comparison fits, and
what it asks can be answered. A metric is named by its path in `summary.json`, or below
`conformance` for a run of cases.
"""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sockproof.formats.reading import read_table
from sockproof.formats.tables import MOST_SECONDS, RuleEntry, RulesFile
from sockproof.runs.breakdown import GROUP, By, Group, parted, whole
from sockproof.runs.histogram import Histogram
from sockproof.vocabulary import (
    BY_CLASS,
    BY_NAME,
    COUNTS,
    FRACTIONS,
    LATENCY_COLUMNS,
    MAX_MS,
    PROCESS,
    PROPERTIES,
    SAMPLES,
    Counter,
    LatencyKind,
    Origin,
    Suite,
    renamed_metric,
)

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
    "==": operator.eq,
    "!=": operator.ne,
}
_RULE = re.compile(rf"\s*([\w.\-]+(?:{GROUP}[\w.\-]*)?)\s*(<=|>=|==|!=|<|>)\s*([\w.+\-]+)\s*")
_SECONDS = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0}

OUTCOMES = ("cases", "passed", "non_strict", "failed", "unsupported", "inconclusive", "unexpected")
_LATENCY = tuple(
    f"latency.{kind}.{origin}.{name}"
    for kind in LatencyKind
    for origin in Origin
    for name in (SAMPLES, *LATENCY_COLUMNS)
)
_GENERATOR = (
    *("cpu_s", "max_rss_bytes", "max_lag_ms", "offered_rate", "achieved_rate"),
    *("measured_s", Counter.WITHHELD),
)
NUMBERS = (
    *(f"counts.{name}" for name in COUNTS),
    *(f"properties.{name}.exercised" for name in PROPERTIES),
    *_LATENCY,
    *("target.cpu_s", "target.max_rss_bytes"),
    *(f"generator.{name}" for name in _GENERATOR),
)
FLAGS = (*(f"properties.{name}.verdict" for name in PROPERTIES), "generator.fit")
CONFORMANCE = (*(f"conformance.{name}" for name in OUTCOMES), "conformance.stale")


def _of_messages(names: Iterable[str]) -> tuple[str, ...]:
    """Most connections are made in the ramp, which is no part of what is measured."""
    connects = f"latency.{LatencyKind.CONNECT}."
    return tuple(name for name in names if not name.startswith(connects))


_MESSAGES = tuple(name for name in _of_messages(_LATENCY) if name.endswith("_ms"))
# What is known of the messages of one name, and of the users of one class.
PARTED = {
    By.NAME: (*(f"counts.{name}" for name in BY_NAME), *_of_messages(_LATENCY)),
    By.CLASS: (*(f"counts.{name}" for name in BY_CLASS), *_of_messages(_LATENCY)),
}
# What is known while a run goes on: violations and percentiles, so far.
LIVE = (
    *(
        f"counts.{name}"
        for name in (
            *(Counter.CONNECT_FAILURES, Counter.DISCONNECTED, Counter.ACK_TIMEOUTS),
            *(Counter.CORRUPTED, Counter.MISACKNOWLEDGED),
        )
    ),
    *_MESSAGES,
)
# What is known of each second, and from which of the counters that processes write in it.
COUNTERS: dict[str, tuple[Counter, ...]] = {
    **{f"counts.{name}": (name,) for name in COUNTS if name in PROCESS},
    f"counts.{Counter.CORRUPTED}": (Counter.CORRUPTED, Counter.UNREADABLE),
    "generator.offered_rate": (Counter.OFFERED,),
    "generator.achieved_rate": (Counter.EMITTED,),
    f"generator.{Counter.WITHHELD}": (Counter.WITHHELD,),
}
WINDOWED = (*_MESSAGES, *COUNTERS)
_SUITES = tuple(f"conformance.suites.{suite}.{name}" for suite in Suite for name in OUTCOMES)


class RuleError(Exception):
    """A rule that makes no sense; one line that names it."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A metric, a comparison and what it is compared with."""

    metric: str
    comparison: str
    bound: float | bool

    @property
    def parted(self) -> tuple[str, Group | None]:
        """The metric of the whole run, and which part of it is meant; None: all."""
        return parted(self.metric)

    @property
    def is_latency(self) -> bool:
        """Whether it is about a percentile or a maximum, in milliseconds."""
        return self.metric.startswith("latency.") and self.metric.endswith("_ms")

    @property
    def is_conformance(self) -> bool:
        """Whether it is about a run of cases."""
        return self.metric.startswith("conformance.")

    def holds(self, value: float | bool) -> bool:
        """Whether it is true of a value."""
        return bool(COMPARISONS[self.comparison](value, self.bound))

    def __str__(self) -> str:
        bound = str(self.bound).lower() if isinstance(self.bound, bool) else f"{self.bound:g}"
        return f"{self.metric} {self.comparison} {bound}"


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition, and when it is asked; times are seconds."""

    condition: Condition
    why: str = ""
    min_samples: int = 0
    window: float = 0.0  # it must hold in each stretch of so long; 0: in the whole
    grace: float = 0.0  # of the measured part, or with `abort` of the run, left out
    abort: bool = False  # it ends a run in which it is broken


@dataclass(frozen=True, slots=True)
class Rules:
    """A file of rules."""

    title: str
    rules: tuple[Rule, ...]

    def about(self, cases: bool) -> Rules:
        """Those that a run of cases is judged by, or those that a load run is."""
        chosen = (rule for rule in self.rules if rule.condition.is_conformance is cases)
        return Rules(self.title, tuple(chosen))


def value_in(rule: Rule, histogram: Histogram) -> float | None:
    """The percentile or maximum that a rule is about, in ms; None with too few samples."""
    if histogram.samples < max(rule.min_samples, 1):
        return None
    name = rule.condition.metric.rpartition(".")[2]
    found = histogram.maximum() if name == MAX_MS else histogram.percentile(FRACTIONS[name])
    return None if found is None else found / 1e6


def condition(text: str) -> Condition:
    """Read a sentence; raises `RuleError`."""
    found = _RULE.fullmatch(text)
    if found is None:
        raise RuleError(f"{text!r} is not a rule: METRIC <= NUMBER, e.g. 'counts.lost == 0'")
    named, comparison, bound = found.groups()
    try:
        plain, group = parted(named)
    except ValueError as error:
        raise RuleError(f"{text!r}: {error}") from None
    plain = renamed_metric(plain)
    is_flag = plain in FLAGS
    if not is_flag and plain not in (*NUMBERS, *CONFORMANCE, *_SUITES):
        raise RuleError(f"{text!r}: no metric {plain!r}{_suggestion(plain)}")
    if group is not None and plain not in PARTED[group.by]:
        raise RuleError(f"{text!r}: {plain} is not known of a single {group.by.what}")
    metric = whole(plain, group)
    if is_flag:
        if comparison not in ("==", "!=") or bound not in ("true", "false"):
            raise RuleError(
                f"{text!r}: {metric} can only be compared with == or != to true or false"
            )
        return Condition(metric, comparison, bound == "true")
    try:
        value = float(bound)
    except ValueError:
        value = float("nan")
    if not abs(value) < 1e18:
        raise RuleError(f"{text!r}: {bound!r} is not a number")
    return Condition(metric, comparison, value)


def _suggestion(metric: str) -> str:
    close = difflib.get_close_matches(metric, (*NUMBERS, *FLAGS, *CONFORMANCE, *_SUITES), 1)
    return f"; did you mean {close[0]!r}?" if close else ""


def read_rules(path: Path) -> Rules:
    """The rules in a TOML file; raises `RuleError` and `FileError`."""
    read = read_table(path, RulesFile)
    try:
        rules = tuple(_rule(each, read.min_samples) for each in read.rule)
    except RuleError as error:
        raise RuleError(f"{path}: {error}") from None
    return Rules(path.stem if read.title is None else read.title, rules)


def _rule(entry: RuleEntry, samples: int) -> Rule:
    asked = condition(entry.that)
    about = repr(entry.that)
    if entry.abort and asked.metric not in LIVE:
        raise RuleError(f"{about}: it is known only at the end of a run, so abort is not possible")
    if entry.abort and not _only_gets_worse(asked):
        raise RuleError(f"{about}: a counter only grows, so abort needs an upper bound")
    window = 0.0
    if entry.window is not None:
        window = _seconds(entry.window, f"{about}: window")
        if window < 1 or window % 1:
            raise RuleError(f"{about}: window must be whole seconds, as runs are recorded")
    plain, group = asked.parted
    if window and plain not in (WINDOWED if group is None else _MESSAGES):
        raise RuleError(f"{about}: window is for metrics known for each second, e.g. latency.ack.…")
    if window and entry.abort:
        raise RuleError(f"{about}: window and abort cannot be combined")
    grace = _seconds(entry.grace, f"{about}: grace")
    if grace and not (entry.abort or window or plain in _MESSAGES):
        raise RuleError(f"{about}: grace is for latencies of messages, window and abort")
    if entry.min_samples is not None and not asked.is_latency:
        raise RuleError(f"{about}: min_samples is for latency")
    least = samples if entry.min_samples is None else entry.min_samples
    return Rule(asked, entry.why, least, window, grace, entry.abort)


def _only_gets_worse(asked: Condition) -> bool:
    return asked.comparison in ("<=", "<") or (asked.comparison == "==" and asked.bound == 0)


def _seconds(value: str | float, what: str) -> float:
    """Of a number, or of a text such as `10s`, `500ms`, `2m`."""
    found = _SECONDS.fullmatch(value) if isinstance(value, str) else None
    seconds = float(found[1]) * _UNITS[found[2]] if found is not None else float(value)
    if not seconds < MOST_SECONDS:
        raise RuleError(f"{what} is less than {MOST_SECONDS:,g} s, not {str(value)[:100]}")
    return seconds
