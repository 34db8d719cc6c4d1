"""Every command ends soon after SIGINT or SIGTERM, whenever they come, and in bounded time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import sample
from tests.background import running, websockets
from tests.waiting import LIMIT, until

RUN = [sys.executable, "-c", "from sockproof.cli import run; run()"]
SIGNALS = [signal.SIGINT, signal.SIGTERM]


def started(
    cwd: Path, *words: str, before: Callable[[], object] | None = None
) -> subprocess.Popen[str]:
    """A command that hears signals by now."""
    process = subprocess.Popen(
        [*RUN, *words],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=before,
    )
    until(lambda: process.poll() is not None or _catches(process.pid, signal.SIGTERM))
    return process


def _catches(pid: int, number: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


def ended(process: subprocess.Popen[str]) -> str:
    """What it printed; it must have been interrupted, and say so without a traceback."""
    output, _ = process.communicate(timeout=LIMIT)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert "Exception ignored" not in output
    return output


MOMENTS = [(number, delay / 10) for number in SIGNALS for delay in range(0, 32)]


@pytest.mark.parametrize(
    ("number", "delay"), sample.rotating(MOMENTS, 12, "ending"), ids=lambda each: str(each)
)
@pytest.mark.parametrize("command", ["conformance", "load"])
def test_signal_at_any_moment_ends_a_command(
    command: str, number: int, delay: float, tmp_path: Path
) -> None:
    words = {
        "conformance": ["conformance", "--target", "websockets", "--repeat", "50"],
        "load": ["load", "echo", "--users", "3", "--run-time", "60s", "--drain", "1"],
    }
    process = started(tmp_path, *words[command])
    time.sleep(delay)
    process.send_signal(number)
    ended(process)


@pytest.mark.parametrize("number", SIGNALS)
def test_signal_is_heard_by_who_has_inherited_it_ignored(number: int, tmp_path: Path) -> None:
    def ignore() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    process = started(
        tmp_path, "conformance", "--target", "websockets", "--repeat", "50", before=ignore
    )
    process.send_signal(number)
    ended(process)


def _cases(path: Path) -> int:
    return path.read_text(encoding="utf-8").count('"kind":"case"')


def test_two_quick_signals_leave_the_reports(tmp_path: Path) -> None:
    process = started(tmp_path, "conformance", "--target", "websockets", "--repeat", "50")
    until(lambda: any(_cases(path) > 20 for path in tmp_path.rglob("run.jsonl")))
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    ended(process)
    folder = next(tmp_path.glob("results/2*"))
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["interrupted"]
    assert len(report["cases"]) >= 20


def test_run_ends_when_its_time_is_over_and_lists_what_was_not_run(tmp_path: Path) -> None:
    words = ["--target", "websockets", "--suite", "websocket", "--max-time", "2"]
    done = subprocess.run(
        [*RUN, "conformance", *words, "--json", "r.json"],
        cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT, check=False,
    )  # fmt: skip
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert done.returncode == 2, done.stdout
    assert ", 2 s at most" in done.stdout
    assert report["not_run"]
    assert f"{len(report['not_run'])} cases were not run" in done.stdout
    assert not [each for each in report["cases"] if each["id"] in report["not_run"]]
    assert os.listdir(tmp_path) == ["r.json"]  # noqa: PTH208


def test_bound_comes_from_the_number_of_cases(tmp_path: Path) -> None:
    async def silent(connection: object) -> None:
        await connection.wait_closed()  # type: ignore[attr-defined]

    with running(websockets(silent)) as port:
        done = subprocess.run(
            [*RUN, "conformance", f"ws://127.0.0.1:{port}/", "--suite", "websocket"],
            cwd=tmp_path, capture_output=True, text=True, timeout=LIMIT, check=False,
        )  # fmt: skip
    told = done.stdout.splitlines()[0]
    assert 60 < int(told.rpartition(", ")[2].removesuffix(" s at most")) < 3600, told
