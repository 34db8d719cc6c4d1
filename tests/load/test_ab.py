"""`sockproof ab` as a person types it: real runs, what they leave, and wrong words."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sockproof.cli import main
from tests.load.test_counts import served
from tests.servers.unfaithful import UnfaithfulServer
from tests.waiting import LIMIT

EMBEDDED = "python-socketio-uvicorn"
SHORT = ("--users", "4", "--run-time", "3s", "--warm-up", "0", "--seed", "3")


@dataclass
class Result:
    """A comparison that has ended."""

    code: int
    output: str
    folder: Path

    @property
    def document(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads((self.folder / "ab.json").read_text())
        return value


def command(results: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "sockproof", "ab", *words, "--results", str(results)]


def ab(results: Path, *words: str) -> Result:
    done = subprocess.run(
        command(results, *words), capture_output=True, text=True, timeout=LIMIT, check=False
    )
    return Result(done.returncode, done.stdout + done.stderr, (results / "latest-ab").resolve())


def started(results: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(results, *words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def while_running(process: subprocess.Popen[str], is_so: Callable[[], bool]) -> None:
    """Wait until something is so, or the process has ended."""
    deadline = time.monotonic() + LIMIT
    while not is_so() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)


def test_a_server_against_itself(tmp_path: Path) -> None:
    both = ("--a-target", EMBEDDED, "--b-target", EMBEDDED)
    folder = tmp_path / "latest-ab"
    process = started(tmp_path, *both, "echo", *SHORT)
    while_running(process, lambda: (folder / "002-a").exists() or (folder / "002-b").exists())
    process.send_signal(signal.SIGINT)  # one pair is enough
    output, _ = process.communicate(timeout=LIMIT)
    assert process.returncode == 130, output
    document = json.loads((folder / "ab.json").read_text())
    assert document["design"]["metrics"] == [
        "latency.ack.intended.p50_ms",
        "target.cpu_ms_per_message",
    ]
    pair = document["pairs"][0]
    assert sorted(pair["order"]) == ["A", "B"]
    for side in ("a", "b"):
        kept = json.loads((folder / pair[side]["folder"] / "summary.json").read_text())
        told = {k: v for k, v in kept.items() if k not in ("examples", "violations")}
        assert pair[side]["summary"] == told
        assert kept["counts"]["acknowledged"] > 100
    assert "target.cpu_ms_per_message" in (folder / "ab.md").read_text()

    again = ab(tmp_path, "--again", str(folder))
    assert (again.code, again.document["pairs"]) == (130, document["pairs"]), again.output

    runs = [str(folder / pair[side]["folder"]) for side in ("a", "b")]
    stored = ab(tmp_path, "--stored", *runs, "--tolerance", "10%", "--seed", "1")
    assert stored.code == 2, stored.output  # one run of each says nothing
    (look,) = stored.document["result"]["looks"]
    assert [each["verdict"] for each in look["estimates"]] == ["inconclusive"] * 2
    assert stored.document["design"]["tolerance"] == 0.1
    assert "by more than 10 %" in stored.output


def test_a_server_that_loses_messages_fails_whatever_its_latency(tmp_path: Path) -> None:
    chat = ("chat_rooms", "--users", "20", "--room-size", "5", "--rate", "20", "--run-time", "3s")
    with served(UnfaithfulServer()) as a, served(server := UnfaithfulServer("lose")) as b:
        found = ab(tmp_path, "--a", a, "--b", b, *chat, "--warm-up", "0")  # one pair settles it
    assert found.code == 1, found.output
    result = found.document["result"]
    assert result["verdict"] == "violation"
    # A busy machine may leave a run inconclusive, which is done again.
    lost = [
        json.loads(path.read_text())["counts"]["lost"]
        for path in sorted((tmp_path / "latest-ab").glob("001-b*/summary.json"))
    ]
    assert sum(lost) == server.done
    assert result["violations"] == {"lost": lost[-1]}
    assert len(found.document["pairs"]) == 1
    assert f"FAIL: B has violations that A does not have: {lost[-1]:,} lost" in found.output


def test_noise_of_one_server_needs_runs(tmp_path: Path) -> None:
    found = ab(tmp_path, "--aa", "--a-target", EMBEDDED, "echo", *SHORT, "--runs", "1")
    assert found.code == 2, found.output
    assert "10 runs at least are needed" in found.output
    assert len(found.document["groups"]["a"]) == 1


def test_what_was_run_before_an_interrupt_is_judged(tmp_path: Path) -> None:
    both = ("--a-target", EMBEDDED, "--b-target", EMBEDDED, "--run-time", "60s")
    folder = tmp_path / "latest-ab"
    process = started(tmp_path, *both, "echo", "--users", "2")
    while_running(process, lambda: any(folder.glob("001-*/health-*.jsonl")))
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=LIMIT)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    document = json.loads((folder / "ab.json").read_text())
    assert document["interrupted"] is True
    assert document["result"]["verdict"] == "inconclusive"


def test_nobody_listens(tmp_path: Path) -> None:
    nowhere = "http://127.0.0.1:9/"
    found = ab(tmp_path, "--a", nowhere, "--b", nowhere, "echo", "--users", "1", "--run-time", "1s")
    assert found.code == 2, found.output
    assert "no connection was opened" in found.output
    assert len(found.document["pairs"]) == 1


U = "http://127.0.0.1:9/"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("echo",), "name one of --a URL and --a-target NAME"),
        (("--a", U, "echo"), "name one of --b URL and --b-target NAME"),
        (("--a", U, "--a-target", "x", "--b", U, "echo"), "name one of --a URL"),
        (("--a", U, "--b-target", "nonsense", "echo"), "no target 'nonsense'"),
        (("--a", U, "--b-target", EMBEDDED, "--b-pid", "4", "echo"), "--b-pid needs --b URL"),
        (("--a", U, "--b", U), "name a SCENARIO"),
        (("--a", U, "--b", U, "nonsense"), "no scenario 'nonsense'"),
        (("--a", U, "--b", U, "echo", "--metric", "latency.ack.p50"), "no metric"),
        (("--a", U, "--b", U, "echo", "--pairs", "9", "--max-pairs", "8"), "--pairs 9 is more"),
        (("--a", U, "--b", U, "echo", "--max-pairs", "6"), "needs at least 7 pairs"),
        (("--aa", "--a", U, "--b", U, "echo"), "--aa takes one server"),
        (("--aa", "--again", "x", "echo"), "--aa and --again cannot be combined"),
        (("--again", "missing"), "missing: cannot be read: No such file"),
        (("--again", "{other}"), "is invalid: Object missing required field"),
        (("--stored", "missing", "missing"), "missing"),
        (("--stored", ",", "x"), "two lists of run folders"),
        (("--paired", "--a", U, "--b", U, "echo"), "--paired is for --stored"),
    ],
)
def test_wrong_command_is_one_line_and_code_3(
    words: tuple[str, ...],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    other = tmp_path / "other.json"
    other.write_text("{}")
    words = tuple(word.format(other=other) for word in words)
    assert main(["ab", *words]) == 3
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1
    assert said in printed.err
    assert not list(tmp_path.glob("results/*"))


def test_run_time_that_is_none_is_one_line_and_code_3(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["ab", "--a", U, "--b", U, "echo", "--run-time", "soon"])
    assert ended.value.code == 3
    printed = capsys.readouterr()
    assert "--run-time: a time of at least 1 s" in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize("option", [("--tolerance", "much"), ("--users", "0"), ("--seed", "-1")])
def test_wrong_option_is_one_line_and_code_3(
    option: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["ab", "--a", U, "--b", U, "echo", *option])
    assert ended.value.code == 3
    assert capsys.readouterr().err.count("\n") == 1


def test_what_locust_refuses_is_one_line_and_code_3(tmp_path: Path) -> None:
    found = ab(tmp_path, "--a", U, "--b", U, "echo", "--rate", "fast")
    assert found.code == 3, found.output
    assert "--rate must be a number" in found.output
    assert "Traceback" not in found.output
