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
from typing import Any

import pytest

from tests import sample
from tests.background import running, websockets
from tests.family import descendants, lives
from tests.waiting import LIMIT, until

RUN = [sys.executable, "-c", "from sockproof.cli import run; run()"]
OUTPUT = "output"  # of a command, a file
SIGNALS = [signal.SIGINT, signal.SIGTERM]


def started(
    cwd: Path, *words: str, before: Callable[[], object] | None = None
) -> subprocess.Popen[str]:
    """A command that hears signals by now."""
    with (cwd / OUTPUT).open("w") as output:
        process = subprocess.Popen(
            [*RUN, *words],
            cwd=cwd,
            stdout=output,
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


def ended(process: subprocess.Popen[str], cwd: Path, *signals: int) -> str:
    """What it printed; it is interrupted, says so without a traceback, and leaves nobody behind."""
    started = descendants(process.pid)
    for number in signals:
        process.send_signal(number)
    process.wait(LIMIT)
    output = (cwd / OUTPUT).read_text()
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert "Exception ignored" not in output
    until(lambda: not any(map(lives, started)))
    return output


TARGET = "python-socketio-uvicorn"
SMALL = ("--users", "3", "--run-time", "3s", "--drain", "1")
COMMANDS = {
    "conformance": ("conformance", "--target", "websockets", "--repeat", "50"),
    "load": ("load", "echo", "--users", "3", "--run-time", "60s", "--drain", "1"),
    "capacity": ("capacity", "echo", "--slo", "counts.lost == 0", "--from", "3", *SMALL[2:]),
    "ab": ("ab", "echo", "--a-target", TARGET, "--b-target", TARGET, "--warm-up", "0", *SMALL),
    "calibrate": ("calibrate", "--quick"),
    "matrix": (
        *("matrix", "--suite", "websocket"),
        *(word for name in ("websockets", "aiohttp", "tornado") for word in ("--target", name)),
    ),
    "study": ("study", "--quick"),
}
MOMENTS = [
    (command, number, delay / 10)
    for command in COMMANDS
    for number in SIGNALS
    for delay in range(0, 32)
]


@pytest.mark.parametrize(("command", "number", "delay"), sample.rotating(MOMENTS, 40, "ending"))
def test_signal_at_any_moment_ends_a_command(
    command: str, number: int, delay: float, tmp_path: Path
) -> None:
    process = started(tmp_path, *COMMANDS[command])
    time.sleep(delay)
    ended(process, tmp_path, number)


def _document(folder: Path, name: str) -> dict[str, Any]:
    path = folder / name
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return found


def probes(folder: Path) -> list[Any]:
    return list(_document(folder, "capacity.json").get("probes", ()))


def claims(folder: Path) -> list[Any]:
    return list(_document(folder, "study.json").get("claims", ()))


def runs(folder: Path) -> list[Any]:
    pairs = _document(folder, "ab.json").get("pairs", ())
    return [pair[side] for pair in pairs for side in pair["order"].lower() if side in pair]


def columns(folder: Path) -> list[Any]:
    matrix = _document(folder, "matrix.json")
    if matrix:
        return [each["name"] for each in matrix["columns"]]
    judged = [each.parent for each in folder.glob("*/report.json")]
    return [each.name for each in sorted(judged, key=lambda each: each.stat().st_mtime)]


RECORDS = {"capacity": probes, "study": claims, "ab": runs, "matrix": columns}
PAGES = {"capacity": "capacity.md", "study": "study.html", "ab": "ab.md", "matrix": "matrix.html"}


MIDDLES = [
    (command, signals)
    for command in RECORDS
    for signals in ((signal.SIGINT,), (signal.SIGTERM, signal.SIGINT))
]


@pytest.mark.parametrize(("command", "signals"), sample.rotating(MIDDLES, 2, "middles"))
def test_signal_in_the_middle_leaves_all_that_was_recorded(
    command: str, signals: tuple[int, ...], tmp_path: Path
) -> None:
    process = started(tmp_path, *COMMANDS[command])

    def recorded() -> list[Any]:
        folder = next(tmp_path.glob("results/2*"), None)
        return [] if folder is None else RECORDS[command](folder)

    until(lambda: process.poll() is not None or recorded())
    time.sleep(sample.chance(f"{command} {len(signals)}").random())
    before = recorded()
    ended(process, tmp_path, *signals)
    assert before
    assert recorded()[: len(before)] == before
    assert list(tmp_path.glob(f"results/2*/{PAGES[command]}"))


def test_calibration_that_is_interrupted_keeps_the_older_one(tmp_path: Path) -> None:
    older = tmp_path / "results" / "calibration.json"
    older.parent.mkdir()
    older.write_text("older")
    process = started(tmp_path, *COMMANDS["calibrate"])
    until(lambda: process.poll() is not None or "delay" in (tmp_path / OUTPUT).read_text())
    assert "server p50" in ended(process, tmp_path, signal.SIGTERM)
    assert os.listdir(older.parent) == [older.name]  # noqa: PTH208
    assert older.read_text() == "older"


@pytest.mark.parametrize("number", SIGNALS)
def test_signal_is_heard_by_who_has_inherited_it_ignored(number: int, tmp_path: Path) -> None:
    def ignore() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    process = started(
        tmp_path, "conformance", "--target", "websockets", "--repeat", "50", before=ignore
    )
    ended(process, tmp_path, number)


def _cases(path: Path) -> int:
    return path.read_text(encoding="utf-8").count('"kind":"case"')


def test_two_quick_signals_leave_the_reports(tmp_path: Path) -> None:
    process = started(tmp_path, "conformance", "--target", "websockets", "--repeat", "50")
    until(lambda: any(_cases(path) > 20 for path in tmp_path.rglob("run.jsonl")))
    ended(process, tmp_path, signal.SIGINT, signal.SIGTERM)
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
