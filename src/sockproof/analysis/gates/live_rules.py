"""What a load run shows while it goes on: whether a rule that aborts it is broken."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sockproof.analysis.gates.rules import COUNTERS, Rule, value_in
from sockproof.analysis.summary.lag import lag_of, less, max_lag
from sockproof.runs.histogram import Histogram
from sockproof.runs.load_records import Phase
from sockproof.runs.reader import GrowingRun, HealthLine, LatencyLine
from sockproof.vocabulary import MESSAGE_KINDS, Origin


class Follower:
    """Reads a run folder again and again, each line once."""

    def __init__(self, folder: Path, rules: Iterable[Rule]) -> None:
        self.folder = folder
        self._rules = [rule for rule in rules if rule.abort]
        self._run = GrowingRun(folder)
        self._health: dict[int, HealthLine] = {}  # the last of each process
        self._latency: dict[tuple[str, str], Histogram] = {}
        self._less_lag: dict[tuple[str, str], Histogram] = {}  # of the generator
        self._lag: dict[int, int] = {}  # the largest of each process since the last look

    def broken(self) -> tuple[Rule, float, float] | None:
        """The first rule that is broken, the value that breaks it, and the second of the run."""
        if not self._rules:
            return None
        self._lag = {}
        for tag, health in self._run.health():
            self._health[tag] = health
            self._lag[tag] = max(self._lag.get(tag, 0), lag_of(health))
        about = self._run.about
        ignored = 0.0 if about is None else max_lag(about) or 0.0
        self._lag = {tag: lag for tag, lag in self._lag.items() if lag > ignored * 1e6}
        for tag, line in self._run.latencies():
            self._take(line, self._lag.get(tag, 0))
        seconds = self._run.clock.end
        for rule in self._rules:
            if seconds < rule.grace:
                continue
            value, least = self._value(rule, self._latency), self._value(rule, self._less_lag)
            if value is None or least is None:
                continue
            if not rule.condition.holds(value) and not rule.condition.holds(least):
                return rule, value, seconds
        return None

    def _value(self, rule: Rule, latency: dict[tuple[str, str], Histogram]) -> float | None:
        names = COUNTERS.get(rule.condition.metric)
        if names is not None:
            lines = self._health.values()
            return float(sum(int(each.values.get(name, 0)) for each in lines for name in names))
        _, kind, origin, _ = rule.condition.metric.split(".")
        return value_in(rule, latency.get((kind, origin), Histogram()))

    def _take(self, line: LatencyLine, lag: int) -> None:
        if line.phase != Phase.MEASURED:
            return
        for kind in MESSAGE_KINDS:
            for origin in Origin:
                told = Histogram.from_json(line.counts(kind, origin))
                self._latency.setdefault((kind, origin), Histogram()).add(told)
                least = less(line.counts(kind, Origin.ACTUAL), lag)
                self._less_lag.setdefault((kind, origin), Histogram()).add(least)
