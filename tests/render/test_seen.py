"""What cases saw and do not judge is in every format for people, once and harmless."""

from __future__ import annotations

import io
from typing import Any

from sockproof.render.conformance import html, markdown
from sockproof.render.conformance.summary import seen
from sockproof.render.conformance.terminal import Progress
from sockproof.render.markdown_page import escape
from tests.render import sample

NOTE = "max_message: at least 16777216 octets, none declared"


def _terminal(report: dict[str, Any]) -> str:
    stream = io.StringIO()
    Progress(stream).finish(report)
    return stream.getvalue()


def test_notes_are_told_once() -> None:
    report = sample.sample()
    report["cases"] *= 2
    assert seen(report) == [NOTE]


def test_every_format_shows_them() -> None:
    report = sample.sample()
    assert f"  {NOTE}\n" in _terminal(report)
    assert escape(NOTE) in markdown.render(report)
    page = html.render(report, sample.REPORTS / "conformance.html.j2")
    assert f'<li class="said">{NOTE}</li>' in page


def test_report_without_them_has_no_section() -> None:
    report = sample.sample()
    for case in report["cases"]:
        case.pop("notes")  # as an older version wrote it
    assert "that were seen" not in _terminal(report)
    assert "that were seen" not in markdown.render(report)
    assert 'id="seen"' not in html.render(report, sample.REPORTS / "conformance.html.j2")
