"""Whatever goes wrong, a load run ends in time, says what happened and keeps what it recorded."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sockproof.shelves import shelf
from sockproof.targets.launch import free_port, launch
from sockproof.targets.spec import load_targets
from tests.load.command import command, load, result
from tests.recorded import row_files
from tests.waiting import LIMIT

CHAT = ("--users", "10", "--room-size", "5", "--rate", "10")
# A second of the measured part by whose end something was heard: it may have begun just before.
HEARD = re.compile(r'"phase":1,.*"receipts":[1-9]')


def started(results: Path, *words: str) -> subprocess.Popen[str]:
    """A load run that goes on."""
    return subprocess.Popen(
        command(results, *words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def when_rows_come(results: Path, processes: int = 1) -> list[int]:
    """The generator's processes, as soon as each measures, and has heard something."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        folder = results / "latest-load"
        lines = [path.read_text() for path in folder.glob("health-*.jsonl")]
        if sum(HEARD.search(text) is not None for text in lines) == processes:
            return [file.pid for file in row_files(folder)]
        time.sleep(0.05)
    raise AssertionError("nothing was recorded")


def verdict_of(output: str) -> str:
    """The first line of what the run came to."""
    return output.partition("\n\n  lost ")[0].rpartition("\n\n")[2].partition("\n")[0]


def test_refused_port_is_said(tmp_path: Path) -> None:
    port = free_port()
    found = load(tmp_path, "echo", f"http://127.0.0.1:{port}/", "--run-time", "3s")
    assert found.code == 2
    assert "no connection was opened" in found.output
    assert f"nothing listens on 127.0.0.1 port {port}" in found.output
    assert found.summary["counts"]["connect_failures"] >= 20
    assert "Traceback" not in found.output


def test_secrets_are_shown_nowhere(tmp_path: Path) -> None:
    url = "http://user:sekret-1@127.0.0.1:1/?access_token=sekret-2"
    words = ("--heade", "X-Own: sekret-3", '--auth={"own": "sekret-4"}', "--run-time", "2s")
    found = load(tmp_path, "echo", url, *words)
    assert "http://***@127.0.0.1:1/?access_token=***" in found.output
    written = [path.read_bytes() for path in found.folder.rglob("*") if path.is_file()]
    assert len(written) > 5
    assert not [each for each in [found.output.encode(), *written] if b"sekret" in each]


@pytest.mark.parametrize(
    "words",
    [
        ("--haeder", "X-Own: sekret-1"),
        ("--haeder=X-Own:sekret-1",),
        ("--he=sekret-1",),
        ("--rate", "5", "--aut", "h", "sekret-1", "--cookies", "a=sekret-2"),
    ],
)
def test_misspelt_option_shows_no_value(words: tuple[str, ...], tmp_path: Path) -> None:
    found = load(tmp_path, "echo", "http://127.0.0.1:9/", *words, "--run-time", "1s")
    assert found.code == 3
    assert "sekret" not in found.output


def test_target_that_never_answers_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        found = load(tmp_path, "echo", url, "--run-time", "14s", "--users", "5")
    assert found.code == 2
    assert "no connection was opened" in found.output
    assert "Traceback" not in found.output


def test_target_killed_in_the_middle_loses_no_record(tmp_path: Path) -> None:
    target = launch(load_targets(shelf("targets"))["python-socketio-uvicorn"])
    with target:
        running = started(tmp_path, "chat_rooms", target.url, *CHAT, "--run-time", "10s")
        when_rows_come(tmp_path)
        os.killpg(target.pid, signal.SIGKILL)
        output, _ = running.communicate(timeout=LIMIT)
    found = result(tmp_path, running.returncode, output)
    counts = found.summary["counts"]
    assert running.returncode == 1, output
    assert verdict_of(output).startswith("The server was gone from "), output
    assert " to the end of the run (" in verdict_of(output)
    assert "10 of 10 connections dropped" in verdict_of(output)
    assert counts["disconnected"] == 10, output
    assert counts["connect_failures"] > 0
    assert counts["receipts"] > 0
    # What was on its way when the target died may have been lost by anyone.
    assert counts["lost"] == 0
    assert "Traceback" not in output


STALLED = """
[[rule]]
that = "latency.{kind}.intended.p999_ms <= 1500"
"""


