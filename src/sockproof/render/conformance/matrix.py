"""The matrix: what every case came to on every server, as JSON and as one HTML page.

Rows are cases by section, columns servers, or clients; WebSocket and Socket.IO have a table each. A
cell that deviates opens its evidence in the page itself; a PASS links to the server's report.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sockproof.render.conformance.html import anchor, wire_rows
from sockproof.render.conformance.pairs import shown, tables
from sockproof.render.conformance.summary import Case, groups, standing
from sockproof.render.html_page import environment
from sockproof.render.text import sentence, short
from sockproof.runs.records import OUTCOMES, cut

SCHEMA = 1
WIRE_BUDGET = 6 * 1024 * 1024  # characters of all wire logs of the page, markup included
_ENTRIES = 30
_OCTETS = 32
_OF = {"servers": "servers", "clients": "clients", "pairs": "clients"}
_DEVIATES = ("FAIL", "NON_STRICT", "INCONCLUSIVE")


@dataclass(frozen=True, slots=True)
class Column:
    """One server's or client's run; `href` is where its report stands, relative to the matrix."""

    name: str
    title: str
    kind: str
    href: str
    report: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A server that could not be judged here, and why, in one line."""

    name: str
    reason: str


def assemble(
    columns: Sequence[Column],
    skipped: Sequence[Skipped],
    sockproof: str,
    started: str,
    of: str = "servers",
) -> dict[str, Any]:
    """The matrix as JSON knows it: columns, rows, and in each row a cell or null per column.

    The columns are `of` servers, of clients, or of clients that met servers (`pairs`).
    """
    cases = [{case["id"]: case for case in column.report["cases"]} for column in columns]
    texts: dict[str, Any] = {}
    for column in columns:
        texts.update(column.report.get("requirements") or {})
    first: dict[str, Case] = {}
    for ran in cases:
        for case_id, case in ran.items():
            first.setdefault(case_id, case)
    rows = [
        _row(case, texts, [ran.get(case["id"]) for ran in cases])
        for group in groups(first.values()).values()
        for case in group
    ]
    return {
        "schema": SCHEMA,
        "kind": "matrix",
        "of": of,
        "sockproof": sockproof,
        "started": started,
        "columns": [_column(column) for column in columns],
        "skipped": [{"name": each.name, "reason": each.reason} for each in skipped],
        "pairs": tables(columns) if of == "pairs" else [],
        "rows": rows,
    }


def to_json(matrix: Mapping[str, Any]) -> str:
    """The matrix as the text of a JSON file, a row to a line."""
    head = {key: value for key, value in matrix.items() if key != "rows"}
    rows = ",\n".join("  " + json.dumps(row) for row in matrix["rows"])
    return json.dumps(head, indent=1)[:-2] + ',\n "rows": [\n' + rows + "\n ]\n}\n"


def _column(column: Column) -> dict[str, Any]:
    report = column.report
    return {
        "name": column.name,
        "title": short(column.title, 200),
        "kind": column.kind,
        "report": column.href,
        "seconds": report["seconds"],
        "exit_code": report["exit_code"],
        "interrupted": bool(report.get("interrupted")),
        "counts": {name: report["counts"].get(name, 0) for name in OUTCOMES},
        "stale_expectations": report.get("stale_expectations") or [],
    }


def _row(case: Case, texts: Mapping[str, Any], cells: Sequence[Case | None]) -> dict[str, Any]:
    about = texts.get(case["requirement"]) or {}
    return {
        "case": case["id"],
        "requirement": case["requirement"],
        "document": about.get("document", ""),
        "section": about.get("section", ""),
        "level": case["level"],
        "cells": [None if cell is None else _cell(cell) for cell in cells],
    }


def _cell(case: Case) -> dict[str, Any]:
    if case["outcome"] == "PASS":
        return {"outcome": "PASS", "standing": "rest"}
    known = case.get("expectation") or {}
    return {
        "outcome": case["outcome"],
        "standing": standing(case),
        "expected": cut(case["expected"], 1500),
        "got": cut(case["got"], 1500),
        "reason": known.get("reason"),
        "version": known.get("version"),
        "sometimes": bool(known.get("sometimes")),
        "aside": (case.get("aside") or {}).get("text"),
    }


