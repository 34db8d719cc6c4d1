"""A page for each requirement, one for each chapter of the catalogue, and their index."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from docs.site.catalogue import (
    Deviation,
    cases_of,
    deviations_of,
    requirements,
    violations,
)
from docs.site.markdown import code, literal, prose, table

from sockproof.conformance.shelf.case import Case
from sockproof.conformance.shelf.requirements import Requirement
from sockproof.formats.reading import read_table
from sockproof.formats.tables import RequirementsFile
from sockproof.render.text import ARROWS, number, short, spaced_hex
from sockproof.shelves import shelf
from sockproof.vocabulary import SOCKETIO_SUITES, Suite

# Sentences and ids are found by the chapters: an index of all pages would take as long as these.
ORPHAN = "---\norphan: true\nno-search: true\n---\n"
_RFC = re.compile(r"\d+(\.\d+)*")
_CASES = 12  # functions that a page lists
_LEVELS = {
    "MUST": "MUST, as the standard says",
    "SHOULD": "SHOULD: a {who} that differs is not wrong, and `--strict` counts it",
    "MAY": "MAY: reported for information",
    "DESCRIBED": "DESCRIBED: the document fixes it without such a word",
}


def pages() -> dict[str, str]:
    """All of them, by their place."""
    found = {f"requirements/{each.id}.md": _page(each) for each in requirements().values()}
    for path in _files():
        found[f"requirements/chapters/{path.stem}.md"] = chapter_text(path)
    return found | {"requirements/index.md": _index()}


@cache
def _files() -> tuple[Path, ...]:
    return tuple(sorted((shelf("conformance") / "requirements").glob("*.toml")))


@cache
def read(path: Path) -> RequirementsFile:
    """A file of a catalogue."""
    return read_table(path, RequirementsFile)


@cache
def _chapter_of() -> dict[str, Path]:
    """The file that each requirement stands in."""
    return {entry.id: path for path in _files() for entry in read(path).requirement}


def chapter_title(path: Path) -> str:
    """What a chapter is called, after its file."""
    file = read(path)
    words = re.sub(r"^(rfc\d+|engineio|socketio|rooms|clients)-?", "", path.stem)
    chapter, _, rest = words.partition("-")
    if path.parent.name == "pairs":
        return f"Pairs, {file.document}"
    told = f"{chapter}, {rest.replace('-', ' ')}" if chapter.isdigit() else words.replace("-", " ")
    return f"{file.document}: {told}" if told else file.document


# One requirement.


def _page(each: Requirement) -> str:
    path = _chapter_of()[each.id]
    parts = [
        ORPHAN,
        f"# {each.id}\n",
        f"[Requirements](index.md) › [{literal(chapter_title(path))}](chapters/{path.stem}.md)\n",
        f"> {prose(each.text)}\n",
        facts(each),
        *_looks(each),
        *_violators(each),
        *_fixed(each),
        *_cases(each),
    ]
    return "\n".join(parts)


def facts(each: Requirement, who: str = "server") -> str:
    """What is to be known of a requirement, a line each; `who` is bound by it."""
    rows = [("Document", _where(each)), ("Level", _LEVELS[each.level].format(who=who))]
    if each.broken:
        both = "A client and a server that break it"
        rows.append((both if who == "pair" else f"A {who} that breaks it", literal(each.broken)))
    if each.harms:
        rows.append(("Harm", "messages are lost or changed"))
    if each.requires:
        linked = ", ".join(f"[{name}]({name}.md)" for name in each.requires)
        rows.append(("Requires", f"{linked}; where one of these is broken, this follows from it"))
    if each.untestable:
        rows.append(("Not tested", literal(each.untestable)))
    return "\n".join(f"* **{name}**: {value}" for name, value in rows) + "\n"


def _where(each: Requirement) -> str:
    told = literal(f"{each.document}, {each.section}")
    document, _, rfc = each.document.partition("RFC ")
    if not document and rfc and _RFC.fullmatch(each.section):
        return f"[{told}](https://www.rfc-editor.org/rfc/rfc{rfc}#section-{each.section})"
    if each.document == "Rooms":
        return f"[{told}](../docs/rooms.md)"
    return told


def _looks(each: Requirement) -> list[str]:
    shown = violations().get(each.id)
    if shown is None:
        return []
    told = [
        "## What a violation looks like\n",
        f"The case {code(shown['case'])} on a correct server with one fault: "
        f"{literal(shown['fault'])}\n",
    ]
    half = len(shown["wire"]) // 2 if shown["left_out"] else None
    lines = []
    for at, (connection, direction, octets, length, text) in enumerate(shown["wire"]):
        if at == half:
            lines.append(f"… {number(shown['left_out'], 'line')} more …")
        cut = " …" if length > len(octets) // 2 else ""
        lines.append(f"#{connection} {ARROWS[direction]} {short(text, 160)}")
        lines.append(f"     {spaced_hex(octets)}{cut}")
    told.append("```text\n" + "\n".join(lines) + "\n```\n")
    verdict = [("Expected", shown["expected"]), ("Got", shown["got"])]
    told += [f"**{name}:** {literal(value, 400)}\n" for name, value in verdict if value]
    return told


def _violators(each: Requirement) -> list[str]:
    found = deviations_of().get(each.id, [])
    if not found:
        return []
    told = ["## Known servers that violate it, or are lax\n"]
    for deviation in _distinct(found):
        known = deviation.expectation
        seen = f", seen in {literal(known.version)}" if known.version else ""
        told.append(
            f"* **{literal(deviation.target.title)}**: {known.outcome.replace('_', '-')}{seen}."
            f" {prose(known.reason)}"
        )
    return [*told, ""]


def _distinct(found: Iterable[Deviation]) -> list[Deviation]:
    """One for each server and reason."""
    return list({(each.target.name, each.expectation.reason): each for each in found}.values())


def _fixed(each: Requirement) -> list[str]:
    return ["## How it is usually fixed\n", prose(each.fix) + "\n"] if each.fix else []


def case_list(cases: Iterable[Case]) -> list[str]:
    """The functions of these cases, a line each, below their heading."""
    functions: dict[str, list[Case]] = {}
    for case in cases:
        functions.setdefault(case.id.partition("[")[0], []).append(case)
    told = ["## Cases\n"]
    for name, variants in list(functions.items())[:_CASES]:
        many = f", {number(len(variants), 'variant')}" if len(variants) > 1 else ""
        needs = ", ".join(sorted(variants[0].needs))
        told.append(f"* {code(name)}{many}" + (f" (needs {literal(needs)})" if needs else ""))
    if len(functions) > _CASES:
        told.append(f"* and {len(functions) - _CASES} more")
    return told


def _cases(each: Requirement) -> list[str]:
    cases = cases_of().get(each.id, [])
    if not cases:
        return []
    first = cases[0]
    socketio = first.suite in SOCKETIO_SUITES or not first.requirement.startswith(("rfc", "cli"))
    url = "http://127.0.0.1:5000/" if socketio else "ws://127.0.0.1:8765/"
    glob = first.id.partition("[")[0] + "*"
    suite = f" --suite {first.suite}" if first.suite in (Suite.ABUSE, Suite.CLIENTS) else ""
    command = f"sockproof conformance {url}{suite} --case '{glob}'"
    return [*case_list(cases), f"\n```\n{command}\n```\n"]


# Chapters and index.


def chapter_text(path: Path) -> str:
    """The page of a chapter, in a folder below those of its requirements."""
    file = read(path)
    rows = [
        f"* [{entry.id}](../{entry.id}.md) ({literal(entry.section)}, {entry.level}):"
        f" {prose(entry.text)}"
        for entry in file.requirement
    ]
    return (
        f"# {literal(chapter_title(path))}\n\n{prose(_about(path))}\n\n"
        f"{number(len(rows), 'requirement')} of {literal(file.title)}.\n\n" + "\n".join(rows) + "\n"
    )


def _about(path: Path) -> str:
    """The comment that a file begins with."""
    told = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        told.append(line.lstrip("# "))
    sentences = re.split(r"(?<=\.)\s+(?=[A-Z])", " ".join(told))
    return " ".join(each for each in sentences if ".toml" not in each)


def _index() -> str:
    rows = []
    for path in _files():
        entries = read(path).requirement
        tested = sum(entry.id in cases_of() for entry in entries)
        link = f"[{literal(chapter_title(path))}](chapters/{path.stem}.md)"
        rows.append((link, str(len(entries)), str(tested)))
    listed = "\n".join(f"chapters/{path.stem}" for path in _files())
    return (
        "# Requirements\n\n"
        "What sockproof checks, sentence by sentence, in our words. Each has a page with its cases,"
        " an example of a violation, the well-known servers that have it, and how it is usually"
        " fixed.\n\n"
        + table(("chapter", "requirements", "with a case"), rows)
        + f"\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n"
    )
