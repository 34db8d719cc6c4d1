"""The matrix: every case and server, its evidence in the page, safe whatever a server sent."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from sockproof.render.conformance.matrix import Column, Skipped, assemble, render, to_json
from tests.render import sample
from tests.render.test_html import Page

TEMPLATE = sample.REPORTS / "matrix.html.j2"
FRAGMENTED = "websocket/control/fragmented_ping_fails_the_connection"


def columns() -> list[Column]:
    first = Column("one", "Server One 1.0", "websocket", "one/report.html", sample.sample())
    second = Column("two", "Server Two 2.0", "websocket", "two/report.html", sample.clean())
    third = Column("io", "Rooms 3.0", "socketio", "io/report.html", sample.sample())
    return [first, second, third]


def matrix() -> dict[str, Any]:
    why = "the target node-ws needs on the PATH: node"
    return assemble(columns(), [Skipped("node-ws", why)], "0.1.0", "2026-01-02T03:04:05.678Z")


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(render(matrix(), columns(), TEMPLATE))


def row(case_id: str) -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = [each for each in matrix()["rows"] if each["case"] == case_id]
    return found


def test_a_row_has_a_cell_for_each_server() -> None:
    cells = row(FRAGMENTED)["cells"]
    assert [cell and cell["outcome"] for cell in cells] == ["FAIL", None, "FAIL"]
    assert cells[0]["got"] == "PONG 'firstsecond' [11 octets]"
    assert (row(FRAGMENTED)["document"], row(FRAGMENTED)["section"]) == ("RFC 6455", "5.5")


def test_known_deviation_has_its_reason() -> None:
    cell = row("websocket/closing/bad_close_code_is_refused[999]")["cells"][0]
    assert (cell["standing"], cell["reason"]) == ("known", sample.KNOWN["reason"])


def test_json_is_one_row_to_a_line_and_comes_back() -> None:
    text = to_json(matrix())
    assert json.loads(text) == json.loads(json.dumps(matrix()))
    assert len(text.splitlines()) > len(matrix()["rows"])


def test_every_cell_opens_its_evidence(page: Page) -> None:
    links = [a for a in page.all("a") if "mark" in str(a.get("class"))]
    ids = {each["id"] for each in page.all("article")}
    inside = [str(a["href"]) for a in links if str(a["href"]).startswith("#")]
    assert {href[1:] for href in inside} == ids
    assert ids
    outside = [str(a["href"]) for a in links if not str(a["href"]).startswith("#")]
    assert outside
    assert all(
        re.match(r"(one|two|io)/report\.html#websocket|.*#(socketio|rooms)", h) for h in outside
    )


def test_evidence_has_expected_got_reason_command_and_wire(page: Page) -> None:
    for told in (
        "the connection failed: CLOSE 1002",
        "PONG 'firstsecond' [11 octets]",
        sample.KNOWN["reason"],
        sample.rerun(FRAGMENTED),
        "PING 'first' [5 octets, continues]",
    ):
        assert str(told) in page.text, told


def test_what_was_skipped_and_what_no_longer_holds_is_told(page: Page) -> None:
    assert "the target node-ws needs on the PATH: node" in page.text
    assert sample.STALE["reason"] in page.text


def test_hostile_text_stays_text() -> None:
    hostile = Column("bad", sample.HOSTILE, "websocket", "bad/report.html", sample.hostile())
    made = assemble([hostile], [], "0.1.0", "2026-01-02T03:04:05.678Z")
    source = render(made, [hostile], TEMPLATE)
    shown = Page(source)
    assert len(shown.all("script")) == 1
    assert shown.all("img") == []
    assert "\x1b" not in source
    json.loads(to_json(made))


def test_what_is_set_aside_is_no_fault_of_a_server() -> None:
    crowded = sample.crowded(60)
    column = Column("bad", "Bad 1.0", "websocket", "bad/report.html", crowded)
    made = assemble([column], [], "0", "")
    cells = [row["cells"][0] for row in made["rows"] if row["cells"][0].get("aside")]
    assert {cell["standing"] for cell in cells} == {"aside"}
    text = Page(render(made, [column], TEMPLATE)).text
    assert f"FAIL, NON-STRICT{crowded['counts']['FAIL']} (" in text
    assert "Set asidetext 22" in text
