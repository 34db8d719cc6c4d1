"""The documentation as a site: every page is there, links lead somewhere, a warning is an error."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from docs.site import catalogue, clients, home, markdown, trophies
from docs.site.build import PAGES, pages
from docs.site.requirements import ORPHAN

from sockproof.conformance.shelf.requirements import load_requirements
from sockproof.shelves import shelf
from sockproof.vocabulary import SUITES
from tests.sample import rotating
from tests.waiting import LIMIT

ROOT = Path(__file__).parents[1]
SHARE = 10  # days until each requirement's page was built
_LINK = re.compile(r"\]\((?!\w+:)([^)#\s]+)")
BUILD = """
import sys
from pathlib import Path
from docs.site import build
if sys.argv[2]:
    def lay_out(source, chosen):
        source.mkdir()
        (source / "conf.py").write_text("extensions = ['myst_parser']; html_theme = 'furo'")
        (source / "index.md").write_text("# Home\\n\\n[dead](nowhere.md)\\n")
    build.lay_out = lay_out
build.build(Path(sys.argv[1]), chosen=set(sys.argv[3:]))
"""


def built(out: Path, chosen: list[str], dead: bool = False) -> subprocess.CompletedProcess[str]:
    """A build in a process of its own: Sphinx changes docutils for good."""
    return subprocess.run(
        [sys.executable, "-c", BUILD, str(out), "dead" if dead else "", *chosen],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )


def test_each_requirement_and_suite_has_a_page() -> None:
    found = pages()
    assert {f"requirements/{name}.md" for name in catalogue.requirements()} <= set(found)
    assert {f"requirements/{name}.md" for name in clients.requirements()} <= set(found)
    pairs = load_requirements(shelf("client_cases") / "pairs")
    assert {f"requirements/{name}.md" for name in pairs} <= set(found)
    assert {f"suites/{name}.md" for name in SUITES} <= set(found)
    for name, each in catalogue.requirements().items():
        text = found[f"requirements/{name}.md"]
        assert text.startswith(ORPHAN)
        assert ("## How it is usually fixed" in text) == (each.fix is not None)
        assert ("## Cases" in text) == (name in catalogue.cases_of())


def test_links_of_generated_pages_lead_somewhere() -> None:
    found = pages()
    written = {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")} | set(PAGES)
    for place, text in found.items():
        for link in set(_LINK.findall(text)):
            parts: list[str] = []
            for part in (Path(place).parent / link).parts:
                parts = parts[:-1] if part == ".." else [*parts, part]
            assert "/".join(parts) in {*found, *written}, f"{place}: {link}"


def test_every_page_of_the_repository_is_in_the_contents() -> None:
    listed = {name for group in home.GROUPS.values() for name in group}
    assert {f"docs/{path.stem}" for path in (ROOT / "docs").glob("*.md")} <= listed
    assert {each.removesuffix(".md") for each in PAGES} <= listed


def test_examples_of_violations_are_of_requirements_and_cases_that_there_are() -> None:
    ids = {case.id for case in catalogue.cases()}
    for name, shown in catalogue.violations().items():
        assert name in catalogue.requirements()
        assert shown["case"] in ids
    tested = [n for n in catalogue.requirements() if n in catalogue.cases_of()]
    assert len(catalogue.violations()) > 0.7 * len(tested)


def test_trophies_are_those_of_the_expectations() -> None:
    assert trophies.FILE.read_text(encoding="utf-8") == trophies.text(), "run `make schemas`"


def test_site_is_built_without_a_warning_and_reaches_for_nothing(tmp_path: Path) -> None:
    every = [*catalogue.requirements(), *clients.requirements()]
    chosen = rotating(every, SHARE, "pages of requirements")
    done = built(tmp_path, chosen)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    for name in chosen:
        assert (tmp_path / "requirements" / f"{name}.html").is_file()
    loads = re.compile(
        r'<(?:script|img|iframe|source)[^>]*\ssrc="(?:https?:)?//'
        r'|<link[^>]*rel="(?:stylesheet|preload|icon)[^>]*href="(?:https?:)?//|@import|url\(["\']?http'
    )
    for path in (*tmp_path.rglob("*.html"), *tmp_path.rglob("*.css")):
        assert loads.search(path.read_text(encoding="utf-8")) is None, path
    page = (tmp_path / "docs" / "conformance.html").read_text(encoding="utf-8")
    assert '<span class="pre whole">--auth</span>' in page
    told = (tmp_path / "llms.txt").read_text(encoding="utf-8")
    for address in re.findall(r"^\* \[[^\]]*\]\(([^)]+)\)", told, re.MULTILINE):
        assert (tmp_path / address).is_file(), address


def test_dead_link_fails_the_build(tmp_path: Path) -> None:
    done = built(tmp_path, [], dead=True)
    assert done.returncode != 0
    assert "nowhere.md" in done.stderr


@pytest.mark.parametrize("name", ["conformance", "load"])
def test_commands_are_described_by_their_own_help(name: str) -> None:
    text = pages()[f"reference/commands/{name}.md"]
    assert f"usage: sockproof {name}" in text
    assert "--results DIR" in text


def test_signatures_are_as_python_writes_them() -> None:
    text = pages()["reference/python.md"]
    assert "\n    url: str | None = None,\n" in text
    assert "* `wait_for(match: Match, timeout: float = 30.0) -> Any`: " in text
    bullets = [line for line in text.splitlines() if line.startswith("* ")]
    assert any("check: Callable[[Any], Any] | None = None" in line for line in bullets)
    assert not [line for line in bullets if "\\" in line or "(cls" in line or "&#96;" in line]


def test_bar_in_a_cell_ends_no_cell() -> None:
    made = markdown.table(("type", "of"), [(markdown.code("a | b"), markdown.literal("c | d"))])
    assert made.splitlines()[-1] == r"| `a \| b` | c &#124; d |"
