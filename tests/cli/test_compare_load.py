"""`sockproof compare` of load runs, as people run it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sockproof.runs.load_records import RUN_FILE, SUMMARY_FILE
from tests.render.load_sample import run_folder
from tests.waiting import LIMIT


def compare(results: Path, *words: object) -> subprocess.CompletedProcess[str]:
    """The command, to its end."""
    command = [sys.executable, "-m", "sockproof", "compare", *map(str, words)]
    command += ["--results", str(results)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT)


def test_same_run_is_alike(tmp_path: Path) -> None:
    run = run_folder(tmp_path / "run")
    done = compare(tmp_path, run, run)
    assert done.returncode == 0, done.stderr
    assert "4 alike" in done.stdout
    page = (tmp_path / "latest-compare" / "compare.html").read_text()
    assert page.count("data:image/svg+xml;base64,") == 2
    assert "<script" not in page
    for kind in ("ack", "delivery"):
        place = tmp_path / "latest-compare" / "figures"
        assert (place / f"{kind}.png").read_bytes().startswith(b"\x89PNG")
        assert (place / f"{kind}.svg").stat().st_size > 1000
    value = json.loads((tmp_path / "latest-compare" / "compare.json").read_text())
    assert {each["verdict"] for each in value["changes"]} == {"alike"}


def test_messages_that_only_b_loses_are_worse(tmp_path: Path) -> None:
    a, b = run_folder(tmp_path / "a"), run_folder(tmp_path / "b")
    path = b / SUMMARY_FILE
    value = json.loads(path.read_text())
    value["counts"]["lost"] = 3
    path.write_text(json.dumps(value))
    done = compare(tmp_path, a, b)
    assert done.returncode == 1
    assert "B has violations that A does not have: lost" in done.stdout
    assert "lost: 0 in A, 3 in B" in done.stdout


def test_what_was_run_differently_is_said(tmp_path: Path) -> None:
    a, b = run_folder(tmp_path / "a"), run_folder(tmp_path / "b", text="rooms")
    path = b / RUN_FILE
    value = json.loads(path.read_text())
    value["parameters"]["room_size"] = 20
    path.write_text(json.dumps(value))
    done = compare(tmp_path, a, b)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(
        f"A: echo on http://echo/ ({a})\nB: rooms on http://rooms/ ({b})\n"
    )
    assert "different: scenario (echo in A, rooms in B)" in done.stdout
    assert "different: room size (nothing in A, 20 in B)" in done.stdout
    assert "users" not in done.stdout


def test_groups_of_runs_are_compared(tmp_path: Path) -> None:
    runs = [run_folder(tmp_path / name) for name in ("a", "b", "c")]
    done = compare(tmp_path, f"{runs[0]},{runs[1]}", runs[2])
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (",", "run", "name two runs"),
        ("run", "other", "a load run can only be compared with a load run"),
        ("other", "other", "no such"),
        ("other,other", "other", "can be compared"),
    ],
)
def test_wrong_command_is_one_line_and_code_3(
    before: str, after: str, said: str, tmp_path: Path
) -> None:
    run_folder(tmp_path / "run")
    words = [
        ",".join(str(tmp_path / name) if name else "" for name in text.split(","))
        for text in (before, after)
    ]
    done = compare(tmp_path, *words)
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert said in done.stderr.lower()
