"""A page for each suite: its files, and the sentences that they check."""

from __future__ import annotations

import ast

from docs.site.catalogue import cases, deviations
from docs.site.markdown import code, literal, table

from sockproof.conformance.shelf.case import Case
from sockproof.render.text import number
from sockproof.shelves import shelf
from sockproof.vocabulary import SUITES, Suite

ABOUT = {
    Suite.WEBSOCKET: "The WebSocket protocol (RFC 6455): handshake, frames, messages, closing.",
    Suite.DEFLATE: "Compression of messages (RFC 7692), and the cases of `websocket` again, each"
    " with all that it sends compressed.",
    Suite.ENGINEIO: "Engine.IO, revision 4: long-polling, WebSocket, the change between them.",
    Suite.SOCKETIO: "Socket.IO, revision 5: packets, namespaces, acknowledgements, attachments.",
    Suite.ROOMS: "Who receives what, and how often: see [Rooms](../docs/rooms.md).",
    Suite.CLIENTS: "The clients that people use, against your server; runs when it is named.",
    Suite.ABUSE: "Floods, bombs and slow clients; runs when it is named, on servers of your own.",
}


def pages() -> dict[str, str]:
    """All of them, by their place."""
    listed = "\n".join(SUITES)
    rows = [(f"[{suite}]({suite}.md)", *_counts(suite), ABOUT[Suite(suite)]) for suite in SUITES]
    index = (
        "# Suites\n\n"
        + table(("suite", "cases", "requirements", "about"), rows)
        + f"\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n"
    )
    return {"suites/index.md": index} | {f"suites/{each}.md": _page(each) for each in SUITES}


def _counts(suite: str) -> tuple[str, str]:
    found = [case for case in cases() if case.suite == suite]
    return str(len(found)), str(len({case.requirement for case in found}))


def _page(suite: str) -> str:
    files: dict[str, dict[str, list[Case]]] = {}
    for case in cases():
        if case.suite == suite and not (case.offer and _is_twin(case)):
            name = case.id.partition("[")[0]
            files.setdefault(name.split("/")[1], {}).setdefault(name, []).append(case)
    told = [f"# {suite}\n", ABOUT[Suite(suite)] + "\n", *_known(suite)]
    for file, functions in files.items():
        told += [f"## {literal(file.replace('_', ' '))}\n", literal(_docstring(suite, file)) + "\n"]
        for name, variants in functions.items():
            first = variants[0]
            many = f", {number(len(variants), 'variant')}" if len(variants) > 1 else ""
            sentence = literal(name.rpartition("/")[2].replace("_", " "))
            link = f"[{first.requirement}](../requirements/{first.requirement}.md)"
            told.append(f"* {sentence}{many}: {link}")
        told.append("")
    return "\n".join(told)


def _is_twin(case: Case) -> bool:
    """Whether its code stands in the suite `websocket`."""
    _, file, _ = case.id.partition("[")[0].split("/")
    return not (shelf("conformance") / case.suite / f"{file}.py").exists()


def _docstring(suite: str, file: str) -> str:
    path = shelf("conformance") / suite / f"{file}.py"
    told = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(told.partition("\n\n")[0].split())


def _known(suite: str) -> list[str]:
    """How many deviations of it each bundled server is known for."""
    counted: dict[str, int] = {}
    for each in deviations():
        named = sum(case.suite == suite for case in each.cases)
        if named and each.expectation.outcome == "FAIL":
            counted[each.target.title] = counted.get(each.target.title, 0) + named
    if not counted:
        return []
    rows = sorted(counted.items(), key=lambda item: -item[1])
    return [
        "## Known faults of bundled servers\n",
        table(("server", "cases that fail"), ((literal(n), str(c)) for n, c in rows)),
        f"{code('sockproof target')} lists the servers; the page of each requirement has the"
        " reasons.\n",
    ]
