"""A server that is killed and comes back is the first line, unless the scenario expects it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.load.command import command, result
from tests.load.pubsub import pubsub, scenario
from tests.waiting import LIMIT, until

RUN = ("--users", "6", "--run-time", "15s", "--no-report")
GONE = re.compile(
    r"The server was gone from [\d.]+ s (?:to [\d.]+ s \([\d.]+ s\)|for [\d.]+ s to [\d.]+ s .*):"
    r" 6 of 6 connections dropped \(.*\), \d+ connects failed \(connection refused\)"
)


def counted(folder: Path, name: str) -> int:
    """A counter of a run that goes on."""
    lines = [path.read_text().splitlines() for path in folder.glob("latest-load/health-*.jsonl")]
    found = [re.search(rf'"{name}":(\d+)', each[-1]) for each in lines if each]
    return sum(int(each[1]) for each in found if each)


def connected(words: list[str], folder: Path) -> subprocess.Popen[str]:
    """A run whose users are all connected."""
    running = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    until(lambda: running.poll() is not None or counted(folder, "connections_opened") >= 6)
    return running


@pytest.mark.parametrize("expects", [(), ("reconnects",)])
def test_server_that_restarts(expects: tuple[str, ...], tmp_path: Path) -> None:
    path = scenario(tmp_path, "reconnect_after = 0.4", f"expects = {expects!r}")
    with pubsub() as first:
        # Until the other server is there, which takes a busy machine its time, and all are back.
        words = command(tmp_path, path, first.url, *RUN, "--run-time", "25s")
        running = connected(words, tmp_path)
        first.kill()
        until(lambda: running.poll() is not None or counted(tmp_path, "connect_failures"))
        with pubsub(port=first.port):
            output, _ = running.communicate(timeout=LIMIT)
    found = result(tmp_path, running.returncode, output)
    outages = found.summary["outages"]
    assert [each["expected"] for each in outages] == [bool(expects)], output
    assert GONE.fullmatch(outages[0]["text"]), output
    assert outages[0]["end"] is not None
    assert (outages[0]["text"] in output) is not bool(expects), output
    assert found.code == (0 if expects else 1), output
    assert found.summary["counts"]["lost"] == 0


def test_gate_fails_and_says_so_first(tmp_path: Path) -> None:
    path = scenario(tmp_path, "reconnect_after = 0.4")
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nthat = "counts.emitted >= 1"\n')
    with pubsub() as server:
        words = command(tmp_path, path, server.url, "--rules", str(rules), *RUN)
        running = connected(words, tmp_path)
        server.kill()
        output, _ = running.communicate(timeout=LIMIT)
    assert running.returncode == 1, output
    folder = tmp_path / "latest-load"
    for name in ("gate.xml", "gate.md"):
        text = (folder / name).read_text()
        assert "The server was gone from " in text, output
        assert text.index("counts.outages == 0") < text.index("counts.emitted"), text


def test_report_says_it_first(tmp_path: Path) -> None:
    path = scenario(tmp_path, "reconnect_after = 0.4")
    with pubsub() as server:
        words = command(tmp_path, path, server.url, *RUN[:-1])
        running = connected(words, tmp_path)
        server.kill()
        output, _ = running.communicate(timeout=LIMIT)
    assert running.returncode == 1, output
    folder = tmp_path / "latest-load"
    assert "<h1>The server was gone from " in (folder / "report.html").read_text()
    first = (folder / "summary.md").read_text().splitlines()[0]
    assert "The server was gone from " in first
