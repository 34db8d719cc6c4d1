"""Every report says how what failed is usually fixed, and links the requirement's page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sockproof.api.plans import JudgePlan
from sockproof.errors import CommandError
from sockproof.files import FileError
from sockproof.render.conformance import html, junit, markdown
from sockproof.runs.records import read_run, to_json
from tests.render.sample import REPORTS, sample

FIX = "Answer <nothing> to a fragmented Ping."
PAGE = "https://docs.example/v1/requirements/rfc6455-5.5-unfragmented.html"


def report(**more: Any) -> dict[str, Any]:
    made = sample()
    made["requirements"]["rfc6455-5.5-unfragmented"]["fix"] = FIX
    return made | more


def formats(made: dict[str, Any]) -> dict[str, str]:
    page = html.render(made, REPORTS / "conformance.html.j2")
    return {"html": page, "junit": junit.render(made), "markdown": markdown.render(made)}


def test_each_format_has_the_mend_and_the_page() -> None:
    for text in formats(report(docs_url="https://docs.example/v1/")).values():
        assert "fragmented Ping" in text
        assert "<nothing>" not in text
        assert PAGE in text


def test_without_an_address_there_is_the_mend_alone() -> None:
    for text in formats(report()).values():
        assert "fragmented Ping" in text
        assert "requirements/" not in text


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", 'https://a/"><script>', "https://a b", "//docs.example"]
)
def test_address_that_is_none_is_refused_everywhere(address: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="--docs-url must begin with"):
        JudgePlan(docs_url=address)
    path = tmp_path / "report.json"
    path.write_text(to_json(report(docs_url=address)))
    with pytest.raises(FileError, match="docs_url"):
        read_run(path)
    for text in formats(report(docs_url=address)).values():
        assert address not in text


def test_only_requirements_that_the_report_knows_are_linked() -> None:
    made = report(docs_url="https://docs.example/")
    case = next(each for each in made["cases"] if each["outcome"] == "FAIL")
    case["requirement"] = "../../<evil>"
    assert "requirements/../" not in formats(made)["html"]
