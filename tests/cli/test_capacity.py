"""`sockproof capacity`, as people run it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import LIMIT

U = "http://127.0.0.1:9/"


def capacity(results: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command, to its end."""
    command = [sys.executable, "-m", "sockproof", "capacity", *words, "--results", str(results)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT)


def test_load_is_stepped_confirmed_and_drawn(tmp_path: Path) -> None:
    slo = ("--slo", "counts.lost == 0", "--slo", "counts.connections_opened <= 9")
    more = ("--rate", "5", "--run-time", "4s", "--from", "8", "--to", "10")
    done = capacity(tmp_path, "echo", *slo, *more)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path / "latest-capacity"
    value = json.loads((folder / "capacity.json").read_text())
    assert [each["users"] for each in value["probes"]] == [8, 10, 9, 9]
    assert (value["kept"], value["limit"]) == (9, 10)
    assert value["why"] in ("broken", "generator")  # a busy machine is the limit itself
    assert "With 9 users all objectives hold (counts.lost == 0 and " in done.stdout
    assert value["probes"][1]["heard_rate"] == pytest.approx(10 * 5, rel=0.2)
    assert (folder / "capacity.png").stat().st_size > 1000
    assert "| 9 | ok |" in (folder / "capacity.md").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("echo",), "--slo"),
        (("echo", "--slo", "counts.lots == 0"), "did you mean 'counts.lost'?"),
        (("echo", "--slo", "conformance.failed == 0"), "is about load"),
        (("nonsense", "--slo", "counts.lost == 0"), "no scenario 'nonsense'"),
        (("echo", "--slo", "counts.lost == 0", "--from", "9", "--to", "8"), "more than --to"),
        (("echo", "--slo", "counts.lost == 0", "--target", "nonsense"), "no target 'nonsense'"),
        (("echo", U, "--slo", "counts.lost == 0", "--target", "websockets"), "cannot be combined"),
    ],
)
def test_wrong_command_is_one_line_and_code_3(
    words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    done = capacity(tmp_path, *words)
    assert done.returncode == 3
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_server_that_is_not_there_is_said(tmp_path: Path) -> None:
    words = ("echo", U, "--slo", "counts.lost == 0", "--run-time", "3s")
    done = capacity(tmp_path, *words)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "no connection was opened" in done.stdout
    assert "Traceback" not in done.stderr
