"""What a report comes to: the verdict in a sentence, and the cases sorted by what they mean.

Every format says the same because every format asks here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sockproof.render.headline import Headline
from sockproof.render.text import group_of, number, short
from sockproof.runs.records import weighs
from sockproof.vocabulary import DOCS_URL, SUITES

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,200}")

Case = Mapping[str, Any]
Report = Mapping[str, Any]

DIED = "The server died"
JUDGED = ("PASS", "NON_STRICT", "FAIL")
STANDINGS = ("wrong", "unclear", "remark", "known", "aside", "lacking", "rest")  # by gravity


@dataclass(frozen=True, slots=True)
class Findings:
    """The cases that somebody should look at; no case is in two lists.

    `wrong` makes the exit code 1. `unclear` could not be set up. `remarks` are deviations that
    no expectation names and that do not count: recommendations, and what is allowed but not
    the best. `known` are deviations that an expectation names. `aside` counts as nothing:
    what follows from another fault, or did not repeat. `lacking` is UNSUPPORTED.
    """

    wrong: list[Case]
    unclear: list[Case]
    remarks: list[Case]
    known: list[Case]
    aside: list[Case]
    lacking: list[Case]


def findings(report: Report) -> Findings:
    """Sort the cases of a report."""
    strict = bool(report.get("strict"))
    lists: dict[str, list[Case]] = {name: [] for name in STANDINGS}
    for case in report["cases"]:
        lists[standing(case, strict)].append(case)
    remarks = sorted(lists["remark"], key=lambda case: bool(case["outcome"] != "FAIL"))
    return Findings(
        lists["wrong"],
        lists["unclear"],
        remarks,
        lists["known"],
        lists["aside"],
        lists["lacking"],
    )


def standing(case: Case, strict: bool = False) -> str:
    """Which list of `Findings` a case is in, by its name in `STANDINGS`, or "rest"."""
    if case.get("aside") is not None:
        return "aside"
    if weighs(case, strict):
        return "wrong"
    if case["outcome"] in ("FAIL", "NON_STRICT", "INCONCLUSIVE") and case.get("expectation"):
        return "known"
    by_outcome = {
        "INCONCLUSIVE": "unclear",
        "FAIL": "remark",
        "NON_STRICT": "remark",
        "UNSUPPORTED": "lacking",
    }
    return by_outcome.get(case["outcome"], "rest")


def _requirements(cases: Iterable[Case]) -> int:
    return len({case["requirement"] for case in cases})


def verdict(report: Report) -> Headline:
    """The verdict on a run, by its exit code and what it found."""
    found = findings(report)
    judged = _requirements(
        case for case in report["cases"] if case["outcome"] in JUDGED and not case.get("aside")
    )
    stale = len(report.get("stale_expectations") or [])
    fails = f"{_requirements(found.wrong)} of {number(judged, 'requirement')}"
    notes = _notes(found, stale, report.get("excluded") or [], len(report.get("not_run") or []))
    if report.get("interrupted"):
        so_far = f"; so far it fails {fails}" if found.wrong else ""
        sentence = f"Interrupted after {number(len(report['cases']), 'case')}{so_far}"
        return Headline(sentence, "bad" if found.wrong else "unknown", notes)
    if found.wrong:
        return Headline(f"Fails {fails}", "bad", notes)
    if report["exit_code"] == 1:
        return Headline(_stale(stale) if stale else _died(report), "bad", notes)
    if report["exit_code"] != 0:
        return Headline(f"Inconclusive: {_problem(report, found)}", "unknown", notes)
    return Headline(f"Nothing unexpected in {number(judged, 'requirement')}", "good", notes)


def _died(report: Report) -> str:
    return DIED if report.get("died") else "Does not pass"


def _problem(report: Report, found: Findings) -> str:
    if report.get("problem"):
        return short(report["problem"], 500)
    if report.get("damage"):
        return "its records are damaged"
    if found.unclear:
        return f"{number(len(found.unclear), 'case')} could not be set up"
    if report.get("not_run"):
        return f"{number(len(report['not_run']), 'case')} were not run"
    if not report["cases"]:
        return "no case ran"
    late = sum((case.get("aside") or {}).get("kind") == "no-time" for case in found.aside)
    if late:
        return f"{number(late, 'case')} were due to run again, but there was no time left"
    return "no case was conclusive"


def _notes(
    found: Findings, stale: int, excluded: Sequence[str], not_run: int = 0
) -> tuple[str, ...]:
    advice = [case for case in found.remarks if _is_advice(case)]
    lax = len(found.remarks) - len(advice)
    unclear = len(found.unclear) if found.wrong else 0  # else they are the verdict
    told = {
        f"{number(not_run, 'case')} not run": not_run if found.wrong else 0,
        _stale(stale): stale if found.wrong else 0,
        f"{number(len(found.known), 'known deviation')}, as expected": len(found.known),
        f"{number(len(found.unclear), 'case')} could not be set up": unclear,
        f"{number(len(found.aside), 'case')} set aside": len(found.aside),
        f"{number(_requirements(advice), 'recommendation')} not followed": len(advice),
        f"{number(lax, 'case')} allowed but not strict": lax,
    }
    notes = [note for note, count in told.items() if count]
    globs = ", ".join(short(glob, 100) for glob in excluded)
    return tuple([*notes, f"without {globs}"] if globs else notes)


def _is_advice(case: Case) -> bool:
    return bool(case["outcome"] == "FAIL" and case["level"] == "SHOULD")


def _stale(count: int) -> str:
    return f"{number(count, 'expectation')} no longer {'holds' if count == 1 else 'hold'}"


def seen(report: Report) -> list[str]:
    """What cases saw and do not judge (limits, choices of the server), each once, in order."""
    told = (note for case in report["cases"] for note in case.get("notes") or [])
    return list(dict.fromkeys(short(note, 300) for note in told))


def groups(cases: Iterable[Case]) -> dict[tuple[str, str], list[Case]]:
    """The cases by suite and file, in the order in which each first appears."""
    grouped: dict[tuple[str, str], list[Case]] = {}
    for case in cases:
        grouped.setdefault(group_of(case["id"]), []).append(case)
    return dict(sorted(grouped.items(), key=lambda item: _rank(item[0])))


def _rank(group: tuple[str, str]) -> tuple[int, str, str]:
    suite, file = group
    return (SUITES.index(suite) if suite in SUITES else len(SUITES), suite, file)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of one document: the ids of requirements with a case, without one, and untestable."""

    document: str
    with_case: list[str]
    without_case: list[str]
    untestable: dict[str, str]

    @property
    def total(self) -> int:
        """How many requirements the catalogue has of the document."""
        return len(self.with_case) + len(self.without_case) + len(self.untestable)


