"""The catalogue of what binds clients is complete in form."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from sockproof.clients.run import SOCKETIO, WEBSOCKET
from sockproof.conformance.shelf.case import load_cases
from sockproof.conformance.shelf.requirements import load_requirements
from sockproof.runs.records import LEVELS

FOLDER = Path(__file__).parents[1] / "client_cases" / "requirements"
FILES = sorted(FOLDER.glob("*.toml"))
KEYS = {"id", "section", "level", "text", "untestable", "requires", "broken", "harms"}
# A full stop inside a word, as in `Engine.IO` or `5.5.1`, ends no sentence.
SENTENCE_END = re.compile(r"\.(?=\s|\Z)")

every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def entries(path: Path) -> list[dict[str, str]]:
    found: list[dict[str, str]] = tomllib.loads(path.read_text(encoding="utf-8"))["requirement"]
    return found


@every_file
def test_entries_have_the_form_of_a_catalogue(path: Path) -> None:
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    assert set(tables) - {"requires"} == {"document", "title", "requirement", "fix"}
    for entry in entries(path):
        assert {*entry} <= KEYS, entry["id"]
        assert entry["level"] in LEVELS, entry["id"]
        assert re.fullmatch(r"client-[a-z0-9]+-[a-z0-9.]+(-[a-z0-9.]+)*", entry["id"])
        assert entry["text"].endswith("."), entry["id"]
        assert len(SENTENCE_END.findall(entry["text"])) <= 3, entry["id"]
        assert entry.get("untestable", ".").endswith("."), entry["id"]
        broken = entry.get("broken", "ten letters")
        assert 10 <= len(broken) <= 72, entry["id"]
        assert not broken.endswith("."), entry["id"]


def test_ids_are_unique_over_all_files_and_those_of_servers() -> None:
    servers = FOLDER.parents[1] / "conformance" / "requirements"
    files = [*FILES, *servers.glob("*.toml")]
    counted = Counter(entry["id"] for path in files for entry in entries(path))
    assert [name for name, count in counted.items() if count > 1] == []


def test_what_can_be_broken_says_how_that_is_mended() -> None:
    known = load_requirements(FOLDER).values()
    assert [each.id for each in known if each.broken and not each.fix] == []
    for path in FILES:
        for fix in tomllib.loads(path.read_text(encoding="utf-8"))["fix"]:
            assert any(each.fix == fix["text"] for each in known), f"{path}: {fix} is of nothing"


ROLES = {"client-rfc": WEBSOCKET}


@pytest.mark.parametrize("role", ROLES)
def test_every_requirement_has_a_case_or_a_reason(role: str) -> None:
    known = load_requirements(FOLDER)
    covered = {case.requirement for case in load_cases(FOLDER.parent, ROLES[role])}
    assert covered <= set(known)
    left = {name for name in set(known) - covered if name.startswith(role)}
    assert {name for name in left if not known[name].untestable} == set()


def test_no_reason_is_given_for_what_has_a_case() -> None:
    known = load_requirements(FOLDER)
    cases = load_cases(FOLDER.parent, (*WEBSOCKET, *SOCKETIO))
    assert [case.id for case in cases if known[case.requirement].untestable] == []
