"""The table of servers and clients: whose fault is what, and what says the same together."""

from __future__ import annotations

from typing import Any

import pytest

from sockproof.render.conformance.matrix import Column, assemble, render
from sockproof.render.conformance.pairs import shown, side_of, table_lines, tables
from tests.render import sample
from tests.render.test_html import Page


def case(name: str, outcome: str, requirement: str, **more: Any) -> dict[str, Any]:
    report = sample.clean()
    beginning = next(each for each in report["cases"] if each["outcome"] == "PASS")
    got = {"expected": "it goes on", "got": "it <b>ended</b>"} if outcome == "FAIL" else {}
    return {
        **beginning,
        "id": f"websocket/{name}",
        "outcome": outcome,
        "requirement": requirement,
        "notes": ["extension: permessage-deflate"],
        **got,
        **more,
    }


def columns() -> list[Column]:
    cases = [
        case("good/goes_round", "PASS", "pair-both-messages"),
        case("bad/goes_round[1]", "FAIL", "pair-server-messages"),
        case("bad/goes_round[2]", "FAIL", "pair-server-messages"),
        case("odd/goes_round", "FAIL", "pair-client-messages", aside={"text": "x", "kind": "y"}),
        case("none/goes_round", "UNSUPPORTED", "pair-both-messages"),
    ]
    about = {"pair-server-messages": {"document": "RFC 6455", "section": "6.2"}}
    report = {**sample.clean(), "cases": cases, "requirements": about}
    return [Column("one", "One 1.0", "websocket", "one/report.html", report)]


@pytest.mark.parametrize(
    ("requirement", "side"),
    [
        ("pair-client-opens", "client"),
        ("client-rfc6455-5.1-masked", "client"),
        ("pair-server-opens", "server"),
        ("rfc6455-5.1-server-unmasked", "server"),
        ("pair-both-open", "both"),
    ],
)
def test_a_requirement_says_whose_fault_it_is(requirement: str, side: str) -> None:
    assert side_of(requirement) == side


def test_each_pair_has_a_cell() -> None:
    (table,) = tables(columns())
    assert table["servers"] == ["bad", "good", "none", "odd"]
    cells = {name: row[0] for name, row in zip(table["servers"], table["cells"], strict=True)}
    assert (cells["good"]["passed"], cells["good"]["cases"]) == (1, 1)
    assert [each["side"] for each in cells["bad"]["faults"]] == ["server", "server"]
    assert (cells["odd"]["cases"], cells["odd"]["faults"]) == (0, [])
    assert [row["cells"][0]["text"] for row in shown(table)["rows"]] == ["✕S 6.2", "✓⇄", "–", "–"]


def test_what_says_the_same_is_one_line() -> None:
    lines = list(table_lines(tables(columns())))
    assert "  bad   ✕S" in lines
    told = [line for line in lines if "one with bad" in line]
    assert told == ["  one with bad: the server's fault, RFC 6455, 6.2"]
    assert any("goes_round[1] and 1 case more" in line for line in lines)


def test_what_a_server_said_stays_text_on_the_page() -> None:
    made = assemble(columns(), [], "0.1.0", "2026-01-02T03:04:05.678Z", "pairs")
    page = Page(render(made, columns(), sample.REPORTS / "matrix.html.j2"))
    assert "WebSocket servers and clients" in page.text
    assert "it <b>ended</b>" in page.text