def test_stall_of_the_target_shows_in_full(tmp_path: Path) -> None:
    target = launch(load_targets(shelf("targets"))["python-socketio-uvicorn"])
    with target:
        words = ("--users", "20", "--rate", "40", "--run-time", "14s")  # 10,000 samples for p99.9
        more = ("--max-outstanding", "200")  # nothing is withheld
        running = started(tmp_path, "echo", target.url, *words, *more)
        when_rows_come(tmp_path)
        os.killpg(target.pid, signal.SIGSTOP)
        time.sleep(4)
        os.killpg(target.pid, signal.SIGCONT)
        output, _ = running.communicate(timeout=LIMIT)
    assert running.returncode == 1, output
    assert verdict_of(output).startswith("The server stood still from "), output
    found = result(tmp_path, running.returncode, output)
    for kind in ("ack", "delivery"):
        # Of what was due in these four seconds, a quarter of all, half was late by two or more.
        told = found.summary["latency"][kind]["intended"]
        assert told["p90_ms"] > 900, output
        assert told["max_ms"] > 1900
        assert told["p999_ms"] > 1800
        rules = tmp_path / f"{kind}.toml"
        rules.write_text(STALLED.format(kind=kind))
        gate = [sys.executable, "-m", "sockproof", "gate", str(found.folder), "--rules", str(rules)]
        done = subprocess.run(gate, capture_output=True, text=True, check=False, timeout=LIMIT)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "Gate failed: 2 of 2 rules broken" in done.stdout
        assert "FAIL          counts.outages == 0" in done.stdout, done.stdout
    assert found.summary["counts"]["lost"] == 0


def test_killed_worker_is_said_and_its_rows_count(tmp_path: Path) -> None:
    more = ("--processes", "2", "--run-time", "8s")
    running = started(tmp_path, "chat_rooms", *CHAT, *more)
    os.kill(when_rows_come(tmp_path, 2)[0], signal.SIGKILL)
    output, _ = running.communicate(timeout=LIMIT)
    found = result(tmp_path, running.returncode, output)
    assert "the records of 1 of 2 processes end abruptly" in output
    assert found.summary["generator"]["fit"] is False
    assert found.summary["counts"]["connections_opened"] == 10
    assert found.summary["counts"]["lost"] == 0, output


def test_interrupt_ends_the_run_and_sums_it_up(tmp_path: Path) -> None:
    running = started(tmp_path, "echo", "--rate", "10", "--run-time", "5m")
    when_rows_come(tmp_path)
    running.send_signal(signal.SIGINT)
    output, _ = running.communicate(timeout=LIMIT)
    assert running.returncode == 130, output
    found = result(tmp_path, running.returncode, output)
    counts = found.summary["counts"]
    assert counts["acknowledged"] == counts["emitted"] > 0
    assert "Traceback" not in output


def test_locust_ends_and_sums_up_when_its_command_was_killed(tmp_path: Path) -> None:
    with launch(load_targets(shelf("targets"))["python-socketio-uvicorn"]) as target:
        running = started(tmp_path, "echo", target.url, "--rate", "10", "--run-time", "5m")
        when_rows_come(tmp_path)
        running.kill()
        output, _ = running.communicate(timeout=LIMIT)  # until Locust has closed it, too
    found = result(tmp_path, running.returncode, output)
    assert found.summary["counts"]["lost"] == 0
    assert "run folder:" in output
    assert "Traceback" not in output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nonsense",), "no scenario 'nonsense'; choose one of"),
        (("missing.py",), "no such locustfile: missing.py"),
        (("echo", "--target", "nonsense"), "no target 'nonsense'"),
        (("echo", "--users", "none"), "--users"),
        (("echo", "http://127.0.0.1:9/", "--rate", "fast"), "--rate must be a number"),
        (("echo", "ftp://127.0.0.1:9/"), "does not begin with ws://"),
        (("echo", "http://127.0.0.1:9/", "--auth", "{"), "--auth is not JSON"),
        (("echo", "http://127.0.0.1:9/", "--auth", "[" * 100_000), "--auth is nested too deeply"),
        (("echo", "http://127.0.0.1:9/", "--run-time", "0s"), "--run-time: a time of at least 1 s"),
        (("echo", "http://127.0.0.1:9/", "--source", "x"), "a source must be a local IP address"),
        (("echo", "http://127.0.0.1:9/", "--nonsense"), "unrecognized arguments: --nonsense"),
    ],
)
def test_wrong_command_is_one_line_and_code_3(
    words: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    found = load(tmp_path, *words, "--run-time", "1s")
    assert found.code == 3, found.output
    assert said in found.output
    assert "Traceback" not in found.output


def test_summary_of_something_else_is_one_line(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "sockproof", "summary", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=LIMIT)
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert "is not the folder of a load run" in done.stderr


@pytest.mark.parametrize(
    ("scenario", "seconds"), [("", "3"), ("import sockproof.load.users", "10")]
)
def test_master_waits_for_busy_workers(scenario: str, seconds: str, tmp_path: Path) -> None:
    """Longer than Locust alone does."""
    told = "@events.init.add_listener\ndef tell(**_): sys.exit(str(runners.HEARTBEAT_LIVENESS))"
    locustfile = tmp_path / "locustfile.py"
    user = "class Nobody(User):\n    @task\n    def nothing(self): pass\n"
    imports = f"import sys\nfrom locust import User, events, runners, task\n{scenario}\n"
    locustfile.write_text(f"{imports}\n{user}\n{told}\n")
    command = [sys.executable, "-m", "locust", "-f", str(locustfile), "--master", "--headless"]
    command += ["--host", "http://127.0.0.1:9/", "--master-bind-port", str(free_port())]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT)
    assert f"\n{seconds}\n" in f"\n{done.stderr}", done.stderr
