"""What a load run shows while it goes on: whether a rule that aborts it is broken."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sockproof.analysis.gates.rules import COUNTERS, Rule, value_in
from sockproof.runs import load_lines
from sockproof.runs.histogram import Histogram
from sockproof.runs.load_records import Phase
from sockproof.vocabulary import MESSAGE_KINDS, Origin


class Follower:
    """Reads a run folder again and again, each line once."""

    def __init__(self, folder: Path, rules: Iterable[Rule]) -> None:
        self.folder = folder
        self._rules = [rule for rule in rules if rule.abort]
        self._read: dict[Path, int] = {}
        self._health: dict[Path, dict[str, Any]] = {}
        self._latency: dict[tuple[str, str], Histogram] = {}
        self._begun: int | None = None
        self._now = 0

    def broken(self) -> tuple[Rule, float, float] | None:
        """The first rule that is broken, the value that breaks it, and the second of the run."""
        if not self._rules:
            return None
        for path in self.folder.glob("health-*.jsonl"):
            for line in self._lines(path):
                self._health[path] = line
                self._now = max(self._now, int(line["t"]))
                begun = int(line["t"]) - 1_000_000_000
                self._begun = begun if self._begun is None else min(self._begun, begun)
        for path in self.folder.glob("latency-*.jsonl"):
            for line in self._lines(path):
                self._take(line)
        seconds = 0.0 if self._begun is None else (self._now - self._begun) / 1e9
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
            return float(sum(int(each.get(name, 0)) for each in lines for name in names))
        _, kind, origin, _ = rule.condition.metric.split(".")
        return value_in(rule, self._latency.get((kind, origin), Histogram()))

    def _take(self, line: dict[str, Any]) -> None:
        if line.get("phase") != Phase.MEASURED:
            return
        for kind in MESSAGE_KINDS:
            for origin in Origin:
                told = Histogram.from_json(line.get(kind, {}).get(origin, {}))
                self._latency.setdefault((kind, origin), Histogram()).add(told)

    def _lines(self, path: Path) -> Iterable[dict[str, Any]]:
        """The lines that are new since the last look; a line that is not whole waits."""
        try:
            with path.open("rb") as file:
                file.seek(self._read.get(path, 0))
                octets = file.read()
        except OSError:
            return
        end = octets.rfind(b"\n") + 1
        self._read[path] = self._read.get(path, 0) + end
        for line in octets[:end].splitlines():
            with contextlib.suppress(ValueError):
                yield load_lines.decode(path.name, line)
