"""What programs read of the results: one JSON, a badge for each server and suite, feeds."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sockproof.render.site.servers import (
    CLIENTS,
    SERVERS,
    Change,
    History,
    Requirement,
    Step,
)
from sockproof.render.text import number, short

SCHEMA = 1
_ATOM = "http://www.w3.org/2005/Atom"
_ENTRIES = 100
_TOLD = 20  # changes that an entry names
_COLOURS = {"FAIL": "red", "NON_STRICT": "yellow", "PASS": "brightgreen", "": "lightgrey"}


def results(
    servers: Sequence[History], requirements: Mapping[str, Requirement], sockproof: str
) -> dict[str, Any]:
    """What `sockproof schema site` describes."""
    return {
        "schema": SCHEMA,
        "kind": "site",
        "sockproof": sockproof,
        "updated": updated(servers),
        "requirements": {
            name: {"document": each.document, "section": each.section, "level": each.level}
            for name, each in requirements.items()
        },
        **{of: [_entry_of(each) for each in servers if each.of == of] for of in (SERVERS, CLIENTS)},
    }


def _entry_of(each: History) -> dict[str, Any]:
    return {
        "name": each.name,
        "title": each.now.title,
        "kind": each.now.kind,
        "page": f"{each.page}.html",
        "versions": [
            {"title": run.title, "started": run.started, "counts": run.counts}
            for run in each.versions
        ],
        "requirements": {name: _standing(each, name) for name in each.now.standings},
    }


def badge_name(server: History, suite: str) -> str:
    """The name of a badge's file, without its suffix."""
    return f"{server.name}-{'client-' if server.of == CLIENTS else ''}{suite}"


def updated(servers: Sequence[History]) -> str:
    """When the latest run started."""
    return max(run.started for each in servers for run in each.versions)


def _standing(server: History, name: str) -> dict[str, Any]:
    standing = server.now.standings[name]
    first, changed = server.since(name)
    return {
        "outcome": standing.outcome,
        "since": first.title,
        "changed": changed,
        "cases": [each.case for each in standing.deviating],
    }


def badges(server: History, requirements: Mapping[str, Requirement]) -> dict[str, dict[str, Any]]:
    """The badge of each suite, as shields.io reads it from an address (its endpoint badge)."""
    suites = {suite for name in server.now.standings for suite in requirements[name].suites}
    made = {}
    for suite in sorted(suites):
        outcomes = [
            standing.outcome
            for name, standing in server.now.standings.items()
            if suite in requirements[name].suites
        ]
        judged = [each for each in outcomes if each in ("PASS", "NON_STRICT", "FAIL")]
        kept = len(judged) - judged.count("FAIL")
        worst = next((each for each in ("FAIL", "NON_STRICT", "PASS") if each in judged), "")
        made[suite] = {
            "schemaVersion": 1,
            "label": suite,
            "message": f"{kept} of {len(judged)}" if judged else "inconclusive",
            "color": _COLOURS[worst],
        }
    return made


def feed(steps: Iterable[Step], title: str, name: str, latest: str) -> str:
    """Changes as Atom, the latest first; `name` is the feed's own file."""
    root = ET.Element("feed", xmlns=_ATOM)
    ET.SubElement(root, "title").text = title
    ET.SubElement(root, "id").text = f"urn:sockproof:{name}"
    ET.SubElement(root, "updated").text = latest
    ET.SubElement(ET.SubElement(root, "author"), "name").text = "sockproof"
    ET.SubElement(root, "link", rel="self", href=name.rpartition("/")[2])
    up = "../" if "/" in name else ""
    ordered = sorted(steps, key=lambda each: each.after.started, reverse=True)
    for step in ordered[:_ENTRIES]:
        _entry(root, step, up)
    ET.indent(root, " ")
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, "unicode") + "\n"


def _entry(root: ET.Element, step: Step, up: str) -> None:
    entry = ET.SubElement(root, "entry")
    ET.SubElement(entry, "title").text = f"{short(step.after.title, 200)}: {said(step.changes)}"
    ET.SubElement(
        entry, "id"
    ).text = f"urn:sockproof:{step.page.removeprefix('servers/')}:{short(step.after.started, 40)}"
    ET.SubElement(entry, "updated").text = short(step.after.started, 40)
    ET.SubElement(entry, "link", href=f"{up}{step.page}.html")
    told = [f"{each.requirement}: {each.before} → {each.after}" for each in step.changes[:_TOLD]]
    if len(step.changes) > _TOLD:
        told.append(f"and {len(step.changes) - _TOLD} more")
    content = f"since {short(step.before.title, 200)}:\n" + short_lines(told)
    ET.SubElement(entry, "content", type="text").text = content


def short_lines(told: Iterable[str]) -> str:
    """Lines that are fit to be looked at."""
    return "\n".join(short(each, 300) for each in told)


def said(changes: Sequence[Change]) -> str:
    """How many requirements a step breaks, fixes, or changes otherwise."""
    worse = sum(each.after == "FAIL" for each in changes)
    better = sum(each.before == "FAIL" for each in changes)
    other = len(changes) - worse - better
    parts = [
        f"{number(count, 'requirement')} {what}"
        for count, what in ((worse, "now broken"), (better, "fixed"), (other, "otherwise changed"))
        if count
    ]
    return ", ".join(parts)