def coverage(report: Report) -> list[Coverage]:
    """The coverage by document, in the order of the catalogue."""
    known: Mapping[str, Mapping[str, Any]] = report.get("requirements") or {}
    told: Mapping[str, Any] = report.get("coverage") or {}
    prefixes = {name.partition("-")[0]: about.get("document") for name, about in known.items()}
    by_document: dict[str, Coverage] = {}

    def of(requirement: str) -> Coverage:
        prefix = requirement.partition("-")[0]
        document = known.get(requirement, {}).get("document") or prefixes.get(prefix)
        name = short(document or prefix, 100)
        return by_document.setdefault(name, Coverage(name, [], [], {}))

    for requirement in told.get("with_case") or []:
        of(requirement).with_case.append(requirement)
    for requirement in told.get("without_case") or []:
        of(requirement).without_case.append(requirement)
    for requirement, why in (told.get("untestable") or {}).items():
        of(requirement).untestable[requirement] = short(why, 500)
    return list(by_document.values())


def proposal(report: Report) -> str:
    """That the expectations of a library name most of what fails, or nothing."""
    told = report.get("proposal")
    if not told:
        return ""
    faults = f"{told['known']} of {number(told['faults'], 'fault')}"
    are = "is a known fault" if told["known"] == 1 else "are known faults"
    name = short(told["expect"], 100)
    return f"{faults} {are} of {short(told['title'], 100)}: add --expect {name}"


def remarks(report: Report) -> list[str]:
    """What is to be said of the run as a whole."""
    return [short(each, 500) for key in ("damage", "remarks") for each in report.get(key) or []]


def page_of(report: Report, requirement: str) -> str:
    """The address of the requirement's page in the documentation; empty where there is none."""
    url = str(report.get("docs_url") or "")
    named = requirement in (report.get("requirements") or {}) and _NAME.fullmatch(requirement)
    if not named or re.fullmatch(DOCS_URL, url) is None:
        return ""
    return f"{url.rstrip('/')}/requirements/{requirement}.html"
