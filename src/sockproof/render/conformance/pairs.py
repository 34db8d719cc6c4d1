"""How clients and servers get on with each other: a table of servers and clients.

A case's id says which server it was about, `SUITE/SERVER/NAME`; the requirement that a record
accuses says whose fault it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sockproof.render.text import aligned, number, short
from sockproof.runs.records import cut

if TYPE_CHECKING:
    from sockproof.render.conformance.matrix import Column

TITLES = {"websocket": "WebSocket", "socketio": "Socket.IO"}
SIDES = {"client": "C", "server": "S", "both": "?"}
MOST_LINES = 20  # faults that the terminal tells, of each table,
_MOST = 200  # and the page


def side_of(requirement: str) -> str:
    """Whose fault it is that this requirement is broken: `client`, `server`, or `both`."""
    for side in ("client", "both", "server"):
        if requirement.startswith((f"pair-{side}-", f"{side}-")):
            return side
    return "server"


def tables(columns: Sequence[Column]) -> list[dict[str, Any]]:
    """The tables as JSON knows them, one for each kind of client."""
    kinds = dict.fromkeys(column.kind for column in columns)
    return [_table(kind, [each for each in columns if each.kind == kind]) for kind in kinds]


def _table(kind: str, columns: Sequence[Column]) -> dict[str, Any]:
    servers = list(
        dict.fromkeys(_server(case) for column in columns for case in column.report["cases"])
    )
    return {
        "kind": kind,
        "servers": sorted(servers),
        "clients": [column.name for column in columns],
        "cells": [[_cell(column, server) for column in columns] for server in sorted(servers)],
    }


def _server(case: Mapping[str, Any]) -> str:
    return str(case["id"]).split("/")[1]


def _cell(column: Column, server: str) -> dict[str, Any] | None:
    cases = [case for case in column.report["cases"] if _server(case) == server]
    if not cases:
        return None
    known = column.report.get("requirements") or {}
    notes = [note for case in cases for note in case.get("notes") or ()]
    agreed = (note.removeprefix("extension: ") for note in notes if note.startswith("extension: "))
    counted = [case for case in cases if case.get("aside") is None]
    judged = [case for case in counted if case["outcome"] in ("PASS", "NON_STRICT", "FAIL")]
    return {
        "passed": sum(case["outcome"] in ("PASS", "NON_STRICT") for case in judged),
        "cases": len(judged),
        "extension": next(agreed, "none"),
        "faults": [
            _fault(case, known.get(case["requirement"]) or {})
            for case in judged
            if case["outcome"] == "FAIL"
        ],
    }


def _fault(case: Mapping[str, Any], about: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "case": case["id"],
        "side": side_of(case["requirement"]),
        "document": about.get("document", ""),
        "section": about.get("section", ""),
        "got": cut(f"expected {case['expected']}; got {case['got']}", 1500),
    }


def _outcome(cell: Mapping[str, Any] | None) -> str:
    if cell is None or not cell["cases"]:
        return "UNSUPPORTED"
    return "FAIL" if cell["faults"] else "PASS"


def _text(cell: Mapping[str, Any] | None) -> str:
    """A cell in a few characters."""
    outcome = _outcome(cell)
    if cell is None or outcome == "UNSUPPORTED":
        return "–"
    if outcome == "PASS":
        return "✓⇄" if cell["extension"] != "none" else "✓"
    sides = dict.fromkeys(SIDES[fault["side"]] for fault in cell["faults"])
    return f"✕{''.join(sides)}"


def _told(fault: Mapping[str, Any]) -> str:
    whose = {"client": "the client's fault", "server": "the server's fault"}
    where = f"{fault['document']}, {fault['section']}" if fault["section"] else ""
    return ", ".join(each for each in (whose.get(fault["side"], "undecided"), where) if each)


def shown(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table as the page has it."""
    rows: list[dict[str, Any]] = []
    faults: list[dict[str, Any]] = []
    for server, cells in zip(table["servers"], table["cells"], strict=True):
        row = []
        for client, cell in zip(table["clients"], cells, strict=True):
            found = cell["faults"] if cell else []
            sections = dict.fromkeys(fault["section"] for fault in found if fault["section"])
            text = " ".join((_text(cell), *list(sections)[:2]))
            title = f"{client} with {server}: "
            title += f"{cell['passed']} of {cell['cases']}; {cell['extension']}" if cell else "–"
            row.append({"outcome": _outcome(cell), "text": text, "title": short(title, 400)})
            faults += _grouped(client, server, found)
        rows.append({"server": server, "cells": row})
    title = f"{TITLES.get(table['kind'], table['kind'])} servers and clients"
    clients = list(table["clients"])
    return {"title": title, "clients": clients, "rows": rows, "faults": faults[:_MOST]}


def _grouped(
    client: str, server: str, faults: Sequence[Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """What went wrong between the two, cases that say the same of it together."""
    groups: dict[tuple[str, str], list[str]] = {}
    for fault in faults:
        groups.setdefault((_told(fault), fault["got"]), []).append(fault["case"])
    for (told, got), cases in groups.items():
        more = f" and {number(len(cases) - 1, 'case')} more" if len(cases) > 1 else ""
        yield {
            "client": client,
            "server": server,
            "told": told,
            "case": short(cases[0].rpartition("/")[2], 300) + more,
            "got": short(got, 500),
        }


def table_lines(found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The tables for the terminal, with each fault below."""
    for table in found:
        clients = table["clients"]
        yield ""
        numbers = [str(number) for number in range(1, len(clients) + 1)]
        rows = [["", *numbers]]
        for server, cells in zip(table["servers"], table["cells"], strict=True):
            rows.append([server, *map(_text, cells)])
        yield from aligned(rows, {0})
        yield "  " + ", ".join(f"{n} {name}" for n, name in zip(numbers, clients, strict=True))
        yield "  ✓ all passed, ⇄ with compression; ✕ fault of C client, S server, ? undecided"
        page = shown(table)
        for fault in page["faults"][:MOST_LINES]:
            yield f"  {fault['client']} with {fault['server']}: {fault['told']}"
            yield f"    {fault['case']}: {fault['got'][:300]}"
        if len(page["faults"]) > MOST_LINES:
            yield f"  and {len(page['faults']) - MOST_LINES} more on the page"
