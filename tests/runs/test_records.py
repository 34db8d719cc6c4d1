"""A run's records: written line by line, read back whole, torn or interrupted."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from sockproof.files import FileError, WriteError
from sockproof.formats.schema import path_of
from sockproof.runs.records import (
    OUTCOMES,
    RUN_FILE,
    CaseRecord,
    RunWriter,
    WireEntry,
    count_outcomes,
    cut,
    link_latest,
    new_run_folder,
    now,
    read_run,
    to_json,
    weighs,
)
from tests.render import sample

SCHEMA = json.loads(path_of("conformance-report").read_text())
VALIDATOR = Draft202012Validator(SCHEMA)


def write(path: Path, *records: CaseRecord, finish: dict[str, object] | None = None) -> None:
    with RunWriter(path) as writer:
        writer.header(sample.HEADER)
        for record in records:
            writer.case(record)
        if finish is not None:
            writer.finish(finish)


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", ["sample", "clean", "hostile", "large"])
def test_a_report_keeps_to_the_schema(name: str) -> None:
    VALIDATOR.validate(json.loads(to_json(getattr(sample, name)())))


def test_the_schema_refuses_an_unknown_outcome() -> None:
    report = sample.sample()
    report["cases"][0]["outcome"] = "OK"
    assert not VALIDATOR.is_valid(report)


def test_octets_are_hexadecimal_in_json() -> None:
    entry = WireEntry(1, 5, "sent", b"\x00\xff", True, 9, "BINARY")
    assert entry.to_json()["octets"] == "00ff"


def test_a_whole_run_is_read_back(tmp_path: Path) -> None:
    write(tmp_path / "run.jsonl", *sample.cases(), finish=sample.FINISH)
    report = read_run(tmp_path)
    assert report["interrupted"] is False
    assert report["exit_code"] == 1
    assert report["seconds"] == 4.2
    assert report["counts"] == {
        "PASS": 3, "NON_STRICT": 1, "FAIL": 3, "UNSUPPORTED": 1, "INCONCLUSIVE": 1
    }  # fmt: skip
    assert [case["id"] for case in report["cases"]] == [record.id for record in sample.cases()]


def test_what_is_concluded_from_a_whole_run_is_read_back(tmp_path: Path) -> None:
    proposal = {"expect": "lib", "title": "lib on x", "known": 3, "faults": 3}
    with RunWriter(tmp_path / RUN_FILE) as writer:
        writer.header(sample.HEADER | {"excluded": ["websocket/a/*"]})
        writer.finish(sample.FINISH)
        writer.also({"proposal": proposal})
    report = read_run(tmp_path)
    assert report["proposal"] == proposal
    assert report["exit_code"] == 1
    VALIDATOR.validate(report)


def test_a_run_without_its_finish_was_interrupted(tmp_path: Path) -> None:
    write(tmp_path / "run.jsonl", sample.cases()[0])
    report = read_run(tmp_path / "run.jsonl")
    assert (report["interrupted"], report["exit_code"]) == (True, 130)
    assert report["seconds"] > 0
    VALIDATOR.validate(report)


def test_every_line_is_there_before_the_writer_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with RunWriter(path) as writer:
        writer.header(sample.HEADER)
        assert read_run(path)["cases"] == []
        writer.case(sample.cases()[0])
        assert len(read_run(path)["cases"]) == 1


def test_a_line_torn_anywhere_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    write(path, sample.cases()[0], sample.cases()[1])
    whole = path.read_bytes()
    second = whole.rindex(b"\n", 0, -1) + 1
    for end in range(second, len(whole), 97):
        path.write_bytes(whole[:end])
        report = read_run(path)
        assert len(report["cases"]) == 1
        assert report["interrupted"] is True


def test_a_broken_line_in_the_middle_is_left_out_and_named(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    first, _, third = (record.to_json() for record in sample.cases()[:3])
    with RunWriter(path) as writer:
        writer.header(sample.HEADER)
        for record in sample.cases()[:3]:
            writer.case(record)
        writer.revise(1, {"outcome": "PASS"})
        writer.revise(2, {"got": "something"})
        writer.finish({**sample.FINISH, "exit_code": 0})
    split = path.read_text().split("\n")
    split[2] = split[2][:50]
    path.write_text("\n".join(split))
    report = read_run(path)
    assert report["cases"] == [first, third | {"got": "something"}]
    assert report["exit_code"] == 2
    assert report["damage"] == [
        f"{path}: line 3 is not JSON: invalid character (byte 50); 2 cases can be read"
    ]
    VALIDATOR.validate(report)


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "does not begin with a header"),
        (b"\xff\xfe\n", "line 1 is not JSON"),
        (b"hello\nworld\n", "line 1"),
        (b'{"kind":"header","at":0,"values":{"schema":9}}\n', "has schema 9"),
        (b'{"kind":"case","at":0,"values":{}}\n', "line 1 .* no header before it"),
        (b'{"kind":' * 100_000 + b"\n", "line 1 is invalid"),
    ],
)
def test_what_is_no_run_is_refused(tmp_path: Path, octets: bytes, why: str) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(octets)
    with pytest.raises(FileError, match=why) as caught:
        read_run(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "is not JSON"),
        (b'{"schema": 2, "cases": []}', "is invalid: .*missing"),
        (b'{"schema": 1e999}', "is invalid: Number out of range"),
    ],
)
def test_what_is_no_report_is_refused(tmp_path: Path, octets: bytes, why: str) -> None:
    path = tmp_path / "report.json"
    path.write_bytes(octets)
    with pytest.raises(FileError, match=why) as caught:
        read_run(path)
    assert "\n" not in str(caught.value)


def test_a_report_of_a_later_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(to_json(sample.sample() | {"schema": 2}))
    with pytest.raises(FileError, match="has schema 2; this version reads 1"):
        read_run(tmp_path / "report.json")


def test_a_missing_run_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be read"):
        read_run(tmp_path / "nothing")
    with pytest.raises(WriteError, match="cannot write"):
        RunWriter(tmp_path / "no" / "run.jsonl")


def test_the_json_report_is_read_back_too(tmp_path: Path) -> None:
    report = sample.sample()
    (tmp_path / "report.json").write_text(to_json(report))
    assert read_run(tmp_path / "report.json") == report


def test_what_a_server_sent_cannot_break_the_json() -> None:
    text = to_json(sample.hostile())
    assert text.isascii()
    assert "\x1b" not in text
    assert "\\ud800" in text.replace("\\\\", "\\")
    json.loads(text)["cases"][0]["got"].encode("utf-8")  # no lone surrogate is left
    assert len(text) < 2 * 1024 * 1024


def test_not_a_number_is_refused(tmp_path: Path) -> None:
    with RunWriter(tmp_path / "run.jsonl") as writer, pytest.raises(ValueError):
        writer.header({"seconds": float("nan")})


def test_cut_says_what_is_missing_even_twice() -> None:
    assert cut("abcdef", 6) == "abcdef"
    assert cut("abcdef", 2) == "ab… (4 characters more)"
    assert cut(cut("x" * 1000, 100), 10) == cut("x" * 1000, 10)
    assert cut(cut("x" * 1000, 100), 100) == cut("x" * 1000, 100)


@pytest.mark.parametrize(
    ("level", "outcome", "known", "lax", "strict"),
    [
        ("MUST", "FAIL", False, True, True),
        ("DESCRIBED", "FAIL", False, True, True),
        ("SHOULD", "FAIL", False, False, True),
        ("MAY", "FAIL", False, False, False),
        ("MUST", "NON_STRICT", False, False, True),
        ("MUST", "FAIL", True, False, False),
        ("MUST", "INCONCLUSIVE", False, False, False),
        ("MUST", "PASS", False, False, False),
    ],
)
def test_what_weighs(level: str, outcome: str, known: bool, lax: bool, strict: bool) -> None:
    expectation = {"reason": "so"} if known else None
    case = {"level": level, "outcome": outcome, "expectation": expectation}
    assert weighs(case) is lax
    assert weighs(case, strict=True) is strict
    assert outcome in OUTCOMES


def test_what_is_set_aside_does_not_count() -> None:
    record = sample.case("websocket/control/one", "rfc6455-5.5.2-pong", "FAIL")
    assert weighs(record.to_json())
    record.set_aside("follows", "rfc6455-5.5.3-latest", "It needs what is broken.")
    assert not weighs(record.to_json(), strict=True)
    assert count_outcomes([record.to_json()]) == dict.fromkeys(OUTCOMES, 0)
    report = sample.sample()
    report["cases"].append(record.to_json())
    VALIDATOR.validate(report)
    report["cases"][-1]["aside"]["kind"] = "because"
    assert not VALIDATOR.is_valid(report)


def test_a_case_that_ended_otherwise_is_revised_where_it_stands(tmp_path: Path) -> None:
    first, second = sample.cases()[:2]
    again = replace(first, outcome="FAIL", expected="a PONG")
    fields = {"outcome": "FAIL", "expected": "a PONG"}
    path = tmp_path / "run.jsonl"
    with RunWriter(path) as writer:
        writer.header(sample.HEADER)
        assert [writer.case(first), writer.case(second), writer.case(first)] == [0, 1, 2]
        writer.revise(2, fields)
    cases = read_run(path)["cases"]
    assert cases == [first.to_json(), second.to_json(), again.to_json()]


@pytest.mark.parametrize("values", [{}, {"number": 1, "fields": {}}, {"number": -1, "fields": {}}])
def test_a_revision_of_nothing_is_damage(tmp_path: Path, values: dict[str, object]) -> None:
    path = tmp_path / "run.jsonl"
    write(path, sample.cases()[0])
    line = {"kind": "revised", "at": 1, "values": values}
    path.write_text(path.read_text() + json.dumps(line) + "\n")
    report = read_run(path)
    assert report["cases"] == [sample.cases()[0].to_json()]
    assert "line 3 is invalid" in report["damage"][0]


def test_each_run_has_a_folder_and_the_link_points_to_the_last(tmp_path: Path) -> None:
    results = tmp_path / "results"
    first = new_run_folder(results, "conformance")
    second = new_run_folder(results, "conformance")
    assert first != second
    assert link_latest(first, "conformance").resolve() == first.resolve()
    link = link_latest(second, "conformance")
    assert link == results / "latest-conformance"
    assert str(link.readlink()) == second.name
    assert sorted(results.iterdir()) == sorted([first, second, link])


def test_a_folder_in_the_way_of_the_link_is_left_alone(tmp_path: Path) -> None:
    folder = new_run_folder(tmp_path, "conformance")
    (tmp_path / "latest-conformance").mkdir()
    with pytest.raises(WriteError, match="cannot be made a link"):
        link_latest(folder, "conformance")
    assert sorted(path.name for path in tmp_path.iterdir()) == [folder.name, "latest-conformance"]


def test_results_that_cannot_be_written_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError, match="cannot be written"):
        new_run_folder(tmp_path / "file", "conformance")


def test_now_is_rfc_3339() -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", now())
