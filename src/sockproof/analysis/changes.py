"""Which outcomes changed between two conformance runs.

A case that ran several times in one run counts with its worst outcome there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

# From best to worst. UNSUPPORTED stands apart: it says that a server lacks something.
_ORDER = ("PASS", "NON_STRICT", "UNSUPPORTED", "INCONCLUSIVE", "FAIL")


@dataclass(frozen=True, slots=True)
class Change:
    """One case in both runs; `got` is what the second saw."""

    case: str
    before: str
    after: str
    got: str

    @property
    def worse(self) -> bool:
        """Whether the second outcome is the worse one."""
        return rank(self.after) > rank(self.before)


@dataclass(slots=True)
class Changes:
    """Two runs side by side. `new` and `gone` are cases of one of them alone, with outcomes."""

    same: int = 0
    worse: list[Change] = field(default_factory=list)
    better: list[Change] = field(default_factory=list)
    new: list[tuple[str, str]] = field(default_factory=list)
    gone: list[tuple[str, str]] = field(default_factory=list)


def rank(outcome: str) -> int:
    """How bad an outcome is: 0 is PASS. An outcome that is not ours counts as the worst."""
    return _ORDER.index(outcome) if outcome in _ORDER else len(_ORDER)


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Changes:
    """Compare two reports, as `sockproof.runs.records.read_run` gives them."""
    first, second = _worst(before["cases"]), _worst(after["cases"])
    found = Changes()
    for case_id, case in second.items():
        if case_id not in first:
            found.new.append((case_id, case["outcome"]))
            continue
        was = first[case_id]["outcome"]
        if was == case["outcome"]:
            found.same += 1
            continue
        change = Change(case_id, was, case["outcome"], case["got"])
        (found.worse if change.worse else found.better).append(change)
    found.gone = [(name, case["outcome"]) for name, case in first.items() if name not in second]
    return found


def _worst(cases: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for case in cases:
        before = found.get(case["id"])
        if before is None or rank(case["outcome"]) > rank(before["outcome"]):
            found[case["id"]] = case
    return found
