"""The report as Markdown that fits a CI step summary: never more than 64 KiB."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sockproof.render.conformance.causes import Group, answer
from sockproof.render.conformance.summary import (
    Case,
    coverage,
    groups,
    page_of,
    proposal,
    remarks,
    seen,
    verdict,
)
from sockproof.render.markdown_page import SIGNS, Page, code, escape
from sockproof.render.text import last_wire_lines, number, short
from sockproof.runs.records import OUTCOMES, count_outcomes

_ROWS = 60
_IDS = 4  # cases that a fault or a reason names


def _pre(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def render(report: Mapping[str, Any]) -> str:
    """The Markdown of a report: at most 64 KiB of UTF-8."""
    told = answer(report)
    page = Page()
    page.add(_top(report))
    page.add(_table(report))
    page.add(_coverage(report))
    _stale(page, report)
    _faults(page, "Unexpected", told.faults, report)
    _faults(page, "Notes, not counted", told.remarks, report)
    _reasons(page, "Known deviations", told.known)
    _reasons(page, "Set aside, not counted", told.aside)
    _reasons(page, "Inconclusive or unsupported", told.unjudged)
    _seen(page, report)
    return page.text()


def _top(report: Mapping[str, Any]) -> str:
    found = verdict(report)
    told = [f"## {SIGNS[found.tone]} {escape(found.sentence, 600)}", ""]
    target = code(report["target"])
    if report.get("server"):
        target += f", identifies as {code(report['server'])}"
    told += [f"Target: {target}<br>"]
    told += [
        f"{number(len(report['cases']), 'case')} in {report['seconds']:.1f} s, "
        f"sockproof {escape(report['sockproof'], 40)}, {escape(report['started'], 40)}"
    ]
    more = [*found.notes, *remarks(report)[:_ROWS]]
    if more:
        told += ["", *(f"* {escape(note)}" for note in more)]
    if advice := proposal(report):
        told += ["", f"**{escape(advice)}**"]
    return "\n".join([*told, ""])


def _table(report: Mapping[str, Any]) -> str:
    """Outcomes by suite; by suite and file would not fit beside the failures."""
    cases: dict[str, list[Case]] = {}
    for (suite, _), group in groups(report["cases"]).items():
        cases.setdefault(suite, []).extend(group)
    suites = {suite: count_outcomes(each) for suite, each in cases.items()}
    told = [
        f"| suite | {' | '.join(outcome.replace('_', '-') for outcome in OUTCOMES)} |",
        "|---|" + "--:|" * len(OUTCOMES),
    ]
    for suite, row in list(suites.items())[:_ROWS]:
        told.append(f"| {escape(suite, 60)} | {' | '.join(str(row[o]) for o in OUTCOMES)} |")
    totals = " | ".join(f"**{report['counts'].get(outcome, 0)}**" for outcome in OUTCOMES)
    return "\n".join([*told, f"| **all** | {totals} |", ""])


def _coverage(report: Mapping[str, Any]) -> str:
    documents = coverage(report)[:_ROWS]
    if not documents:
        return ""
    told = [
        f"{escape(part.document, 80)} {len(part.with_case)} of {part.total}" for part in documents
    ]
    return f"Requirements with a case: {'; '.join(told)}.\n"


def _stale(page: Page, report: Mapping[str, Any]) -> None:
    stale = report.get("stale_expectations") or []
    if stale:
        page.add("### Expectations that no longer hold\n")
        page.add_all(
            (
                f"* {code(item.get('case'))} in {code(item.get('file'))}: "
                f"{escape(item.get('reason'))}"
                for item in stale[:_ROWS]
            ),
            "* … and {number} more",
        )
        page.add("")


def _faults(page: Page, title: str, groups: list[Group], report: Mapping[str, Any]) -> None:
    if not groups:
        return
    page.add(f"### {title}\n")
    page.add_all(
        (_fault(group, report) for group in groups),
        "\n… and {number} more, which the HTML and JSON reports show.\n",
    )


def _fault(group: Group, report: Mapping[str, Any]) -> str:
    case = group.first
    about = (report.get("requirements") or {}).get(case["requirement"]) or {}
    told = [
        f"expected  {short(case['expected'], 1000)}",
        f"got       {short(case['got'], 1000)}",
        "",
        *last_wire_lines(case, 8, 120),
        "",
        f"repeat    {short(case['rerun'], 600)}",
    ]
    fix = f"Usual fix: {escape(about['fix'], 1000)}\n\n" if about.get("fix") else ""
    if address := page_of(report, case["requirement"]):
        fix += f"[About this requirement]({address})\n\n"
    source = f" ({escape(group.source, 200)})" if group.source else ""
    # A blank line ends neither a <pre> nor what it holds; the text is free of markup by then.
    return (
        f"<details><summary>{escape(group.outcome, 40)} {escape(group.says)}{source}: "
        f"{group.count}</summary>\n\n"
        f"{_ids(group)}\n\n{fix}<pre>{_pre(chr(10).join(told))}</pre>\n\n</details>\n"
    )


def _ids(group: Group) -> str:
    shown = ", ".join(code(case["id"]) for case in group.cases[:_IDS])
    return shown + (f" and {len(group.cases) - _IDS} more" if len(group.cases) > _IDS else "")


def _reasons(page: Page, title: str, groups: list[Group]) -> None:
    if groups:
        page.add(f"### {title}\n")
        page.add_all((_reason(group) for group in groups), "* … and {number} more")
        page.add("")


def _reason(group: Group) -> str:
    helps = f"; helps: {escape(group.helps)}" if group.helps else ""
    outcome = f" {escape(group.outcome, 40)}" if group.outcome else ""
    source = f" ({escape(group.source)})" if group.source else ""
    return f"* {group.count}{outcome}: {escape(group.says)}{source}{helps} <br>{_ids(group)}"


def _seen(page: Page, report: Mapping[str, Any]) -> None:
    if notes := seen(report):
        page.add("### Observed limits and choices\n")
        page.add_all((f"* {escape(note)}" for note in notes), "* … and {number} more")
