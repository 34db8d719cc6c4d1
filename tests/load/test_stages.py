"""Users come and go by stages, of the locustfile or of the command line."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from sockproof.load.locust.stages import Stage, StageError, checked, read_stages, told, wanted
from tests.load.command import command, load, result
from tests.load.pubsub import pubsub, scenario
from tests.waiting import LIMIT, until

STAGES = "stages = [(8, 1), (8, 2), (2, 1), (2, 2)]\n"
QUICK = ("--no-report", "--drain", "3")


def _staged(folder: Path, stages: str, *changes: str) -> str:
    path = Path(scenario(folder, *changes))
    path.write_text(path.read_text() + stages)
    return str(path)


@pytest.mark.parametrize(
    ("text", "stages"),
    [
        ("", ()),
        ("30s:100,5m:1000", ((100, 30), (1000, 300))),
        (" 1h30m:5 , 10:0 ", ((5, 5400), (0, 10))),
        ("2.5s:1", ((1, 2.5),)),
    ],
)
def test_stages_are_read_as_they_are_told(text: str, stages: tuple[Stage, ...]) -> None:
    assert read_stages(text) == stages
    assert read_stages(told(read_stages(text))) == stages


@pytest.mark.parametrize("text", ["100", "30s", "30s:", "100:30s", "0s:5", "5s:0", "5s:2000000"])
def test_typed_stages_of_no_use_are_one_line(text: str) -> None:
    with pytest.raises(StageError, match=r"^--stages[^\n]*$"):
        read_stages(text)


@pytest.mark.parametrize(
    "value", [5, "30s:5", [], [5], [(5,)], [(5, "30s")], [(5.5, 3)], [(float("nan"), 3)], [(5, 0)]]
)
def test_stages_of_no_use_in_a_locustfile_are_one_line(value: object) -> None:
    with pytest.raises(StageError, match=r"^stages[^\n]*$"):
        checked(value)


def test_the_amount_is_said_once() -> None:
    given = Namespace(stages="5s:3", num_users=20, spawn_rate=None, run_time=10)
    assert wanted(given, [], "num_users,run_time") == ((3, 5),)
    with pytest.raises(StageError, match=r"^--users and --stages cannot be combined"):
        wanted(given, [], "run_time")
    given.stages = ""
    assert wanted(given, [], "") == ()


def test_stages_of_the_locustfile_bring_users_and_take_them_away(tmp_path: Path) -> None:
    with pubsub() as server:
        found = load(tmp_path, _staged(tmp_path, STAGES), server.url, *QUICK)
    assert found.code == 0, found.output
    told = json.loads((found.folder / "run.json").read_text())["parameters"]
    assert told["stages"] == "1s:8,2s:8,1s:2,2s:2"
    assert (told["users"], told["run_time"]) == (8, "6")
    lines = (found.folder / next(found.folder.glob("health-*.jsonl")).name).read_text().splitlines()
    live = [json.loads(line).get("live", 0) for line in lines]
    assert max(live) == 8
    assert 2 in live[live.index(8) :]


def test_stages_of_the_command_line_are_the_amount_for_locust_too(tmp_path: Path) -> None:
    path = _staged(tmp_path, "stages = [(50, 600)]\n")
    with pubsub() as server:
        words = ["--headless", "--host", server.url, "--only-summary", "--stages", "1s:3,5s:3"]
        words += ["--results", str(tmp_path / "results"), "--processes", "2"]
        done = subprocess.run(
            [sys.executable, "-m", "locust", "-f", path, *words],
            capture_output=True,
            text=True,
            timeout=LIMIT,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "results" / "latest-load" / "summary.json").read_text())
    assert summary["counts"]["connections_opened"] == 3
    assert summary["counts"]["emitted"] > 0


@pytest.mark.parametrize("processes", [1, 2])
def test_an_interrupt_within_a_stage_ends_the_run_in_order(processes: int, tmp_path: Path) -> None:
    with pubsub() as server:
        words = ["--stages", "1s:4,600s:4", "--processes", str(processes), *QUICK]
        told = command(tmp_path, scenario(tmp_path), server.url, *words)
        process = subprocess.Popen(
            told, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        until(lambda: server.truth["messages"] > 20)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=LIMIT)
    assert process.returncode == 130, output
    found = result(tmp_path, process.returncode, output)
    counts = found.summary["counts"]
    assert counts["emitted"] > 0
    assert counts["lost"] == counts["disconnected"] == 0


@pytest.mark.parametrize(
    ("stages", "words", "said"),
    [
        (STAGES, ("--users", "5"), "--users and stages cannot be combined"),
        ("", ("--stages", "2s:5", "-t", "5s"), "--run-time and --stages cannot be combined"),
        ("", ("--stages", "fast"), "--stages must be TIME:USERS"),
        ("stages = 7\n", (), "stages must be a list of (users, seconds)"),
        (
            "from locust import LoadTestShape\n\nclass Wave(LoadTestShape):\n"
            "    def tick(self):\n        return None\n",
            ("--stages", "2s:5"),
            "--stages and the shape Wave of the locustfile cannot be combined",
        ),
    ],
)
def test_contradictions_are_one_line(
    stages: str, words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    path = _staged(tmp_path, stages)
    found = load(tmp_path, path, "ws://127.0.0.1:9/", *words)
    assert found.code == 3
    assert said in found.output
    assert "Traceback" not in found.output