def render(matrix: Mapping[str, Any], columns: Sequence[Column], template: Path) -> str:
    """The page of a matrix; `template` is `matrix.html.j2` of the reports shelf."""
    wires = _Wires({column.name: column.report for column in columns})
    tables = []
    for kind, title in (("websocket", "WebSocket"), ("socketio", "Socket.IO")):
        places = [at for at, each in enumerate(matrix["columns"]) if each["kind"] == kind]
        if places:
            tables.append(_table(matrix, places, kind, f"{title} {_OF[matrix['of']]}", wires))
    return (
        environment(template)
        .get_template(template.name)
        .render(
            tables=tables,
            pairs=[shown(table) for table in matrix["pairs"]],
            one=_OF[matrix["of"]].removesuffix("s"),
            sockproof=short(matrix["sockproof"], 40),
            started=short(matrix["started"], 40),
            skipped=matrix["skipped"],
            stale=[
                {"server": each["title"]} | {key: short(item.get(key), 500) for key in _STALE}
                for each in matrix["columns"]
                for item in each["stale_expectations"]
            ],
        )
    )


_STALE = ("case", "file", "expected", "outcome", "reason")


class _Wires:
    """Wire logs of the cells that deviate, as far as the page's budget goes."""

    def __init__(self, reports: Mapping[str, Mapping[str, Any]]) -> None:
        self._cases = {
            name: {case["id"]: case for case in report["cases"]} for name, report in reports.items()
        }
        self._budget = WIRE_BUDGET

    def of(self, column: str, case_id: str) -> tuple[list[Any], str]:
        """The lines to show, and the command that repeats the case."""
        case = self._cases[column][case_id]
        shown, cost = wire_rows(case["wire"], _ENTRIES, _OCTETS)
        if cost > self._budget:
            return [], case["rerun"]
        self._budget -= cost
        return shown, case["rerun"]


def _table(
    matrix: Mapping[str, Any], places: Sequence[int], kind: str, title: str, wires: _Wires
) -> dict[str, Any]:
    columns = [matrix["columns"][at] for at in places]
    rows = [row for row in matrix["rows"] if any(row["cells"][at] for at in places)]
    shown, evidence = [], []
    for number, row in enumerate(rows, start=1):
        cells = []
        for column, at in zip(columns, places, strict=True):
            cell = row["cells"][at]
            href = f"{column['report']}#{anchor(row['case'], 1)}"
            if cell is not None and cell["outcome"] in _DEVIATES:
                href = f"#{kind}-{number}-{at}"
                evidence.append(_evidence(row, column, cell, href, wires))
            cells.append({"cell": cell, "href": href})
        shown.append(_shown(row, cells))
    return {
        "kind": kind,
        "title": title,
        "columns": [_head(column, rows, at) for column, at in zip(columns, places, strict=True)],
        "groups": _grouped(shown),
        "rows": len(rows),
        "evidence": evidence,
    }


def _shown(row: Mapping[str, Any], cells: list[dict[str, Any]]) -> dict[str, Any]:
    shown = [each["cell"] for each in cells if each["cell"]]
    outcomes = [cell["outcome"] for cell in shown if cell["standing"] != "aside"]
    standings = [cell["standing"] for cell in shown]
    return {
        "id": short(row["case"], 400),
        "title": sentence(row["case"]),
        "where": f"{row['document']}, {row['section']}" if row["section"] else row["document"],
        "level": row["level"],
        "cells": cells,
        "deviates": any(outcome in _DEVIATES for outcome in outcomes),
        "fails": "FAIL" in outcomes,
        "unexpected": "wrong" in standings or "unclear" in standings,
    }


def _grouped(rows: Iterable[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    grouped: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        suite, file = row["id"].split("/")[:2]
        grouped.setdefault(f"{suite} / {file.replace('_', ' ')}", []).append(row)
    return list(grouped.items())


def _head(column: Mapping[str, Any], rows: Iterable[Mapping[str, Any]], at: int) -> dict[str, Any]:
    fails = Counter(
        row["cells"][at]["standing"]
        for row in rows
        if row["cells"][at] and row["cells"][at]["outcome"] == "FAIL"
    )
    return {
        **column,
        "fails": fails["wrong"] + fails["remark"] + fails["known"],
        "unexpected": fails["wrong"] + fails["remark"],
    }


def _evidence(
    row: Mapping[str, Any],
    column: Mapping[str, Any],
    cell: Mapping[str, Any],
    href: str,
    wires: _Wires,
) -> dict[str, Any]:
    wire, rerun = wires.of(column["name"], row["case"])
    return {
        "id": href[1:],
        "server": column["title"],
        "report": f"{column['report']}#{anchor(row['case'], 1)}",
        "case": short(row["case"], 400),
        "title": sentence(row["case"]),
        "where": f"{row['document']}, {row['section']}",
        "level": row["level"],
        "outcome": cell["outcome"],
        "standing": cell["standing"],
        "expected": short(cell["expected"], 1500),
        "got": short(cell["got"], 1500),
        "reason": short(cell["reason"], 1000),
        "aside": short(cell["aside"], 1000),
        "version": short(cell["version"], 60),
        "rerun": short(rerun, 1000),
        "wire": wire,
    }
