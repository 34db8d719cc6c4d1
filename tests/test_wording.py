"""Strings that users see keep to the words of CONTRIBUTING.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# Patterns of the table "Say / not", and what is said instead.
NOT = {
    r"\bgives? back\b": "returns",
    r"\bnobody knows\b": "unknown",
    r"\bnothing more within\b": "timed out after",
    r"\bnot fit to judge\b|\bcannot tell\b|\bcan't tell\b|\bnot judged\b": "inconclusive",
    r"\bcr(?:y|ies|ied) wolf\b": "false alarm",
    r"\bgives? out\b|\bgave out\b": "saturates",
    r"\bexcludes? each other\b": "cannot be combined",
    r"(?<!there )\bis no (?:JSON|TOML|URL|number|rule|folder|file)\b": "is not",
    r"\bnot what it should be\b": "is invalid",
    r"\bcalls itself\b": "identifies as",
    r"\bcould not be judged\b": "inconclusive",
    r"\bfault of its own\b": "internal error",
}
_TEXT = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,}")


def strings_of(path: Path) -> Iterator[tuple[int, str]]:
    """The texts of a module that are no docstrings, with their lines."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, documented) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or id(node) in docstrings:
            continue
        if isinstance(node.value, str) and _TEXT.search(node.value):
            yield node.lineno, node.value


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    text = path.read_text(encoding="utf-8")
    if path.name == "CONTRIBUTING.md":  # where the words stand that are not used
        text = text.partition("### Say / not")[0]
    yield from enumerate(text.splitlines(), 1)


def pages() -> list[Path]:
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("reports/*.j2")]
    return sorted(each for each in found if each.name != "CHANGELOG.md")


def wrong(lines: Iterator[tuple[int, str]]) -> list[str]:
    return [
        f"line {number}: {text.strip()[:80]!r}: say {instead!r}"
        for number, text in lines
        for pattern, instead in NOT.items()
        if re.search(pattern, text, re.IGNORECASE)
    ]


@pytest.mark.parametrize("folder", ["src/sockproof", "reports", "locustfiles", "study"])
def test_strings_keep_to_the_words(folder: str) -> None:
    found = {
        str(path.relative_to(ROOT)): said
        for path in sorted((ROOT / folder).rglob("*.py"))
        if (said := wrong(strings_of(path)))
    }
    assert found == {}


def test_pages_keep_to_the_words() -> None:
    found = {
        str(path.relative_to(ROOT)): said for path in pages() if (said := wrong(lines_of(path)))
    }
    assert found == {}


def test_wrong_word_is_noticed() -> None:
    assert wrong(iter([(1, "This gate cannot tell whether it is slower.")]))
    assert wrong(iter([(1, "nothing more within 5 s")]))
    assert not wrong(iter([(1, "timed out after 5 s")]))


def test_table_has_the_words_that_are_searched_for() -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("### Say / not")[2]
    for word in ("not fit to judge", "cries wolf", "nothing more within", "calls itself"):
        assert word in table
