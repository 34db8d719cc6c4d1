"""Whatever a server sent, the pages and lines made of it stay what they are."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

from sockproof.render.conformance import html, junit, markdown
from sockproof.render.conformance.terminal import Progress
from tests.render import sample

TEMPLATE = sample.REPORTS / "conformance.html.j2"


class Tags(HTMLParser):
    """Collects the tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]


def tags(report: dict[str, Any]) -> Tags:
    reader = Tags()
    reader.feed(html.render(report, TEMPLATE))
    return reader


def test_page_of_a_hostile_server_has_no_tag_and_no_address_of_its_making() -> None:
    clean, hostile = tags(sample.sample()), tags(sample.hostile())
    assert hostile.tags.count("script") == clean.tags.count("script")
    assert "img" not in hostile.tags
    assert not [address for address in hostile.addresses if not address.startswith("#")]


def test_junit_is_well_formed_whatever_was_sent() -> None:
    root = ET.fromstring(junit.render(sample.hostile()))
    assert root.tag == "testsuites"


@pytest.mark.parametrize("make", [sample.sample, sample.hostile, sample.large])
def test_markdown_fits_a_step_summary(make: Callable[[], dict[str, Any]]) -> None:
    text = markdown.render(make())
    assert len(text.encode("utf-8", "surrogatepass")) < 65536
    assert "<script" not in text
    assert "\x1b" not in text


def test_terminal_shows_control_characters_as_text() -> None:
    stream = io.StringIO()
    with Progress(stream) as progress:
        progress.finish(sample.hostile())
    shown = stream.getvalue()
    assert "\x1b" not in shown
    assert "\x9b" not in shown
    assert "FAIL" in shown


def test_verdict_stands_in_every_format() -> None:
    report = sample.sample()
    stream = io.StringIO()
    Progress(stream).finish(report)
    for text in (html.render(report, TEMPLATE), markdown.render(report), stream.getvalue()):
        assert "Fails" in text


def test_expected_failures_do_not_fail_junit() -> None:
    report = sample.sample()
    wrong = [each for each in report["cases"] if each["outcome"] == "FAIL"]
    known = [each for each in wrong if each["expectation"] is not None]
    assert known
    failures = ET.fromstring(junit.render(report)).findall(".//testcase/failure")
    named = {each["id"] for each in known}
    assert not [failure for failure in failures if failure.get("message") in named]
    assert failures
