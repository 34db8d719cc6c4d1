"""The report as one HTML file that needs nothing beside it and reaches for nothing outside.

The templates stand on the shelf `reports/`; what they show is prepared here, bounded and with
control characters made visible, and escaped by jinja. A content security policy in the page
lets its own script run, by its hash, and nothing else: a hole in the escaping would still not
run what a server sent.

A page stays light: wire logs share a budget, and those of the gravest cases come first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sockproof.render.conformance.causes import Answer, Group, answer
from sockproof.render.conformance.summary import (
    STANDINGS,
    Case,
    coverage,
    findings,
    groups,
    page_of,
    proposal,
    remarks,
    seen,
    standing,
    verdict,
)
from sockproof.render.headline import Headline
from sockproof.render.html_page import environment
from sockproof.render.text import (
    ARROWS,
    group_of,
    lines,
    octets_left_out,
    sentence,
    short,
    spaced_hex,
)
from sockproof.runs.records import LEVELS, OUTCOMES, count_outcomes

WIRE_BUDGET = 3 * 1024 * 1024  # characters of all wire logs of one page, markup included
_ENTRY_MARKUP = 150
_ENTRIES = 120
_OCTETS = {"rest": 48, "lacking": 48}
_OCTETS_OF_FINDINGS = 128
_DEVIATES = ("wrong", "remark", "known")


@dataclass(frozen=True, slots=True)
class _WireRow:
    ms: str
    connection: int
    direction: str
    arrow: str
    text: str
    octets: str
    left_out: int


@dataclass(slots=True)
class _Row:
    """One case, ready to be shown."""

    anchor: str
    id: str
    title: str
    outcome: str
    standing: str
    suite: str
    level: str
    requirement: Mapping[str, str]
    seconds: str
    summary: str
    expected: str
    got: str
    reason: str
    expectation_file: str
    expectation_version: str
    sometimes: bool
    aside: str
    autobahn: str
    rerun: str
    fix: str
    page: str
    wire: list[_WireRow] = field(default_factory=list)
    entries_left_out: int = 0


@dataclass(frozen=True, slots=True)
class _Group:
    """Cases with one cause, ready to be shown; the first shows it with the least."""

    says: str
    source: str
    outcome: str
    helps: str
    count: str
    rows: list[_Row]


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One report of a page that links several; `href` is relative to that page."""

    title: str
    href: str
    report: Mapping[str, Any]


def render(report: Mapping[str, Any], template: Path) -> str:
    """The HTML page of a report; `template` is `conformance.html.j2` of the reports shelf."""
    rows = _rows(report)
    by_case = {id(case): row for case, row in zip(report["cases"], rows, strict=True)}
    return (
        environment(template)
        .get_template(template.name)
        .render(
            **_about(report, verdict(report)),
            lists=_lists(answer(report), by_case),
            standings=_standings(rows),
            proposal=proposal(report),
            remarks=remarks(report),
            not_run=[short(each, 200) for each in report.get("not_run") or []],
            groups=[
                (suite, file, _counts(cases), [by_case[id(case)] for case in cases])
                for (suite, file), cases in groups(report["cases"]).items()
            ],
            suites=list(dict.fromkeys(suite for suite, _ in groups(report["cases"]))),
            levels=[lvl for lvl in LEVELS if any(row.level == lvl for row in rows)],
            seen=seen(report),
            stale=[_stale(item) for item in report.get("stale_expectations") or []],
            coverage=coverage(report),
            requirements=_texts(report),
            logs={
                end: lines(report[key])
                for end, key in (("server", "server_log"), ("driver", "driver_log"))
                if report.get(key)
            },
        )
    )


def index(reports: Sequence[IndexEntry], template: Path) -> str:
    """A page that links several reports; `template` is `conformance-index.html.j2`."""
    entries = [
        {"title": short(entry.title, 200), "href": entry.href}
        | _about(entry.report, verdict(entry.report))
        for entry in reports
    ]
    return environment(template).get_template(template.name).render(entries=entries)


def _about(report: Mapping[str, Any], found: Headline) -> dict[str, Any]:
    known = Counter(case["outcome"] for case in findings(report).known)
    return {
        "verdict": found,
        "target": short(report["target"], 500),
        "server": short(report.get("server"), 300),
        "started": short(report["started"], 40),
        "seconds": f"{report['seconds']:.1f}",
        "sockproof": short(report["sockproof"], 40),
        "exit_code": report["exit_code"],
        "strict": bool(report.get("strict")),
        "total": len(report["cases"]),
        "counts": [(name, report["counts"].get(name, 0), known[name]) for name in OUTCOMES],
    }


def _counts(cases: Iterable[Case]) -> list[tuple[str, int]]:
    counted = count_outcomes(cases)
    return [(name, counted[name]) for name in OUTCOMES if counted[name]]


def _lists(told: Answer, rows: Mapping[int, _Row]) -> list[tuple[str, str, list[_Group]]]:
    """The groups of cases by title and kind, in the order in which a person wants them."""
    titled = [
        ("Unexpected", "wrong", told.faults),
        ("Notes, not counted", "remark", told.remarks),
        ("Known deviations", "known", told.known),
        ("Set aside, not counted", "aside", told.aside),
        ("Inconclusive or unsupported", "unjudged", told.unjudged),
    ]
    return [
        (title, kind, [_group(group, rows) for group in groups])
        for title, kind, groups in titled
        if groups
    ]


