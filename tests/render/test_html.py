"""The HTML pages: whole, light, self-contained, and safe whatever a server sent."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from sockproof.render import html_page
from sockproof.render.conformance import html
from tests.render import sample

TEMPLATE = sample.REPORTS / "conformance.html.j2"
NOTHING: dict[str, object] = {"with_case": [], "without_case": [], "untestable": {}}
INDEX = sample.REPORTS / "conformance-index.html.j2"
VOID = {"meta", "input", "br", "img", "link", "hr"}


class Page(HTMLParser):
    """A page's elements and its text; complains of elements that are not closed."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("script", "style"):
            self.text += data

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag == name]


@pytest.fixture(scope="module")
def page() -> Page:
    return Page(html.render(sample.sample(), TEMPLATE))


def test_the_verdict_comes_first(page: Page) -> None:
    assert page.text.index("Fails 1 of 5 requirements") < page.text.index("Expected")


def test_a_row_shows_its_evidence(page: Page) -> None:
    for told in (
        "A control frame is never fragmented; a fragmented one fails the connection.",
        "the connection failed: CLOSE 1002",
        "PONG 'firstsecond' [11 octets]",
        sample.rerun("websocket/control/fragmented_ping_fails_the_connection"),
        "PING 'first' [5 octets, continues]",
        "09 85 37 fa 21 3d",
        "✂ 69882 octets more",
        "The library drops the connection before its Close frame has left.",
        "websocket/framing/echo[text,65536]",
        "Autobahn 2.1",
        "rfc6455-9.9-extensions",
        "What a process holds is not seen on the wire.",
        "ERROR \\x1b[31mboom\\x1b[0m <b>x</b>",
    ):
        assert told in page.text, told


def test_faults_are_grouped_and_come_before_the_cases() -> None:
    page = Page(html.render(sample.crowded(120), TEMPLATE))
    for title in (
        "Unexpected",
        "Notes, not counted",
        "Known deviations",
        "Set aside, not counted",
        "Inconclusive or unsupported",
    ):
        assert f"{title} " in page.text
    assert page.text.index("Inconclusive or unsupported ") < page.text.index("Cases 120")
    assert "text 11" in page.text  # why a case is set aside


def test_a_library_whose_faults_they_are_is_proposed() -> None:
    report = sample.sample()
    report["proposal"] = {"expect": "lib", "title": "<lib>", "known": 1, "faults": 1}
    assert (
        "1 of 1 fault is a known fault of <lib>: add --expect lib"
        in Page(html.render(report, TEMPLATE)).text
    )


def test_every_outcome_has_a_word_and_a_shape(page: Page) -> None:
    for outcome, shape in html_page.SHAPES.items():
        assert f"{shape} {outcome.replace('_', '-')}" in page.text


def test_anchors_are_the_ids_of_the_cases_and_every_link_leads_to_one(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert "websocket/control/ping_is_answered[text,125]" in ids
    for link in page.all("a"):
        target = str(link["href"])
        assert target.startswith("#")
        assert target[1:].replace("%5B", "[").replace("%5D", "]").replace("%2C", ",") in ids


def test_a_repeated_case_has_an_anchor_of_its_own() -> None:
    record = sample.cases()[0]
    page = Page(html.render(sample.run([record, record], {"seconds": 1, "exit_code": 0}), TEMPLATE))
    ids = [attributes.get("id") for _, attributes in page.elements]
    assert record.id in ids
    assert f"{record.id}~2" in ids


@pytest.mark.parametrize("name", ["sample", "hostile"])
def test_nothing_is_fetched_and_only_our_script_may_run(name: str) -> None:
    source = html.render(getattr(sample, name)(), TEMPLATE)
    page = Page(source)
    assert len(page.all("script")) == 1
    assert not [tag for tag, _ in page.elements if tag in ("img", "link", "iframe", "base")]
    for tag, attributes in page.elements:
        assert not {"src", "srcset", "onerror", "onclick"} & set(attributes), (tag, attributes)
        assert (attributes.get("href") or "#").startswith("#")
    script = source[source.index("<script>") + 8 : source.index("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = next(meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in str(
        policy
    )
    style = source[source.index("<style>") : source.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert "http" not in style + script


def test_hostile_text_is_shown_and_harmless() -> None:
    source = html.render(sample.hostile(), TEMPLATE)
    assert "<script>alert" not in source
    assert "{{ 7*7 }}" in source  # shown as it is, not computed
    assert re.search("[\0\x1b\x9b\ud800-\udfff\u202e\ufffe]", source) is None
    assert "\\u202egnp.exe" in source
    assert "<img src=x onerror=alert(1)>" in Page(source).text
    source.encode("utf-8")
    assert len(source) < 512 * 1024


def test_four_hundred_cases_stay_light() -> None:
    source = html.render(sample.large(), TEMPLATE)
    assert len(Page(source).all("tr")) > 400 * 10
    assert len(source.encode()) < 3 * 1024 * 1024


def test_wire_logs_share_a_budget_and_findings_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "WIRE_BUDGET", 2500)
    source = html.render(sample.sample(), TEMPLATE)
    failed = source.index('id="websocket/control/fragmented_ping_fails_the_connection"')
    passed = source.index('id="websocket/control/ping_is_answered[empty]"')
    assert '<table class="wire">' in source[failed : source.index("</details>", failed)]
    row = source[passed : source.index("</details>", passed)]
    assert '<table class="wire">' not in row
    assert "they are in the JSON report" in row


@pytest.mark.parametrize(
    "report",
    [
        sample.clean(),
        sample.run([], {"seconds": 0.1, "exit_code": 2, "problem": "refused"}),
        sample.run(sample.cases()[:2], None),
        sample.run(
            [],
            None,
            coverage={"with_case": [], "without_case": [], "untestable": {}},
            requirements={},
        ),
    ],
)
def test_a_page_of_little_is_whole(report: dict[str, Any]) -> None:
    Page(html.render(report, TEMPLATE))


def test_the_index_links_every_report() -> None:
    entries = [
        html.IndexEntry("websockets (Python)", "websockets/report.html", sample.sample()),
        html.IndexEntry("<b>", "other/report.html", sample.hostile()),
    ]
    page = Page(html.index(entries, INDEX))
    assert [link["href"] for link in page.all("a")] == [
        "websockets/report.html",
        "other/report.html",
    ]
    assert "Fails 1 of 5 requirements; 1 expectation no longer holds" in page.text
    assert not page.all("script")
    Page(html.index([], INDEX))
