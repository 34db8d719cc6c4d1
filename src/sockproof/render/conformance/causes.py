"""Cases by what causes them: one line for one fault, the most serious first.

Every format groups and orders as this module does. A fault is what the catalogue says of a server
that breaks the requirement (`broken`), so that requirements which one omission breaks are one
fault. What is allowed is grouped by the habit; what could not be judged by the reason, with what
would help; what is known by the reason that its expectation gives.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sockproof.render.conformance.summary import Case, Report, findings
from sockproof.render.conformance.unjudged import alike, lacks_fixture, missing, obstacle
from sockproof.render.text import number, sentence, short
from sockproof.vocabulary import Seen

_TEXT = 100
_ASIDE = {
    "follows": "follow from another fault",
    "did-not-repeat": "did not fail again",
    "no-time": "were due to run again, but the run had no time left",
    "too-busy": "were inconclusive because the machine was too busy",
    "control": "are inconclusive, because the same without the fault fails too",
}


@dataclass(frozen=True, slots=True)
class Group:
    """Cases with one cause, the simplest first.

    `says` is the cause, `where` the document and section that speak of it, `helps` what to type
    or to do; the last two may be empty.
    """

    says: str
    cases: list[Case]
    outcome: str = ""
    level: str = ""
    where: str = ""
    helps: str = ""

    @property
    def first(self) -> Case:
        """The case that shows it with the least."""
        return self.cases[0]

    @property
    def count(self) -> str:
        """How many cases it has, in words."""
        return number(len(self.cases), "case")

    @property
    def source(self) -> str:
        """`where`, and the level where it is none that everybody has to keep to."""
        told = self.level if self.level in ("SHOULD", "MAY") else ""
        return ", ".join(part for part in (self.where, told) if part)


@dataclass(frozen=True, slots=True)
class Answer:
    """The groups of a report. `faults` make the exit code 1, `remarks` do not."""

    faults: list[Group]
    remarks: list[Group]
    known: list[Group]
    aside: list[Group]
    unjudged: list[Group]


def answer(report: Report) -> Answer:
    """Group the cases of a report."""
    told: Mapping[str, Mapping[str, Any]] = report.get("requirements") or {}
    found = findings(report)
    bare = any(lacks_fixture(case) for case in found.lacking)
    return Answer(
        _faults(found.wrong, told),
        _faults(found.remarks, told),
        _grouped(found.known, _known),
        _grouped(found.aside, lambda case: _aside(case, told)),
        [
            *_grouped(found.unclear, lambda case: _unjudged(case, obstacle(case)), alike),
            *_grouped(found.lacking, lambda case: _unjudged(case, missing(case, bare))),
        ],
    )


def evidence(case: Case, limit: int = 300) -> str:
    """What was expected and what came, on one line."""
    got = short(case["got"] or case["summary"], limit)
    if not case["expected"]:
        return got
    return f"expected {short(case['expected'], limit)}; got {got or 'nothing'}"


# Faults.


def _faults(cases: Iterable[Case], told: Mapping[str, Mapping[str, Any]]) -> list[Group]:
    def cause(case: Case) -> Group:
        return _fault(case, told.get(case["requirement"]) or {})

    groups = [
        replace(group, level=min((case["level"] for case in group.cases), key=_rank))
        for group in _grouped(cases, cause, _same)
    ]
    harm = {id(group): _harm(group, told) for group in groups}
    return sorted(groups, key=lambda group: (*harm[id(group)], -len(group.cases)))


def _same(says: str) -> str:
    """What two groups have in common that are one."""
    says = re.sub("the (?:server|client) (?:closed|reset) the TCP", "TCP", says)
    return alike(says.partition('": ')[2]) + says.partition('": ')[0]


def _harm(group: Group, told: Mapping[str, Mapping[str, Any]]) -> tuple[int, int, int, int]:
    """How serious a fault is: the lower the worse."""
    rank = _rank(group.level)
    harms = (told.get(case["requirement"], {}).get("harms") for case in group.cases)
    return (group.outcome != "FAIL", max(rank, 1), "data" not in harms, rank)


def _rank(level: str) -> int:
    levels = ("MUST", "DESCRIBED", "SHOULD", "MAY")
    return levels.index(level) if level in levels else len(levels)


def _fault(case: Case, about: Mapping[str, Any]) -> Group:
    outcome, level = short(case["outcome"], 40), short(case["level"], 20)
    where = _where(about)
    if outcome == "NON_STRICT":
        return _habit(case, where)
    if about.get("broken"):
        return Group(short(about["broken"], 200), [], outcome, level, where)
    text = _shortened(short(about.get("text"), 1000))
    verb = {"SHOULD": "does not follow", "MAY": "differs from"}.get(level, "breaks")
    says = f'{verb} "{text}"' if text else f"breaks {short(case['requirement'], 100)}"
    return Group(says, [], outcome, level, where)


def _habit(case: Case, where: str) -> Group:
    """What is allowed: what the server does, and beside what; its requirement is not broken."""
    got, level = short(case["got"], _TEXT), short(case["level"], 20)
    if case.get("seen") == Seen.TCP_ENDED:  # one habit, whatever it answers
        return Group(got, [], "NON_STRICT", level)
    says = f'instead of "{sentence(case["id"].partition("[")[0])}": {got}'
    return Group(says, [], "NON_STRICT", level, where)


def _shortened(text: str) -> str:
    """The first sentence, or as many words of it as there is room for."""
    text = re.split(r"(?<=\w)[.;:](?=\s)", text, maxsplit=1)[0].rstrip(".")
    if len(text) <= _TEXT:
        return text
    return text[:_TEXT].rpartition(" ")[0] + " …"


def _where(about: Mapping[str, Any]) -> str:
    document = short(about.get("document"), 80).partition(" protocol,")[0]
    return f"{document} {short(about.get('section'), 80)}".strip()


# What does not count.


def _known(case: Case) -> Group:
    expectation = case["expectation"]
    sometimes = " (sometimes)" if expectation.get("sometimes") else ""
    outcome = short(case["outcome"], 40)
    return Group(f"{short(expectation['reason'], 300)}{sometimes}", [], outcome)


def _aside(case: Case, told: Mapping[str, Mapping[str, Any]]) -> Group:
    aside = case["aside"]
    kind = _ASIDE.get(aside["kind"], short(aside["kind"], 40))
    about = told.get(aside["of"]) or {}
    if aside["kind"] == "follows" and case["outcome"] == "NON_STRICT":
        return Group("show behaviour that is already listed", [], where=_where(about))
    if aside["kind"] == "follows" and about:
        text = about.get("broken") or _shortened(short(about.get("text"), 1000))
        return Group(f'follow from "{short(text, 200)}"', [], where=_where(about))
    return Group(f"{kind}: {short(aside['text'], 300)}", [])


def _unjudged(case: Case, why: tuple[str, str]) -> Group:
    return Group(short(why[0], 300), [], short(case["outcome"], 40), helps=why[1])


def _grouped(
    cases: Iterable[Case],
    cause: Callable[[Case], Group],
    key_of: Callable[[str], str] = str,
) -> list[Group]:
    """The groups of the cases, the largest first; `cause` gives a case's group, still empty.

    What two groups say may differ as far as `key_of` does not see it.
    """
    together: dict[tuple[str, ...], list[Case]] = {}
    for case in cases:
        group = cause(case)
        key = (group.outcome, key_of(group.says), group.helps)
        together.setdefault(key, []).append(case)
    groups = []
    for members in together.values():
        members.sort(key=_plainness)
        groups.append(replace(cause(members[0]), cases=members))
    return sorted(groups, key=lambda group: -len(group.cases))


def _plainness(case: Case) -> tuple[bool, bool, int, int, str]:
    """The lower, the more easily a case is understood: plain, without waiting, and short."""
    got = case["got"]
    octets = sum(entry["length"] for entry in case.get("wire") or [])
    compressed = case["id"].startswith("deflate/") or case["id"].endswith("[deflate]")
    return (case.get("seen") == Seen.TIMED_OUT, compressed, octets, len(got), case["id"])
