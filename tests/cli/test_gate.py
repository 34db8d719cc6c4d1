"""`sockproof gate` and `sockproof load --rules`, as people and CI run them."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from sockproof.files import json_text
from sockproof.runs.load_records import RUN_FILE, SUMMARY_FILE
from sockproof.runs.records import RUN_FILE as CASES_FILE
from sockproof.runs.records import CaseRecord, RunWriter, read_run, to_json
from sockproof.targets.launch import free_port
from tests.analysis.test_gates import SUMMARY
from tests.load.command import load
from tests.render.load_sample import run_folder
from tests.render.sample import HOSTILE
from tests.waiting import LIMIT

RULES = """
[[rule]]
that = "latency.ack.intended.p50_ms <= {limit}"
why = "so it was agreed"
"""


def gate(*words: object) -> subprocess.CompletedProcess[str]:
    """The command, to its end."""
    command = [sys.executable, "-m", "sockproof", "gate", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT)


def stored(folder: Path, **changes: object) -> Path:
    """A run folder as a load run leaves it."""
    folder.mkdir()
    (folder / RUN_FILE).write_text("{}")
    (folder / SUMMARY_FILE).write_text(json_text({**SUMMARY, **changes}))
    return folder


def rules(folder: Path, limit: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(RULES.format(limit=limit))
    return path


def test_gate_is_passed(tmp_path: Path) -> None:
    run = stored(tmp_path / "run")
    done = gate(run, "--rules", rules(tmp_path, "3"))
    assert done.returncode == 0, done.stderr
    assert "Gate passed: 1 rule checked, none broken." in done.stdout
    assert json.loads((run / "gate.json").read_text())["outcome"] == "pass"


def test_gate_is_not_passed(tmp_path: Path) -> None:
    run = stored(tmp_path / "run")
    done = gate(run, "--rules", rules(tmp_path, "2"))
    assert done.returncode == 1
    assert "FAIL" in done.stdout
    assert "3 ms" in done.stdout
    assert "so it was agreed" in done.stdout
    (failure,) = ET.parse(run / "gate.xml").getroot().iter("failure")
    assert failure.get("message") == "found 3 ms"
    assert "| FAIL | `latency.ack.intended.p50_ms <= 2` | 3 ms |" in (run / "gate.md").read_text()


def test_run_that_is_not_fit_passes_no_gate(tmp_path: Path) -> None:
    reason = f"it was too slow {HOSTILE}"
    run = stored(tmp_path / "run", generator={"fit": False, "reasons": [reason]})
    done = gate(run, "--rules", rules(tmp_path, "3"), "--markdown", tmp_path / "to.md")
    assert done.returncode == 2
    assert "it was too slow" in done.stdout
    assert "\x1b" not in done.stdout
    assert [*ET.parse(run / "gate.xml").getroot().iter("error")]
    assert "<script" not in (tmp_path / "to.md").read_text()
    assert not (run / "gate.md").exists()


def test_rules_without_sense_are_refused_before_anything_is_read(tmp_path: Path) -> None:
    done = gate(tmp_path / "no-run", "--rules", rules(tmp_path, "soon"))
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert "'soon' is not a number" in done.stderr


@pytest.mark.parametrize("name", ["nonsense", "no/such", "missing.toml"])
def test_rules_that_are_not_there_are_said(name: str, tmp_path: Path) -> None:
    done = gate(tmp_path, "--rules", name)
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1


def test_run_of_the_other_kind_is_said(tmp_path: Path) -> None:
    done = gate(stored(tmp_path / "run"), "--rules", "conformance")
    assert done.returncode == 3
    assert "is a load run, but the rules 'conformance' are about cases" in done.stderr


def recorded_cases(folder: Path, fails: int = 0) -> Path:
    """The folder of a run of three cases, of which so many fail."""
    folder.mkdir(parents=True)
    with RunWriter(folder / CASES_FILE) as writer:
        writer.header({"target": "ws://127.0.0.1:1/", "started": "today"})
        for number in range(3):
            outcome = "FAIL" if number < fails else "PASS"
            name = f"websocket/masking/case_{number}"
            writer.case(CaseRecord(name, "rfc6455-5.1", "MUST", outcome))
        writer.finish({"exit_code": 1 if fails else 0})
    return folder


CASES = '[[rule]]\nthat = "conformance.suites.websocket.failed == 0"\n'


@pytest.mark.parametrize(("fails", "code"), [(0, 0), (1, 1)])
def test_run_of_cases_is_judged(fails: int, code: int, tmp_path: Path) -> None:
    run = recorded_cases(tmp_path / "run", fails)
    (tmp_path / "cases.toml").write_text(CASES)
    done = gate(run, "--rules", tmp_path / "cases.toml")
    assert done.returncode == code, done.stdout + done.stderr
    assert json.loads((run / "gate.json").read_text())["exit_code"] == code


def test_report_alone_is_judged_as_its_run_is(tmp_path: Path) -> None:
    report = read_run(recorded_cases(tmp_path / "run", 1))
    (tmp_path / "report.json").write_text(to_json(report))
    (tmp_path / "cases.toml").write_text(CASES)
    for place in (tmp_path / "report.json", tmp_path):
        (tmp_path / "gate.json").unlink(missing_ok=True)
        (tmp_path / "run" / CASES_FILE).unlink(missing_ok=True)
        assert gate(place, "--rules", tmp_path / "cases.toml").returncode == 1
        assert (tmp_path / "gate.json").is_file()


def test_folder_of_several_targets_is_judged_target_by_target(tmp_path: Path) -> None:
    for name, fails in (("one", 0), ("two", 1)):
        recorded_cases(tmp_path / "all" / name, fails)
    (tmp_path / "cases.toml").write_text(CASES)
    done = gate(tmp_path / "all", "--rules", tmp_path / "cases.toml")
    assert done.returncode == 1, done.stdout + done.stderr
    for name, outcome in (("one", "pass"), ("two", "fail")):
        judged = json.loads((tmp_path / "all" / name / "gate.json").read_text())
        assert judged["outcome"] == outcome


def test_one_file_gates_load_and_cases(tmp_path: Path) -> None:
    path = tmp_path / "both.toml"
    path.write_text(CASES + '[[rule]]\nthat = "counts.lost == 0"\n')
    for run in (stored(tmp_path / "load"), recorded_cases(tmp_path / "cases")):
        done = gate(run, "--rules", path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "1 rule checked, none broken. 1 rule for other kinds of runs skipped." in done.stdout


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (SUMMARY_FILE, '{"generator": [1]}'),
        (SUMMARY_FILE, '{"latency": 5, "generator": {"fit": true}, "target": "x"}'),
        (SUMMARY_FILE, "[1]"),
        (SUMMARY_FILE, "{"),
        ("report.json", '{"schema": 1, "cases": [1]}'),
        ("report.json", '{"schema": 1, "cases": 5}'),
    ],
)
def test_damaged_run_is_one_line(name: str, content: str, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    if name == SUMMARY_FILE:
        (run / RUN_FILE).write_text("{}")
    (run / name).write_text(content)
    (tmp_path / "both.toml").write_text(CASES + '[[rule]]\nthat = "counts.lost == 0"\n')
    done = gate(run, "--rules", tmp_path / "both.toml")
    assert done.returncode == 3, done.stdout + done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_what_strangers_wrote_does_no_harm(tmp_path: Path) -> None:
    url = f"http://user:sekret@sekret@{HOSTILE}/?token=sekret"
    changes = {"scenario": HOSTILE, "target": {"url": url}}
    run = stored(tmp_path / "run", **json.loads(json.dumps(changes)))
    (tmp_path / "mine.toml").write_text(
        f"title = {json.dumps(HOSTILE.encode(errors='ignore').decode())}\n" + RULES.format(limit=2)
    )
    done = gate(run, "--rules", tmp_path / "mine.toml")
    assert done.returncode == 1, done.stderr
    page = (run / "gate.md").read_text()
    root = ET.parse(run / "gate.xml").getroot()
    assert "<script" not in page
    assert not any(char in page + done.stdout for char in "\x1b\x07\0\u202e\x9b")
    assert "[link](" not in page
    assert "sekret" not in page + done.stdout + (run / "gate.json").read_text()
    assert [each.tag for each in root.iter()].count("testcase") == 1
    assert len(page.splitlines()) == 7  # nothing began a line of its own


def slower(folder: Path, name: str, milliseconds: float) -> Path:
    """A run folder in which acknowledgements took so long."""
    run = run_folder(folder / name)
    path = run / SUMMARY_FILE
    value = json.loads(path.read_text())
    for origin in ("intended", "actual"):
        value["latency"]["ack"][origin].update(p50_ms=milliseconds, p99_ms=milliseconds * 2)
    value["generator"].update(fit=True, reasons=[])
    path.write_text(json.dumps(value))
    return run


@pytest.mark.parametrize(("factor", "code"), [(1.0, 0), (1.5, 1)])
def test_runs_are_compared_with_a_baseline(factor: float, code: int, tmp_path: Path) -> None:
    noise = [1 + 0.01 * (number * 7 % 12) for number in range(12)]
    before = [slower(tmp_path, f"a{n}", 2 * each) for n, each in enumerate(noise)]
    after = [slower(tmp_path, f"b{n}", 2 * each * factor) for n, each in enumerate(noise)]
    done = gate(*after, "--baseline", *before, "--results", tmp_path / "results")
    assert done.returncode == code, done.stdout + done.stderr


def test_gate_wants_something_to_judge_by(tmp_path: Path) -> None:
    done = gate(tmp_path)
    assert done.returncode == 3
    assert "--rules, or earlier runs with --baseline" in done.stderr


def test_worst_of_several_runs_decides(tmp_path: Path) -> None:
    slow = {"ack": {"intended": {"samples": 500, "p50_ms": 30.0}}}
    runs = stored(tmp_path / "a"), stored(tmp_path / "b", latency=slow)
    done = gate(*runs, "--rules", rules(tmp_path, "3"))
    assert done.returncode == 1
    assert "Gate passed" in done.stdout
    assert "Gate failed" in done.stdout
    assert (runs[1] / "gate.json").exists()


def test_several_runs_are_told_in_one_file(tmp_path: Path) -> None:
    slow = {"ack": {"intended": {"samples": 500, "p50_ms": 30.0}}}
    runs = stored(tmp_path / "a"), stored(tmp_path / "b", latency=slow)
    names = {"--junit": "all.xml", "--markdown": "all.md", "--json": "all.json"}
    files = [word for option, name in names.items() for word in (option, tmp_path / name)]
    done = gate(*runs, "--rules", rules(tmp_path, "3"), *files)
    assert done.returncode == 1, done.stderr
    suites = ET.parse(tmp_path / "all.xml").getroot().findall("testsuite")
    assert [each.get("failures") for each in suites] == ["0", "1"]
    assert (tmp_path / "all.md").read_text().count("###") == 2
    together = json.loads((tmp_path / "all.json").read_text())
    assert [each["outcome"] for each in together["gates"]] == ["pass", "fail"]
    assert together["exit_code"] == 1


def test_file_that_cannot_be_written_is_said_before_anything_is_judged(tmp_path: Path) -> None:
    words = ("--rules", rules(tmp_path, "3"), "--junit", tmp_path / "no" / "such.xml")
    done = gate(stored(tmp_path / "run"), *words)
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("samples", "exercised", "said"),
    [(50, 500, "50 samples are too few, 100 are needed"), (500, 0, "was not exercised")],
)
def test_run_that_says_too_little_passes_no_gate(
    samples: int, exercised: int, said: str, tmp_path: Path
) -> None:
    run = stored(
        tmp_path / "run",
        latency={"ack": {"intended": {"samples": samples, "p50_ms": 3.0}}},
        properties={"lost": {"verdict": bool(exercised) or "not exercised"}},
    )
    (tmp_path / "mine.toml").write_text(
        "min_samples = 100\n"
        + RULES.format(limit=3)
        + '[[rule]]\nthat = "properties.lost.verdict == true"\n'
    )
    done = gate(run, "--rules", tmp_path / "mine.toml")
    assert done.returncode == 2, done.stderr
    assert said in done.stdout
    assert "1 of 2 rules cannot be checked" in done.stdout


def test_load_run_keeps_the_rules_of_the_shelf(tmp_path: Path) -> None:
    for _ in range(3):  # a machine that is busy with other tests may leave a run unfit to judge
        found = load(tmp_path, "chat_rooms", "--run-time", "6s", "--rules", "smoke", "--rate", "5")
        if found.code != 2:
            break
    assert found.code == 0, found.output
    assert "Gate passed: 8 rules checked, none broken." in found.output


def test_broken_rule_ends_a_run_early(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}/"
    found = load(tmp_path, "chat_rooms", url, "--run-time", "10m", "--rules", "smoke")
    assert found.code == 1, found.output
    assert "counts.connect_failures == 0 is broken" in found.output
    assert json.loads((found.folder / "gate.json").read_text())["outcome"] == "fail"


def test_run_that_a_percentile_ends_is_broken_for_good(tmp_path: Path) -> None:
    path = tmp_path / "soon.toml"
    path.write_text(
        '[[rule]]\nthat = "latency.ack.intended.p50_ms <= 0.001"\nabort = true\nwhy = "so"\n'
    )
    # No lag of the generator explains it away.
    ignored = ("--max-lag", "60000")
    words = ("echo", "--rate", "20", "--run-time", "10m", "--rules", str(path), *ignored)
    found = load(tmp_path, *words, "--no-report")
    assert found.code == 1, found.output
    assert "latency.ack.intended.p50_ms <= 0.001 is broken" in found.output
    # Users were let go in order: what was sent is accounted for.
    counts = found.summary["counts"]
    assert counts["acknowledged"] == counts["emitted"] > 0
    again = gate(found.folder, "--rules", path)
    assert again.returncode == 1
    assert "which ended it" in again.stdout


def test_rules_about_cases_are_refused_for_a_load_run(tmp_path: Path) -> None:
    found = load(tmp_path, "chat_rooms", "--rules", "conformance")
    assert found.code == 3
    assert "the rules 'conformance' are about cases" in found.output
    assert not found.folder.exists()
