"""The catalogue of requirements is complete in form, and a broken one is told in one line."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from sockproof.conformance.shelf.case import load_cases
from sockproof.conformance.shelf.requirements import (
    Requirement,
    RequirementError,
    load_requirements,
)
from sockproof.files import FileError
from sockproof.runs.records import LEVELS
from sockproof.shelves import shelf
from sockproof.vocabulary import SUITES

FOLDER = shelf("conformance") / "requirements"
FILES = sorted(FOLDER.glob("*.toml"))
KEYS = {"id", "section", "level", "text", "untestable", "requires", "broken", "harms"}
PREFIXES = {
    "RFC 6455": "rfc6455-",
    "RFC 7692": "rfc7692-",
    "Engine.IO protocol, revision 4": "eio-",
    "Socket.IO protocol, revision 5": "sio-",
    "Rooms": "rooms-",
    "Clients": "clients-",
}
# A full stop inside a word, as in `Engine.IO` or `5.5.1`, ends no sentence.
SENTENCE_END = re.compile(r"\.(?=\s|\Z)")

every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def entries(path: Path) -> list[dict[str, str]]:
    found: list[dict[str, str]] = tomllib.loads(path.read_text(encoding="utf-8"))["requirement"]
    return found


def test_every_document_has_requirements() -> None:
    found = {each.document for each in load_requirements(FOLDER).values()}
    assert found == set(PREFIXES)


@every_file
def test_file_begins_with_document_and_title(path: Path) -> None:
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    assert set(tables) - {"requires"} == {"document", "title", "requirement", "fix"}
    assert tables["document"] in PREFIXES
    assert tables["title"]
    assert tables["requirement"]


@every_file
def test_keys_are_known(path: Path) -> None:
    assert [entry for entry in entries(path) if not {*entry} <= KEYS] == []


@every_file
def test_what_is_said_of_a_server_is_a_short_phrase(path: Path) -> None:
    phrase = re.compile(r"(?!not |no )[a-z][^.]{9,69}[^.]|.*\b(TLS|HTTP)\b.*")
    told = [entry["broken"] for entry in entries(path) if "broken" in entry]
    assert [each for each in told if not phrase.fullmatch(each) and "." not in each] == []
    assert [each for each in told if len(each) > 72 or each.endswith(".")] == []


@every_file
def test_levels_are_known(path: Path) -> None:
    assert [entry["id"] for entry in entries(path) if entry["level"] not in LEVELS] == []


@every_file
def test_ids_begin_with_their_documents_prefix(path: Path) -> None:
    prefix = PREFIXES[tomllib.loads(path.read_text(encoding="utf-8"))["document"]]
    pattern = re.compile(re.escape(prefix) + r"[a-z0-9.]+(-[a-z0-9.]+)*")
    assert [entry["id"] for entry in entries(path) if not pattern.fullmatch(entry["id"])] == []


@every_file
def test_texts_are_one_to_three_sentences(path: Path) -> None:
    odd = {
        entry["id"]: entry["text"]
        for entry in entries(path)
        if not entry["text"].endswith(".") or len(SENTENCE_END.findall(entry["text"])) > 3
    }
    assert odd == {}


@every_file
def test_reasons_are_sentences(path: Path) -> None:
    reasons = {entry["id"]: entry["untestable"] for entry in entries(path) if "untestable" in entry}
    assert {name: why for name, why in reasons.items() if not why.endswith(".")} == {}


def test_ids_are_unique_over_all_files() -> None:
    counted = Counter(entry["id"] for path in FILES for entry in entries(path))
    assert [name for name, count in counted.items() if count > 1] == []


HEADER = 'document = "RFC 0"\ntitle = "Nothing"\n'
ENTRY = '[[requirement]]\nid = "rfc0-1"\nsection = "1"\nlevel = "MUST"\ntext = "It is."\n'


def load(folder: Path, text: str) -> dict[str, Requirement]:
    (folder / "rfc0.toml").write_text(text, encoding="utf-8")
    return load_requirements(folder)


def test_every_requirement_has_a_case_or_a_reason() -> None:
    covered = {case.requirement for case in load_cases(shelf("conformance"), SUITES)}
    known = load_requirements(FOLDER)
    assert covered <= set(known)
    reasons = {each.id for each in known.values() if each.untestable}
    assert set(known) - covered - reasons == set()


def test_document_of_rooms_says_each_sentence_under_its_number() -> None:
    text = (FOLDER.parents[1] / "docs" / "rooms.md").read_text(encoding="utf-8")
    sections = {part.split(":", 1)[0]: part for part in text.split("\n## ")[1:]}
    wanted = [each for each in load_requirements(FOLDER).values() if each.document == "Rooms"]
    assert wanted
    assert [each.id for each in wanted if f"* {each.text}" not in sections[each.section]] == []


def test_requirement_holds_what_its_file_says(tmp_path: Path) -> None:
    found = load(tmp_path, HEADER + ENTRY + 'untestable = "It hides."\n')
    assert found == {"rfc0-1": Requirement("rfc0-1", "RFC 0", "1", "MUST", "It is.", "It hides.")}


def test_requirement_may_say_what_is_broken_and_whom_it_harms(tmp_path: Path) -> None:
    found = load(tmp_path, HEADER + ENTRY + 'broken = "is not"\nharms = "data"\n')["rfc0-1"]
    assert (found.broken, found.harms) == ("is not", "data")


def test_requirement_may_require_others(tmp_path: Path) -> None:
    other = ENTRY.replace("rfc0-1", "rfc0-2") + 'requires = ["rfc0-1"]\n'
    assert load(tmp_path, HEADER + ENTRY + other)["rfc0-2"].requires == ("rfc0-1",)


def test_what_a_file_requires_all_of_it_does(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(HEADER + ENTRY.replace("rfc0-1", "rfc0-0"))
    own = ENTRY.replace("rfc0-1", "rfc0-2") + 'requires = ["rfc0-1"]\n'
    found = load(tmp_path, HEADER + 'requires = ["rfc0-0"]\n' + ENTRY + own)
    assert found["rfc0-1"].requires == ("rfc0-0",)
    assert found["rfc0-2"].requires == ("rfc0-0", "rfc0-1")


def test_requirement_that_can_be_broken_says_how_that_is_mended() -> None:
    known = load_requirements(FOLDER).values()
    assert [each.id for each in known if each.broken and not each.fix] == []
    for path in FILES:
        for fix in tomllib.loads(path.read_text(encoding="utf-8"))["fix"]:
            assert any(each.fix == fix["text"] for each in known), f"{path}: {fix} is of nothing"


def test_first_mend_that_names_a_requirement_counts(tmp_path: Path) -> None:
    fixes = '[[fix]]\nof = ["rfc0-?"]\ntext = "Do."\n[[fix]]\nof = ["*"]\ntext = "Else."\n'
    found = load(tmp_path, HEADER + ENTRY + ENTRY.replace("rfc0-1", "rfc0-10") + fixes)
    assert [each.fix for each in found.values()] == ["Do.", "Else."]


def test_reason_may_be_missing(tmp_path: Path) -> None:
    found = load(tmp_path, HEADER + ENTRY)["rfc0-1"]
    assert found.untestable is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("document = ", "rfc0.toml: is not TOML"),
        (ENTRY, "rfc0.toml: the key 'document' is missing"),
        (HEADER + "titel = 1\n" + ENTRY, "rfc0.toml: unknown key 'titel'"),
        (HEADER + "requirement = 1\n", "rfc0.toml: requirement: expected array"),
        (HEADER + "requirement = [1]\n", "rfc0.toml: requirement 1: expected table"),
        (HEADER + "requirement = [{}]\n", "rfc0.toml: requirement 1: the key 'id' is missing"),
        (HEADER + ENTRY + "levle = 1\n", "requirement 1 (rfc0-1): unknown key 'levle'"),
        (HEADER + ENTRY + "broken = 1\n", "requirement 1 (rfc0-1): broken: expected string"),
        (HEADER + ENTRY + "harms = 'us'\n", "harms: unknown value 'us'; the values are data"),
        (HEADER + ENTRY + 'untestable = " "\n', "(rfc0-1): untestable: must not be empty"),
        (HEADER + ENTRY.replace("MUST", "MUSN'T"), "requirement 1 (rfc0-1): level: unknown value "),
        (HEADER + ENTRY + ENTRY, "rfc0.toml: rfc0-1 is defined twice"),
        (HEADER + ENTRY + 'requires = "rfc0-1"\n', "(rfc0-1): requires: expected array"),
        (HEADER + ENTRY + 'requires = ["rfc0-2"]\n', "rfc0-1 requires rfc0-2, unknown"),
        (HEADER + ENTRY + 'requires = ["rfc0-1"]\n', "requirements in a circle: rfc0-1 → rfc0-1"),
        (HEADER, "holds no requirements"),
    ],
)
def test_broken_catalogue_is_told_in_one_line(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises((RequirementError, FileError), match=re.escape(complaint)) as caught:
        load(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_file_that_is_no_text_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "rfc0.toml").write_bytes(b"\xff")
    with pytest.raises(FileError, match=r"rfc0\.toml: ") as caught:
        load_requirements(tmp_path)
    assert "\n" not in str(caught.value)
