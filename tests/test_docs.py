"""README and docs/ are true: their links lead somewhere, and their commands are understood."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from sockproof.cli.arguments import COMMANDS, build_parser

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    each.relative_to(ROOT).as_posix() for each in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))
)
_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_KEPT = re.compile(r"CHANGELOG")  # tells of commands as they once were


def prose_of(page: str) -> str:
    return _FENCED.sub("", (ROOT / page).read_text(encoding="utf-8"))


def anchors_of(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and mkdocs make them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings}


def commands_of(page: str) -> list[str]:
    """The commands that a page shows, whole lines and within sentences."""
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = [line for block in _FENCED.findall(text) for line in block[1].splitlines()]
    spans = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", prose_of(page))
    return [each.strip() for each in (*lines, *spans) if each.strip().startswith("sockproof ")]


def broken_links(page: str) -> list[str]:
    broken = []
    for link in _LINK.findall(prose_of(page)):
        if re.match(r"\w+:", link):
            continue
        name, _, anchor = link.partition("#")
        path = ((ROOT / page).parent / name).resolve() if name else ROOT / page
        if not path.exists() or (anchor and anchor not in anchors_of(path)):
            broken.append(link)
    return broken


def complaint_about(command: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What is wrong with a command; a lone name, or one that asks for help, has only to exist."""
    words = [each for each in shlex.split(command)[1:] if each != "…"]
    if words[0].isupper() or words[0].startswith("-"):
        return ""
    if words[0] not in COMMANDS:
        return f"there is no command {words[0]}"
    if words[1:] in ([], ["--help"]):
        return ""
    try:
        options, more = build_parser([words[0]]).parse_known_args(words)
    except SystemExit:
        return capsys.readouterr().err
    url_is_late = any(re.match(r"(ws|http)s?://", each) for each in more)
    left = [each for each in more if not re.match(r"(ws|http)s?://", each)]
    if left or (url_is_late and not hasattr(options, "url")):
        return f"not understood: {' '.join(more)}"
    return ""


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    assert broken_links(page) == []


@pytest.mark.parametrize("page", [each for each in PAGES if not _KEPT.match(each)])
def test_commands_are_understood(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = {each: complaint_about(each, capsys) for each in commands_of(page)}
    assert {each: said for each, said in found.items() if said} == {}


def test_wrong_command_is_noticed(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in ("sockproof nonsense", "sockproof gate x --nonsense", "sockproof load"):
        words = f"{wrong} --really" if wrong.endswith("load") else wrong
        assert complaint_about(words, capsys)


def test_wrong_link_is_noticed() -> None:
    assert anchors_of(ROOT / "conformance" / "TARGET.md") >= {"events-for-load", "operations"}
    assert "no-such-heading" not in anchors_of(ROOT / "README.md")


def test_readme_is_short_and_begins_with_the_demo() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    blocks = [block[1].strip() for block in _FENCED.findall(text)]
    assert blocks[0] == "uvx sockproof demo"
    assert blocks[2:4] == ["make conformance", "make test"]
    for page in (ROOT / "docs").glob("*.md"):
        assert f"docs/{page.name}" in text, f"README.md does not link {page.name}"


def test_pictures_are_small() -> None:
    pictures = [ROOT / "docs" / name for name in ("report-conformance.png", "report-load.png")]
    (first,) = re.findall(r"!\[[^\]]*\]\(([^)]+)\)", (ROOT / "README.md").read_text("utf-8"))
    for picture in (ROOT / first, *pictures):
        assert picture.stat().st_size <= 150 * 1024
