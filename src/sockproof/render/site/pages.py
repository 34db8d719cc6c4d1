"""The pages of results: the table of all servers, and one for each with its evidence.

All that a server sent, and all that stands in a stored run, is escaped and made visible; a content
security policy in each page lets its own script run, by its hash, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sockproof.render.conformance.html import wire_rows
from sockproof.render.html_page import environment
from sockproof.render.site.data import badge_name, badges, said, updated
from sockproof.render.site.servers import CLIENTS, SERVERS, History, Requirement, Version
from sockproof.render.text import sentence, short
from sockproof.runs.records import OUTCOMES
from sockproof.vocabulary import DOCS_URL, Suite

WIRE_BUDGET = 3 * 1024 * 1024  # characters of all wire logs of one page, markup included
_ENTRIES, _OCTETS = 30, 32
_CASES = 5  # of a requirement, whose evidence is shown
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,200}")
Case = Mapping[str, Any]


def index(
    servers: Sequence[History],
    requirements: Mapping[str, Requirement],
    template: Path,
    docs_url: str | None,
    sockproof: str,
) -> str:
    """The first page: a table for each kind of server and of client library that was run, and one
    of real clients and the servers that they were run against."""
    carried = {name for name, each in requirements.items() if each.suites == {Suite.CLIENTS.value}}
    rest = set(requirements) - carried
    of = {each: [one for one in servers if one.of == each] for each in (SERVERS, CLIENTS)}
    tables = [
        _table("websocket", "WebSocket servers", of[SERVERS], rest, requirements, docs_url),
        _table("socketio", "Socket.IO servers", of[SERVERS], rest, requirements, docs_url),
        _table("", "Clients, and the servers they were run against", of[SERVERS], carried,
               requirements, docs_url),
        _table("websocket", "WebSocket clients", of[CLIENTS], rest, requirements, docs_url),
        _table("socketio", "Socket.IO clients", of[CLIENTS], rest, requirements, docs_url),
    ]  # fmt: skip
    steps = [step for each in servers for step in each.steps()]
    steps.sort(key=lambda step: step.after.started, reverse=True)
    return (
        environment(template)
        .get_template(template.name)
        .render(
            tables=[each for each in tables if each["rows"]],
            has_clients=bool(of[CLIENTS]),
            steps=[
                {
                    "page": each.page,
                    "title": short(each.after.title, 200),
                    "before": short(each.before.title, 200),
                    "said": said(each.changes),
                    "on": _day(each.after),
                }
                for each in steps[:20]
            ],
            updated=short(updated(servers), 40)[:16].replace("T", " "),
            sockproof=short(sockproof, 40),
        )
    )


def server(
    history: History,
    requirements: Mapping[str, Requirement],
    evidence: Callable[[str], Case | None],
    template: Path,
    docs_url: str | None,
    sockproof: str,
) -> str:
    """A server's own page; `evidence` gives a case of its last run with its wire log."""
    budget = WIRE_BUDGET
    deviations = []
    for name, standing in history.now.standings.items():
        if standing.outcome == "PASS":
            continue
        first, changed = history.since(name)
        cases = []
        for each in standing.deviating[:_CASES]:
            case = evidence(each.case) or {}
            wire, cost = wire_rows(case.get("wire") or [], _ENTRIES, _OCTETS)
            if cost > budget:
                wire, cost = [], 0
            budget -= cost
            cases.append(
                {
                    "case": short(each.case, 400),
                    "title": sentence(each.case),
                    "outcome": each.outcome,
                    "expected": short(each.expected, 1000),
                    "got": short(each.got, 1000),
                    "reason": short(each.reason, 1000),
                    "rerun": short(case.get("rerun"), 1000),
                    "wire": wire,
                }
            )
        deviations.append(
            _requirement(requirements[name], docs_url)
            | {
                "outcome": standing.outcome,
                "known": standing.known,
                "since": short(first.title, 200),
                "changed": changed,
                "cases": cases,
                "more": max(len(standing.deviating) - _CASES, 0),
            }
        )
    order = ("FAIL", "INCONCLUSIVE", "NON_STRICT", "UNSUPPORTED")
    deviations.sort(key=lambda each: (order.index(each["outcome"]), each["level"] != "MUST"))
    return (
        environment(template)
        .get_template(template.name)
        .render(
            name=history.name,
            title=short(history.now.title, 200),
            deviations=deviations,
            versions=[
                {"title": short(each.title, 200), "on": _day(each), "counts": _counts(each)}
                for each in reversed(history.versions)
            ],
            steps=[
                {
                    "title": short(each.after.title, 200),
                    "said": said(each.changes),
                    "changes": [
                        (short(change.requirement, 200), change.before, change.after)
                        for change in each.changes
                    ],
                    "on": _day(each.after),
                }
                for each in history.steps()
            ],
            badges=[
                {"suite": suite, "message": badge["message"], "file": badge_name(history, suite)}
                for suite, badge in badges(history, requirements).items()
            ],
            sockproof=short(sockproof, 40),
        )
    )


def _table(
    kind: str,
    title: str,
    servers: Sequence[History],
    names: set[str],
    requirements: Mapping[str, Requirement],
    docs_url: str | None,
) -> dict[str, Any]:
    """Of the servers of a kind, or of all, those that have any of the requirements."""
    columns = [
        each
        for each in servers
        if (not kind or each.now.kind == kind) and names & set(each.now.standings)
    ]
    rows = []
    for name, about in requirements.items():
        cells = [_cell(each, name) for each in columns] if name in names else []
        if not any(cells):
            continue
        outcomes = {cell["outcome"] for cell in cells if cell}
        rows.append(
            _requirement(about, docs_url)
            | {
                "cells": cells,
                "fails": "FAIL" in outcomes,
                "deviates": bool(outcomes & {"FAIL", "NON_STRICT", "INCONCLUSIVE"}),
                "suites": " ".join(sorted(about.suites)),
            }
        )
    suites = sorted({suite for row in rows for suite in row["suites"].split()})
    return {
        "kind": f"{kind}-clients" if title.endswith(" clients") else kind or "clients",
        "title": title,
        "columns": [
            {"page": each.page, "title": short(each.now.title, 200), "counts": _counts(each.now)}
            for each in columns
        ],
        "rows": rows,
        "suites": suites,
        "levels": [
            level
            for level in ("MUST", "DESCRIBED", "SHOULD", "MAY")
            if any(row["level"] == level for row in rows)
        ],
    }


def _cell(history: History, name: str) -> dict[str, Any] | None:
    standing = history.now.standings.get(name)
    if standing is None:
        return None
    return {
        "outcome": standing.outcome,
        "standing": "known" if standing.outcome == "FAIL" and standing.known else "",
        "page": history.page,
        "title": short(history.now.title, 100),
    }


def _requirement(about: Requirement, docs_url: str | None) -> dict[str, Any]:
    is_name = _NAME.fullmatch(about.id) is not None
    is_linked = docs_url is not None and re.fullmatch(DOCS_URL, docs_url) and is_name
    where = f"{short(about.document, 100)}, {short(about.section, 100)}".strip(", ")
    return {
        "id": short(about.id, 200),
        "where": where,
        "level": about.level,
        "page": f"{str(docs_url).rstrip('/')}/requirements/{about.id}.html" if is_linked else "",
    }


def _counts(version: Version) -> dict[str, int]:
    """How many requirements have each outcome."""
    found = dict.fromkeys(OUTCOMES, 0)
    for standing in version.standings.values():
        found[standing.outcome] += 1
    return found


def _day(version: Version) -> str:
    return short(version.started, 40)[:10]