def _group(group: Group, rows: Mapping[int, _Row]) -> _Group:
    return _Group(
        group.says,
        group.source,
        group.outcome,
        group.helps,
        group.count,
        [rows[id(case)] for case in group.cases],
    )


def _standings(rows: Iterable[_Row]) -> list[tuple[str, str]]:
    """The kinds of cases that there are, with what a person calls them."""
    words = {
        "wrong": "unexpected",
        "unclear": "could not be set up",
        "remark": "not counted",
        "known": "known deviations",
        "aside": "set aside",
        "lacking": "not offered",
    }
    there = {row.standing for row in rows}
    return [(kind, told) for kind, told in words.items() if kind in there]


def _stale(item: Mapping[str, Any]) -> dict[str, str]:
    return {key: short(item.get(key), 500) for key in ("case", "file", "reason")}


def _texts(report: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Document, section, level and text of each requirement that the report tells of."""
    told = report.get("requirements") or {}
    return {name: _requirement(name, value) for name, value in told.items()}


def _requirement(name: str, value: Mapping[str, Any]) -> dict[str, str]:
    keys = ("document", "section", "level", "text")
    return {"id": short(name, 200)} | {key: short(value.get(key), 1000) for key in keys}


def _rows(report: Mapping[str, Any]) -> list[_Row]:
    strict = bool(report.get("strict"))
    times: Counter[str] = Counter()
    rows = []
    for case in report["cases"]:
        times[case["id"]] += 1
        rows.append(_row(case, report, strict, times[case["id"]]))
    budget = WIRE_BUDGET
    pairs = zip(rows, report["cases"], strict=True)
    for row, case in sorted(pairs, key=lambda pair: STANDINGS.index(pair[0].standing)):
        budget -= _fill_wire(row, case["wire"], budget)
    return rows


def _row(case: Case, report: Mapping[str, Any], strict: bool, repetition: int) -> _Row:
    known = (report.get("requirements") or {}).get(case["requirement"]) or {}
    expectation = case.get("expectation") or {}
    title = sentence(case["id"])
    summary = short(case["summary"], 1000)
    return _Row(
        anchor=anchor(case["id"], repetition),
        id=short(case["id"], 400),
        title=title + (f" (run {repetition})" if repetition > 1 else ""),
        outcome=short(case["outcome"], 40),
        standing=standing(case, strict),
        suite=group_of(case["id"])[0],
        level=short(case["level"], 20),
        requirement=_requirement(case["requirement"], known),
        seconds=f"{case['seconds']:.3f}",
        summary="" if summary == title else summary,
        expected=short(case["expected"], 1500),
        got=short(case["got"], 1500),
        reason=short(expectation.get("reason"), 1000),
        expectation_file=short(expectation.get("file"), 300),
        expectation_version=short(expectation.get("version"), 60),
        sometimes=bool(expectation.get("sometimes")),
        aside=short((case.get("aside") or {}).get("text"), 1000),
        autobahn=", ".join(short(name, 40) for name in case.get("autobahn") or []),
        rerun=short(case["rerun"], 2000),
        fix=short(known.get("fix"), 1000) if standing(case, strict) in _DEVIATES else "",
        page=page_of(report, case["requirement"]),
    )


def anchor(case_id: str, repetition: int) -> str:
    """The fragment of a case: its id, as far as HTML lets an id be one; a repetition has `~2`."""
    fragment = "".join(char for char in short(case_id, 400) if not char.isspace())
    return fragment + (f"~{repetition}" if repetition > 1 else "")


def _fill_wire(row: _Row, wire: Sequence[Mapping[str, Any]], budget: int) -> int:
    """Give the row its wire log as far as the budget goes; the characters it takes."""
    shown, cost = wire_rows(wire, _ENTRIES, _OCTETS.get(row.standing, _OCTETS_OF_FINDINGS))
    if cost > budget:
        shown, cost = [], 0
    row.wire = shown
    row.entries_left_out = len(wire) - len(shown)
    return cost


def wire_rows(
    wire: Sequence[Mapping[str, Any]], entries: int, octets: int
) -> tuple[list[_WireRow], int]:
    """The first entries of a wire log, ready to be shown, and about how much they take."""
    shown = [_wire_row(entry, octets) for entry in wire[:entries]]
    return shown, sum(_ENTRY_MARKUP + len(entry.text) + len(entry.octets) for entry in shown)


def _wire_row(entry: Mapping[str, Any], octets: int) -> _WireRow:
    return _WireRow(
        ms=f"{entry['ns'] / 1e6:.1f}",
        connection=int(entry["connection"]),
        direction=short(entry["direction"], 20),
        arrow=ARROWS.get(entry["direction"], "?"),
        text=short(entry["text"], 500),
        octets=spaced_hex(entry["octets"], octets),
        left_out=octets_left_out(entry, octets),
    )
