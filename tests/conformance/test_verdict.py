"""Expectations and exit codes: what makes a run fail, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from sockproof.conformance.running.run import exit_code
from sockproof.conformance.shelf.expectations import (
    Expectation,
    ExpectationError,
    apply_expectations,
    glob_matches,
    load_expectations,
    stale_expectations,
)
from sockproof.files import FileError
from sockproof.runs.records import CaseRecord

ID = "websocket/masking/server_masks_no_frame[text]"


def record(outcome: str, level: str = "MUST") -> CaseRecord:
    return CaseRecord(ID, "rfc6455-5.1-server-unmasked", level, outcome)


def expectations(
    path: Path, outcome: str = "FAIL", more: str = "", case: str = ID
) -> list[Expectation]:
    file = path / "known.toml"
    file.write_text(
        f"[[expectation]]\ncase = '{case}'\noutcome = '{outcome}'\nreason = 'known'\n{more}",
        encoding="utf-8",
    )
    return load_expectations(file)


@pytest.mark.parametrize(
    ("outcome", "level", "strict", "code"),
    [
        ("PASS", "MUST", False, 0),
        ("FAIL", "MUST", False, 1),
        ("FAIL", "DESCRIBED", False, 1),
        ("FAIL", "SHOULD", False, 0),
        ("FAIL", "SHOULD", True, 1),
        ("NON_STRICT", "MUST", False, 0),
        ("NON_STRICT", "MUST", True, 1),
        ("UNSUPPORTED", "MUST", False, 2),
    ],
)
def test_exit_code_of_one_case(outcome: str, level: str, strict: bool, code: int) -> None:
    assert exit_code([record(outcome, level)], [], strict) == code


def test_must_case_that_could_not_be_set_up_is_not_judged() -> None:
    assert exit_code([record("PASS"), record("INCONCLUSIVE")], [], False) == 2
    assert exit_code([], [], False) == 2


def test_what_is_set_aside_decides_nothing() -> None:
    aside = [record("FAIL"), record("INCONCLUSIVE")]
    for each in aside:
        each.set_aside("did-not-repeat", "", "It passed when it ran again, alone.")
    assert exit_code([record("PASS"), *aside], [], True) == 0
    assert exit_code(aside, [], False) == 2


def test_case_for_whose_second_look_there_was_no_time_is_not_judged() -> None:
    cut_short = record("FAIL")
    cut_short.set_aside("no-time", "", "It was due to run again alone, but the run ended.")
    assert exit_code([record("PASS"), cut_short], [], False) == 2
    assert exit_code([record("FAIL"), cut_short], [], False) == 1


def test_expected_failure_does_not_fail_the_run_and_a_stale_one_does(tmp_path: Path) -> None:
    known = expectations(tmp_path)
    failed = record("FAIL")
    apply_expectations(failed, known)
    assert failed.expectation is not None
    assert exit_code([failed], [], False) == 0
    assert stale_expectations(known, [(ID, "FAIL")], [ID]) == []
    stale = stale_expectations(known, [(ID, "PASS")], [ID])
    assert exit_code([record("PASS")], stale, False) == 1
    assert stale_expectations(known, [(ID, "INCONCLUSIVE")], [ID]) == []


def test_fault_that_races_may_go_either_way(tmp_path: Path) -> None:
    known = expectations(tmp_path, more="sometimes = true\n")
    assert stale_expectations(known, [(ID, "PASS")], [ID]) == []


def test_expectation_may_name_several_cases(tmp_path: Path) -> None:
    file = tmp_path / "known.toml"
    entry = f"case = ['{ID}', 'websocket/utf8/*']\noutcome = 'FAIL'\nreason = 'known'\n"
    file.write_text(f"[[expectation]]\n{entry}", encoding="utf-8")
    known = load_expectations(file)
    assert [each.case for each in known] == [ID, "websocket/utf8/*"]
    other = "websocket/utf8/other"
    stale = stale_expectations(known, [(ID, "FAIL"), (other, "PASS")], [ID, other])
    assert [each["case"] for each in stale] == ["websocket/utf8/*"]


def extending(folder: Path, head: str) -> list[Expectation]:
    base = (
        "[[expectation]]\ncase = ['{}', 'websocket/utf8/*']\noutcome = 'FAIL'\nreason = 'all do'\n"
    )
    (folder / "base.toml").write_text(base.format(ID), encoding="utf-8")
    file = folder / "own.toml"
    entry = f"[[expectation]]\ncase = '{ID}'\noutcome = 'FAIL'\nreason = 'its own'\n"
    file.write_text(head + entry, encoding="utf-8")
    return load_expectations(file)


def test_file_may_extend_another(tmp_path: Path) -> None:
    known = extending(tmp_path, "extends = 'base'\n")
    assert [(each.case, each.reason) for each in known] == [
        (ID, "its own"),
        (ID, "all do"),
        ("websocket/utf8/*", "all do"),
    ]
    failed = record("FAIL")
    apply_expectations(failed, known)
    assert failed.expectation is not None
    assert failed.expectation["reason"] == "its own"
    assert Path(failed.expectation["file"]).name == "own.toml"


def test_entry_that_is_extended_may_be_left_out(tmp_path: Path) -> None:
    known = extending(tmp_path, "extends = 'base'\nwithout = ['websocket/utf8/*']\n")
    assert [each.case for each in known] == [ID, ID]


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ("extends = 'no such'\n", "no such.toml"),
        ("extends = 7\n", "extends: expected string"),
        ("extends = '../base'\n", "extends: must name a file beside"),
        ("extends = 'own'\n", "extend nothing itself"),
        ("extends = 'base'\nwithout = ['nothing']\n", "'nothing', which base.toml has not"),
        ("extends = 'base'\nwithout = 'x'\n", "without: expected array"),
        ("without = ['x']\n", "without is for what a file extends"),
    ],
)
def test_wrong_extension_is_told(tmp_path: Path, head: str, told: str) -> None:
    with pytest.raises((ExpectationError, FileError)) as caught:
        extending(tmp_path, head)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("case", ["''", "[]", "['']", "[7]", "7"])
def test_expectation_that_names_no_case_is_refused(tmp_path: Path, case: str) -> None:
    file = tmp_path / "known.toml"
    entry = f"case = {case}\noutcome = 'FAIL'\nreason = 'known'\n"
    file.write_text(f"[[expectation]]\n{entry}", encoding="utf-8")
    with pytest.raises(FileError, match=r"expectation 1: case"):
        load_expectations(file)


def test_expectation_of_a_case_that_does_not_exist_is_stale(tmp_path: Path) -> None:
    known = expectations(tmp_path, case="websocket/masking/no_such_case")
    assert [each["outcome"] for each in stale_expectations(known, [], [ID])] == ["no such case"]


def test_brackets_of_an_id_mean_themselves() -> None:
    assert glob_matches(ID, ID)
    assert glob_matches("websocket/*[text]", ID)
    assert not glob_matches("websocket/masking/server_masks_no_frame[tex]", ID)


@pytest.mark.parametrize("more", ["unknown = 1\n", "sometimes = 'yes'\n", "outcome = 3\n"])
def test_broken_file_is_one_line(tmp_path: Path, more: str) -> None:
    with pytest.raises((ExpectationError, FileError)) as caught:
        expectations(tmp_path, more=more)
    assert "known.toml" in str(caught.value)
