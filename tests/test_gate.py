"""`sockproof gate` and `sockproof load --rules`, as people and CI run them."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from sockproof.load_records import RUN_FILE, SUMMARY_FILE
from tests.analysis.test_gates import SUMMARY
from tests.load.command import load
from tests.render.load_sample import run_folder
from tests.render.sample import HOSTILE

RULES = """
[[rule]]
that = "latency.ack.intended.p50_ms <= {limit}"
why = "so it was agreed"
"""


def gate(*words: object) -> subprocess.CompletedProcess[str]:
    """The command, to its end."""
    command = [sys.executable, "-m", "sockproof", "gate", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)


def stored(folder: Path, **changes: object) -> Path:
    """A run folder as a load run leaves it."""
    folder.mkdir()
    (folder / RUN_FILE).write_text("{}")
    (folder / SUMMARY_FILE).write_text(json.dumps({**SUMMARY, **changes}))
    return folder


def rules(folder: Path, limit: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(RULES.format(limit=limit))
    return path


def test_gate_is_passed(tmp_path: Path) -> None:
    run = stored(tmp_path / "run")
    done = gate(run, "--rules", rules(tmp_path, "3"))
    assert done.returncode == 0, done.stderr
    assert "The gate is passed: 1 rule kept." in done.stdout
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
    assert "'soon' is no number" in done.stderr


@pytest.mark.parametrize("name", ["nonsense", "no/such", "missing.toml"])
def test_rules_that_are_not_there_are_said(name: str, tmp_path: Path) -> None:
    done = gate(tmp_path, "--rules", name)
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1


def test_run_of_the_other_kind_is_said(tmp_path: Path) -> None:
    done = gate(stored(tmp_path / "run"), "--rules", "conformance")
    assert done.returncode == 3
    assert "the rules are about cases" in done.stderr


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
    assert "--rules, or runs to compare with" in done.stderr


def test_worst_of_several_runs_decides(tmp_path: Path) -> None:
    slow = {"ack": {"intended": {"samples": 500, "p50_ms": 30.0}}}
    runs = stored(tmp_path / "a"), stored(tmp_path / "b", latency=slow)
    done = gate(*runs, "--rules", rules(tmp_path, "3"))
    assert done.returncode == 1
    assert "is passed" in done.stdout
    assert "is not passed" in done.stdout
    assert (runs[1] / "gate.json").exists()


@pytest.mark.timeout(90)
def test_load_run_keeps_the_rules_of_the_shelf(tmp_path: Path) -> None:
    found = load(tmp_path, "chat_rooms", "--run-time", "6s", "--rules", "smoke", "--rate", "5")
    assert found.code == 0, found.output
    assert "The gate is passed: 7 rules kept." in found.output


@pytest.mark.timeout(90)
def test_broken_rule_ends_a_run_early(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    found = load(tmp_path, "chat_rooms", url, "--run-time", "10m", "--rules", "smoke")
    assert found.code == 1, found.output
    assert "counts.connect_failures == 0 is broken" in found.output
    assert json.loads((found.folder / "gate.json").read_text())["outcome"] == "fail"


def test_rules_about_cases_are_refused_for_a_load_run(tmp_path: Path) -> None:
    found = load(tmp_path, "chat_rooms", "--rules", "conformance")
    assert found.code == 3
    assert not found.folder.exists()
