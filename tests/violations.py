"""What a violation of each requirement looks like on the wire, as the mutants show it.

`python -m tests.violations` runs the mutants and writes `docs/site/violations.json`, from which the
pages of the requirements are made: for each one the shortest exchange in which a case caught a
server of ours with a fault. Those that a mutant no longer shows go; `KINDS` may be named.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sockproof.conformance.shelf.case import Case
from sockproof.conformance.shelf.expectations import glob_matches
from sockproof.runs.records import CaseRecord, cut
from tests.faults import KINDS, Fault, faults
from tests.mutants_run import cases, run_chosen

FILE = Path(__file__).parents[1] / "docs" / "site" / "violations.json"
LONGEST = 12  # lines of an exchange that is shown whole
OCTETS = 24
TEXT = 160


def main(kinds: list[str]) -> int:
    """Record them anew, those of the other kinds kept."""
    kept: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    for kind in kinds:
        kept |= recorded(kind)
    texts = ",\n".join(f'"{name}": {json.dumps(kept[name])}' for name in sorted(kept))
    FILE.write_text("{\n" + texts + "\n}\n", encoding="utf-8")
    return 0


def recorded(kind: str) -> dict[str, Any]:
    """The best exchange of each requirement that the faults of a kind break."""
    best: dict[str, tuple[int, dict[str, Any]]] = {}
    for fault in faults(kind).values():
        chosen = [case for case in cases(kind) if is_worth_showing(case, fault)]
        open_still = [case for case in chosen if case.requirement not in best]
        if not open_still:
            continue
        for record in run_chosen(kind, fault.name, open_still).values():
            if record.outcome != "FAIL" or not record.wire:
                continue
            size = sum(min(entry.length, 200) for entry in record.wire)
            if record.requirement not in best or size < best[record.requirement][0]:
                best[record.requirement] = (size, shown(record, fault))

    return {name: value for name, (_, value) in best.items()}


def is_worth_showing(case: Case, fault: Fault) -> bool:
    """Whether the case catches the fault, and is not one that goes over TLS or takes minutes."""
    plain = case.offer is None and "tls" not in case.needs
    return plain and any(glob_matches(glob, case.id) for glob in fault.catches)


def shown(record: CaseRecord, fault: Fault) -> dict[str, Any]:
    """What a page tells of a case that caught a fault; times and masks differ in each run."""
    entries = [entry.to_json() for entry in record.wire]
    half = LONGEST // 2
    whole = len(entries) <= LONGEST
    return {
        "fault": fault.what,
        "case": record.id,
        "expected": cut(record.expected, 300),
        "got": cut(record.got, 300),
        "left_out": 0 if whole else len(entries) - LONGEST,
        "wire": [_line(each) for each in (entries if whole else entries[:half] + entries[-half:])],
    }


def _line(entry: Mapping[str, Any]) -> list[Any]:
    """Connection, direction, octets (their beginning), the length of all, and the meaning."""
    octets = entry["octets"][: 2 * OCTETS]
    return [
        entry["connection"],
        entry["direction"],
        octets,
        entry["length"],
        cut(entry["text"], TEXT),
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or list(KINDS)))
