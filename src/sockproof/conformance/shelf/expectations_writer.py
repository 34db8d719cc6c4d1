"""Writing an expectations file of a run, so that a run like it has nothing unexpected.

All variants of a function that came out alike are one `function[*]`; what one requirement has of
one outcome is one entry. A fault that came and went is noted as such. The reasons are for a
person to fill in: they say what was seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sockproof.conformance.shelf.requirements import Requirement
from sockproof.files import write
from sockproof.runs.records import cut

_HEAD = "# Replace each reason by why this server does so, and drop what is to be fixed.\n"
_DEVIATIONS = ("FAIL", "NON_STRICT", "INCONCLUSIVE")
_PASSING = (
    "did-not-repeat",
    "too-busy",
    "no-time",
)  # what is set aside since it may come out otherwise
_SEEN = 160  # characters of what was expected, and of what came


@dataclass(slots=True)
class _Ran:
    """A case, in all its repetitions."""

    requirement: str
    outcomes: set[str] = field(default_factory=set)
    deviation: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # the first, by outcome
    races: bool = False


def write_expectations(
    path: Path,
    cases: Iterable[Mapping[str, Any]],
    known: Iterable[str],
    requirements: Mapping[str, Requirement],
    day: str,
) -> int:
    """Write the file; gives how many entries it has. Raises `WriteError`.

    `cases` are those of a report, `known` the ids of all there are, `day` when the run was.
    """
    ran = _ran(cases)
    entries: dict[tuple[str, str, bool, str], list[str]] = {}
    for case_id, each in ran.items():
        races = each.races or len(each.outcomes - {"UNSUPPORTED"}) > 1
        for outcome, case in each.deviation.items():
            reason = (case.get("expectation") or {}).get("reason") or ""
            entries.setdefault((each.requirement, outcome, races, reason), []).append(case_id)
    variants = _variants(known)
    lines = [_HEAD]
    for (requirement, outcome, races, reason), ids in entries.items():
        first = ran[ids[0]].deviation[outcome]
        named = [_string(name) for name in _folded(ids, variants, ran)]
        listed = named[0] if len(named) == 1 else "[\n    " + ",\n    ".join(named) + ",\n]"
        told = reason or _seen(first, requirements.get(requirement), day)
        lines.append(f"\n[[expectation]]\ncase = {listed}\noutcome = {_string(outcome)}\n")
        lines.append(f"reason = {_string(told)}\n" + ("sometimes = true\n" if races else ""))
    write(path, "".join(lines), durable=True)
    return len(entries)


def _ran(cases: Iterable[Mapping[str, Any]]) -> dict[str, _Ran]:
    ran: dict[str, _Ran] = {}
    for case in cases:
        each = ran.setdefault(case["id"], _Ran(case["requirement"]))
        aside, outcome = case.get("aside") or {}, case["outcome"]
        each.outcomes.add(outcome)
        each.races |= bool((case.get("expectation") or {}).get("sometimes"))
        each.races |= aside.get("kind") in _PASSING
        each.races |= case.get("came") == "RST"  # which may take with it what came before, or not
        if outcome in _DEVIATIONS:
            each.deviation.setdefault(outcome, case)
    return ran


def _variants(known: Iterable[str]) -> dict[str, set[str]]:
    """The ids of all cases of each function that has variants."""
    variants: dict[str, set[str]] = {}
    for case_id in known:
        function, bracket, _ = case_id.partition("[")
        if bracket:
            variants.setdefault(function, set()).add(case_id)
    return variants


def _folded(ids: list[str], variants: Mapping[str, set[str]], ran: Mapping[str, _Ran]) -> list[str]:
    """The ids, `function[*]` in place of all variants where no other outcome is among them."""
    here = set(ids)
    names: dict[str, None] = {}
    for case_id in ids:
        function = case_id.partition("[")[0]
        others = variants.get(function, set()) - here
        silent = all(each in ran and ran[each].outcomes == {"UNSUPPORTED"} for each in others)
        names[f"{function}[*]" if function in variants and silent else case_id] = None
    return list(names)


def _seen(case: Mapping[str, Any], requirement: Requirement | None, day: str) -> str:
    what = case["requirement"]
    if requirement is not None:
        what = f"{requirement.document}, {requirement.section}"
        if case["outcome"] == "FAIL" and requirement.broken:
            what = f"{requirement.broken} ({what})"
    told = f"Why? Seen on {day}: {what}: expected {cut(case['expected'], _SEEN)}"
    return f"{told}; got {cut(case['got'], _SEEN)}"


def _string(text: str) -> str:
    """A basic string of TOML; what cannot be seen is escaped."""
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char.isprintable():
        return char
    point = ord(char)
    if 0xD800 <= point <= 0xDFFF:  # which TOML cannot write
        return f"\\\\u{point:04x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"
