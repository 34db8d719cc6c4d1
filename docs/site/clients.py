"""What binds clients, alone and in pairs with servers: a page for each requirement and chapter."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from docs.site.markdown import literal, prose, table
from docs.site.requirements import ORPHAN, case_list, chapter_text, chapter_title, facts, read

from sockproof.api.pairs import KINDS, ROLE
from sockproof.clients.run import SUITES
from sockproof.conformance.shelf.case import Case, load_cases
from sockproof.conformance.shelf.requirements import Requirement, load_requirements
from sockproof.shelves import shelf

PAIRS = "pairs"  # the folder of what a client and a server keep together
FOLDER = "requirements/clients"  # of the chapters; a requirement's page stands beside servers'


def pages() -> dict[str, str]:
    """All of them, by their place."""
    found = {f"requirements/{each.id}.md": _page(each) for each in requirements().values()}
    for path in _files():
        found[f"{FOLDER}/{_name(path)}.md"] = chapter_text(path)
    return found | {f"{FOLDER}/index.md": _index()}


@cache
def requirements() -> dict[str, Requirement]:
    """The catalogue of what binds clients, and pairs, by id."""
    folders = (shelf("client_cases") / each for each in ("requirements", PAIRS))
    return {name: each for folder in folders for name, each in load_requirements(folder).items()}


@cache
def cases_of() -> dict[str, list[Case]]:
    """The cases of each requirement."""
    found: dict[str, list[Case]] = {}
    for case in (
        *load_cases(shelf("client_cases"), SUITES),
        *load_cases(shelf("client_cases") / PAIRS, KINDS),
    ):
        found.setdefault(case.requirement, []).append(case)
    return found


@cache
def _files() -> tuple[Path, ...]:
    folder = shelf("client_cases")
    return (*sorted(folder.glob("requirements/*.toml")), *sorted(folder.glob(f"{PAIRS}/*.toml")))


def _name(path: Path) -> str:
    """The name of a chapter's page."""
    return f"{PAIRS}-{path.stem}" if path.parent.name == PAIRS else path.stem


@cache
def _chapter_of() -> dict[str, Path]:
    return {entry.id: path for path in _files() for entry in read(path).requirement}


def _page(each: Requirement) -> str:
    path = _chapter_of()[each.id]
    fixed = ["## How it is usually fixed\n", prose(each.fix) + "\n"] if each.fix else []
    return "\n".join(
        [
            ORPHAN,
            f"# {each.id}\n",
            f"[Requirements of clients](clients/index.md) › "
            f"[{literal(chapter_title(path))}](clients/{_name(path)}.md)\n",
            f"> {prose(each.text)}\n",
            facts(each, _who(each)),
            *fixed,
            *_cases(each),
        ]
    )


def _who(each: Requirement) -> str:
    """Who is bound by it."""
    if not each.id.startswith(ROLE):
        return "client"
    role = each.id.removeprefix(ROLE).partition("-")[0]
    return "pair" if role == "both" else role


def _cases(each: Requirement) -> list[str]:
    cases = cases_of().get(each.id, [])
    if not cases and each.id.startswith(ROLE):
        return ["## Cases\n", "Any case in which a client and a server meet can show it.\n"]
    if not cases:
        return []
    glob = cases[0].id.partition("[")[0] + "*"
    command = f"sockproof clients --run 'python my_driver.py' --case '{glob}'"
    if each.id.startswith(ROLE):  # the server stands in the place of the file
        suite, _, name = glob.split("/")
        command = f"sockproof matrix --pairs --case '{suite}/*/{name}'"
    return [*case_list(cases), f"\n```\n{command}\n```\n"]


def _index() -> str:
    rows = []
    for path in _files():
        entries = read(path).requirement
        tested = sum(entry.id in cases_of() for entry in entries)
        link = f"[{literal(chapter_title(path))}]({_name(path)}.md)"
        rows.append((link, str(len(entries)), str(tested)))
    listed = "\n".join(map(_name, _files()))
    return (
        "# Requirements of clients\n\n"
        "What `sockproof clients` checks, and `sockproof matrix --pairs` of clients together with"
        " servers, sentence by sentence, in our words:"
        " see [Checking a client library](../../docs/clients.md).\n\n"
        + table(("chapter", "requirements", "with a case"), rows)
        + f"\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n"
    )
