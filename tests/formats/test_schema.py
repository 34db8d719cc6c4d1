"""Schemas of all formats are shipped, made of the records that files are read as."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import msgspec
import pytest

from sockproof.analysis.gates.gate import judge, told
from sockproof.analysis.gates.rules import Rule, Rules, condition
from sockproof.analysis.statistics.calibration import calibration
from sockproof.analysis.summary import stored_summary
from sockproof.files import FileError, json_text, read_toml
from sockproof.formats import HandWritten
from sockproof.formats.judgements import (
    CalibrationPoint,
    Capacity,
    CapacityProbe,
    Change,
    Compared,
    Gates,
    LoadOutcome,
)
from sockproof.formats.load import ClockLine, Ended, Violation
from sockproof.formats.reading import as_record
from sockproof.formats.schema import FOLDER, FORMATS, generated, path_of, record_of
from sockproof.formats.tables import (
    ExpectationsFile,
    ProfileFile,
    RequirementsFile,
    RulesFile,
    TargetFile,
)
from sockproof.render.conformance import matrix
from sockproof.render.site.data import results
from sockproof.render.site.servers import histories, requirements
from sockproof.runs.records import to_json
from sockproof.shelves import shelf
from tests import damage_samples
from tests.render import sample, test_matrix
from tests.render.load_sample import run_folder
from tests.render.test_ab import ALIKE, compared, judged
from tests.study import found
from tests.waiting import LIMIT

HAND_WRITTEN = {
    "driver": shelf("drivers").glob("*/driver.toml"),
    "expectations": shelf("conformance").glob("expectations/*.toml"),
    "requirements": shelf("conformance").glob("requirements/*.toml"),
    "rules": shelf("gates").glob("*.toml"),
    "target": shelf("targets").glob("*/target.toml"),
}
RULE = {"that": "counts.lost == 0"}
CASE = {"case": "a/b/c", "outcome": "FAIL", "reason": "so"}


def schema(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sockproof", "schema", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT)


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
    assert done.stderr.startswith("sockproof: no schema 'gait'; choose one of ab,")


@pytest.mark.parametrize("name", HAND_WRITTEN)
def test_files_of_the_shelves_keep_their_schema(name: str) -> None:
    keeps = jsonschema.Draft202012Validator(json.loads(path_of(name).read_text()))
    paths = list(HAND_WRITTEN[name])
    assert paths
    for path in paths:
        keeps.validate(read_toml(path))
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
        (
            {"profile": {"capabilities": ["echo", "ehco"]}},
            ProfileFile,
            "profile.capabilities 2: unknown value 'ehco'; the values are echo, binary, push, "
            "server-close, subprotocols, permessage-deflate, headers, tls, unsticky, ",
        ),
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


def written(place: Path) -> Iterator[tuple[str, str]]:
    """Each format that sockproof writes, as it does."""
    run = run_folder(place / "run")
    summary = stored_summary.read(run / "summary.json")
    document = judged({"schema": 1, **compared(*ALIKE)})
    study = damage_samples.study(found)
    rules = Rules("smoke", (Rule(condition("counts.lost == 0")),))
    gate = told("smoke", "run", "echo", judge(rules, msgspec.to_builtins(summary)))
    point = CalibrationPoint(10.0, 500.0, 10.1, 11.0, 10.2, None, True)
    latency: dict[str, dict[str, float | None]]
    latency = {"ack": {**summary.latency["ack"]["intended"]}, "delivery": {"p99_ms": None}}
    probe = CapacityProbe(9, LoadOutcome.KEPT, "", 9.0, 9.0, None, 0, latency)
    capacity = Capacity(
        scenario="echo",
        objectives=["counts.lost == 0"],
        kept=9,
        limit=None,
        why=None,
        text="",
        probes=[probe],
    )
    change = Change("latency.ack.intended.p50_ms", 1.0, 1.1, 1.1, 0.9, 1.2, "inconclusive")
    both = Compared(
        a=["a"],
        b=["b"],
        ran={},
        differing={"users": (["1"], [])},
        unfit=[],
        violations={"lost": (0, 1)},
        changes=[change],
    )
    yield "load-run", (run / "run.json").read_text()
    yield "load-summary", (run / "summary.json").read_text()
    yield "conformance-report", to_json(sample.sample())
    sample.write_run(place / "run.jsonl", also={"remarks": ["so"]})
    lines = (place / "run.jsonl").read_text().splitlines()
    yield from (("conformance-run", line) for line in lines)
    for kind in ("health", "latency", "delivery", "rooms"):
        (path,) = run.glob(f"{kind}-*.jsonl")
        name = "load-latency" if kind == "delivery" else f"load-{kind}"
        yield from ((name, line) for line in path.read_text().splitlines())
    yield "load-clock", json_text(ClockLine(sent=1, received=3, there=2))
    yield "matrix", matrix.to_json(test_matrix.matrix())
    read = msgspec.json.decode(matrix.to_json(test_matrix.matrix()), type=record_of("matrix"))
    yield "site", json_text(results(histories([read]), requirements([read]), "0.1.0"))
    yield "ab", json_text(document)
    yield "study", json_text(study)
    yield "gate", json_text(gate)
    yield "gates", json_text(Gates(exit_code=gate.exit_code, gates=[gate]))
    yield "calibration", json_text(calibration([point], [point], "2026-01-01T00:00:00.000Z"))
    yield "capacity", json_text(capacity)
    yield "compare", json_text(both)
    amiss = Violation(time="2026-01-01T00:00:00.000000Z", second=1.0, kinds=["lost"], body="x")
    yield "violations", json_text(amiss)
    yield "violations", json_text(Violation(left_out=3))
    yield "ended", json_text(Ended("counts.lost == 0", 3.0, 4.0))


def test_what_is_written_keeps_its_schema(tmp_path: Path) -> None:
    seen = {}
    keep = {
        name: jsonschema.Draft202012Validator(json.loads(path_of(name).read_text()))
        for name in FORMATS
    }
    for name, text in written(tmp_path):
        seen[name] = json.loads(text)
        keep[name].validate(seen[name])
        assert msgspec.json.decode(text, type=record_of(name))
    assert {*seen, *HAND_WRITTEN, "profile"} == set(FORMATS)
