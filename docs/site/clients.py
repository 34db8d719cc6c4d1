"""What binds clients: a page for each requirement, one for each chapter, and their index."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from docs.site.markdown import literal, prose, table
from docs.site.requirements import ORPHAN, case_list, chapter_text, chapter_title, facts, read

from sockproof.clients.run import SUITES
from sockproof.conformance.shelf.case import Case, load_cases
from sockproof.conformance.shelf.requirements import Requirement, load_requirements
from sockproof.shelves import shelf

FOLDER = "requirements/clients"  # of the chapters; a requirement's page stands beside servers'


def pages() -> dict[str, str]:
    """All of them, by their place."""
    found = {f"requirements/{each.id}.md": _page(each) for each in requirements().values()}
    for path in _files():
        found[f"{FOLDER}/{path.stem}.md"] = chapter_text(path)
    return found | {f"{FOLDER}/index.md": _index()}


@cache
def requirements() -> dict[str, Requirement]:
    """The catalogue of what binds clients, by id."""
    return load_requirements(shelf("client_cases") / "requirements")


@cache
def cases_of() -> dict[str, list[Case]]:
    """The cases of each requirement."""
    found: dict[str, list[Case]] = {}
    for case in load_cases(shelf("client_cases"), SUITES):
        found.setdefault(case.requirement, []).append(case)
    return found


@cache
def _files() -> tuple[Path, ...]:
    return tuple(sorted((shelf("client_cases") / "requirements").glob("*.toml")))


@cache
def _chapter_of() -> dict[str, Path]:
    return {entry.id: path for path in _files() for entry in read(path).requirement}


def _page(each: Requirement) -> str:
    path = _chapter_of()[each.id]
    mended = ["## How it is usually mended\n", prose(each.mend) + "\n"] if each.mend else []
    return "\n".join(
        [
            ORPHAN,
            f"# {each.id}\n",
            f"[Requirements of clients](clients/index.md) › "
            f"[{literal(chapter_title(path))}](clients/{path.stem}.md)\n",
            f"> {prose(each.text)}\n",
            facts(each, "client"),
            *mended,
            *_cases(each),
        ]
    )


def _cases(each: Requirement) -> list[str]:
    cases = cases_of().get(each.id, [])
    if not cases:
        return []
    glob = cases[0].id.partition("[")[0] + "*"
    command = f"sockproof clients --run 'python my_driver.py' --case '{glob}'"
    return [*case_list(cases), f"\n```\n{command}\n```\n"]


def _index() -> str:
    rows = []
    for path in _files():
        entries = read(path).requirement
        tested = sum(entry.id in cases_of() for entry in entries)
        link = f"[{literal(chapter_title(path))}]({path.stem}.md)"
        rows.append((link, str(len(entries)), str(tested)))
    listed = "\n".join(path.stem for path in _files())
    return (
        "# Requirements of clients\n\n"
        "What `sockproof clients` checks, sentence by sentence, in our words:"
        " see [Checking a client library](../../docs/clients.md).\n\n"
        + table(("chapter", "requirements", "with a case"), rows)
        + f"\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n"
    )
