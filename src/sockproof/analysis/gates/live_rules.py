"""What a load run shows while it goes on: whether a rule that aborts it is broken."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sockproof.analysis.gates.rules import COUNTERS, Rule, value_in
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

    def broken(self) -> tuple[Rule, float, float] | None:
        """The first rule that is broken, the value that breaks it, and the second of the run."""
        if not self._rules:
            return None
        self._health.update(self._run.health())
        for _, line in self._run.latencies():
            self._take(line)
        seconds = self._run.clock.end
        for rule in self._rules:
            if seconds < rule.grace:
                continue
            value = self._value(rule)
            if value is not None and not rule.condition.holds(value):
                return rule, value, seconds
        return None

    def _value(self, rule: Rule) -> float | None:
        names = COUNTERS.get(rule.condition.metric)
        if names is not None:
            lines = self._health.values()
            return float(sum(int(each.values.get(name, 0)) for each in lines for name in names))
        _, kind, origin, _ = rule.condition.metric.split(".")
        return value_in(rule, self._latency.get((kind, origin), Histogram()))

    def _take(self, line: LatencyLine) -> None:
        if line.phase != Phase.MEASURED:
            return
        for kind in MESSAGE_KINDS:
            for origin in Origin:
                told = Histogram.from_json(line.counts(kind, origin))
                self._latency.setdefault((kind, origin), Histogram()).add(told)
