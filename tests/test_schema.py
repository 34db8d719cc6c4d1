"""Schemas of all formats are shipped, made of the records that files are read as."""

from __future__ import annotations

import json
import subprocess
import sys

import jsonschema
import pytest

from sockproof.files import FileError, read_toml
from sockproof.formats import HandWritten
from sockproof.formats.reading import as_record
from sockproof.formats.schema import FOLDER, FORMATS, generated, path_of, record_of
from sockproof.formats.tables import (
    ExpectationsFile,
    ProfileFile,
    RequirementsFile,
    RulesFile,
    TargetFile,
)
from sockproof.shelves import shelf

HAND_WRITTEN = {
    "expectations": shelf("conformance").glob("expectations/*.toml"),
    "requirements": shelf("conformance").glob("requirements/*.toml"),
    "rules": shelf("gates").glob("*.toml"),
    "target": shelf("targets").glob("*/target.toml"),
}
RULE = {"that": "counts.lost == 0"}
CASE = {"case": "a/b/c", "outcome": "FAIL", "reason": "so"}


def schema(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sockproof", "schema", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)


@pytest.mark.parametrize("name", FORMATS)
def test_shipped_schema_is_that_of_the_record(name: str) -> None:
    assert path_of(name).read_text() == generated(name), "make schemas"
    jsonschema.Draft202012Validator.check_schema(json.loads(generated(name)))


def test_no_schema_is_left_behind() -> None:
    assert set(FOLDER.iterdir()) == {path_of(name) for name in FORMATS}


def test_command_lists_schemas_and_prints_one() -> None:
    listed = schema()
    assert [line.split()[0] for line in listed.stdout.splitlines()] == list(FORMATS)
    printed = schema("gate")
    assert (printed.returncode, printed.stdout) == (0, path_of("gate").read_text())


def test_unknown_schema_is_refused_in_one_line() -> None:
    done = schema("gait")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("sockproof: no schema 'gait'; there are ab,")


@pytest.mark.parametrize("name", HAND_WRITTEN)
def test_files_of_the_shelves_keep_their_schema(name: str) -> None:
    told = jsonschema.Draft202012Validator(json.loads(path_of(name).read_text()))
    paths = list(HAND_WRITTEN[name])
    assert paths
    for path in paths:
        told.validate(read_toml(path))
        assert as_record(read_toml(path), record_of(name), str(path))


def test_what_people_write_has_no_unknown_key_and_what_we_write_may() -> None:
    for name in FORMATS:
        record = record_of(name)
        if isinstance(record, type) and issubclass(record, HandWritten):
            assert record.__struct_config__.forbid_unknown_fields or record is ProfileFile
        else:
            assert '"additionalProperties": false' not in path_of(name).read_text()


@pytest.mark.parametrize(
    ("table", "kind", "told"),
    [
        ({"rule": [RULE, {"why": "x"}]}, RulesFile, "rule 2: the key 'that' is missing"),
        (
            {"rule": [{**RULE, "whenever": 1}]},
            RulesFile,
            "rule 1 (counts.lost == 0): unknown key 'whenever'; the keys are that, why, ",
        ),
        ({"rule": [RULE], "limit": 1}, RulesFile, "unknown key 'limit'; the keys are rule, "),
        ({"rule": []}, RulesFile, "rule: must not be empty"),
        (
            {"rule": [{**RULE, "window": "soon"}]},
            RulesFile,
            "rule 1 (counts.lost == 0): window: must be a time such as 10s or 500ms",
        ),
        ({"profile": {"path": "x"}}, ProfileFile, "profile.path: must begin with a slash"),
        (
            {"profile": {"limits": {"max_message": 0}}},
            ProfileFile,
            "profile.limits.max_message: expected whole number >= 1",
        ),
        (
            {"profile": {"limits": {"max": 1}}},
            ProfileFile,
            "profile.limits: unknown key 'max'; the keys are max_message, ",
        ),
        (
            {"expectation": [CASE, {**CASE, "outcome": "FAI"}]},
            ExpectationsFile,
            "expectation 2: outcome: unknown value 'FAI'; the values are PASS, ",
        ),
        ({"expectation": [{**CASE, "reason": " "}]}, ExpectationsFile, "reason: must not be empty"),
        ({"document": 1}, RequirementsFile, "document: expected string, got whole number"),
        ({"name": "x\n\x1b"}, TargetFile, "the key 'title' is missing"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    table: dict[str, object], kind: type[HandWritten], told: str
) -> None:
    with pytest.raises(FileError) as error:
        as_record(table, kind, "a.toml")
    assert str(error.value).startswith(f"a.toml: {told}") or f": {told}" in str(error.value)
    assert str(error.value).isprintable()
