"""A run shows how it is while it goes on, and leaves what others print as it was."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

from sockproof.api.progress import Now
from sockproof.cli.progress import Progress, said
from sockproof.runs.load_records import Phase
from sockproof.vocabulary import LatencyKind, Property
from tests.load.command import command
from tests.load.pubsub import pubsub, scenario
from tests.waiting import LIMIT

FEW = ("--users", "4", "--no-report", "--drain", "2")
ERASE = "\r\x1b[2K"
LIVE = re.compile(r"\d+ s · 4 connections · \d+/s sent, \d+/s received · delivery p99 [\d.]+ ms")


class Screen:
    """What a command writes to its terminal."""

    def __init__(self, words: list[str], **environment: str) -> None:
        here, there = pty.openpty()
        told = {**os.environ, "TERM": "xterm", "COLUMNS": "200", **environment}
        self.process = subprocess.Popen(words, stdin=there, stdout=there, stderr=there, env=told)
        os.close(there)
        self._here = here
        self._octets = b""
        self._more = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                octets = os.read(self._here, 65536)
            except OSError:
                octets = b""
            with self._more:
                self._octets += octets
                self._more.notify_all()
            if not octets:
                return

    @property
    def written(self) -> str:
        return self._octets.decode("utf-8", "replace")

    def until(self, pattern: re.Pattern[str]) -> None:
        """Wait for what is written to match."""
        with self._more:
            assert self._more.wait_for(lambda: pattern.search(self.written), LIMIT), self.written

    def end(self) -> int:
        code = self.process.wait(LIMIT)
        self._reader.join(LIMIT)
        os.close(self._here)
        return code

    @property
    def left(self) -> list[str]:
        """The lines that stay."""
        lines = self.written.replace("\r\n", "\n").split("\n")
        return [line.rpartition(ERASE)[2] for line in lines]


def test_terminal_has_a_line_that_is_gone_at_the_end(tmp_path: Path) -> None:
    with pubsub() as server:
        path = scenario(tmp_path)
        screen = Screen(command(tmp_path, path, server.url, *FEW, "--run-time", "10s"))
        screen.until(LIVE)
        assert screen.end() == 0, screen.written
    drawn = [line for line in screen.written.split(ERASE) if LIVE.search(line)]
    assert all("no violations so far" in line for line in drawn)
    assert not [line for line in screen.left if " s left" in line], screen.left
    # What Locust says, and the summary, are whole lines.
    for text in ("All users spawned", "run folder: ", "Response time percentiles"):
        assert [line for line in screen.left if text in line], screen.left
    assert [line for line in screen.left if line.startswith("  lost ")], screen.left


def test_interrupt_leaves_no_line(tmp_path: Path) -> None:
    with pubsub() as server:
        path = scenario(tmp_path)
        screen = Screen(command(tmp_path, path, server.url, *FEW, "--run-time", "5m"))
        screen.until(LIVE)
        screen.process.send_signal(signal.SIGINT)
        assert screen.end() == 130, screen.written
    assert not [line for line in screen.left if " s left" in line], screen.left
    assert [line for line in screen.left if line.startswith("  lost ")], screen.left


def test_quiet_run_shows_no_line(tmp_path: Path) -> None:
    with pubsub() as server:
        path = scenario(tmp_path)
        words = command(tmp_path, path, server.url, *FEW, "--run-time", "3s", "--quiet")
        screen = Screen(words)
        assert screen.end() == 0, screen.written
    assert ERASE not in screen.written
    assert " s left" not in screen.written


def test_capacity_says_which_step(tmp_path: Path) -> None:
    with pubsub() as server:
        words = [sys.executable, "-m", "sockproof", "capacity", scenario(tmp_path), server.url]
        words += ["--slo", "counts.lost == 0", "--from", "2", "--to", "2", "--run-time", "8s"]
        screen = Screen([*words, "--results", str(tmp_path)])
        screen.until(re.compile(r"step 1, 2 users: \d+ s · 2 connections · "))
        screen.end()
    assert not [line for line in screen.left if " s left" in line], screen.left


def test_elsewhere_plain_lines_come_now_and_then(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text("{}")
    with (tmp_path / "log").open("w+") as stream:
        progress = Progress(stream=stream)
        progress.begin(tmp_path, 60, 10)
        progress.look()
        assert stream.tell() == 0
        assert (tmp_path / "log").read_text() == ""
        progress._next -= 1
        progress.look()  # it looks, so that the first line has rates and the time since the begin
        assert stream.tell() == 0
        assert progress._watched is not None
        assert progress._watched._begun is not None
        progress._watched._begun -= 9
        progress._next -= 1
        progress._next_plain -= 10
        progress.look()
        progress.look()
        progress.end()
        text = (tmp_path / "log").read_text()
    assert text.count("\n") == 1
    said_of_it = r"\(ramp\) · 0 connections · 0/s sent, 0/s received · .*"
    found = re.fullmatch(rf"(\d+) s {said_of_it} · (\d+) s left\n", text)
    assert found is not None, text
    elapsed, left = int(found[1]), int(found[2])
    assert elapsed >= 9  # and what this test has taken
    assert 59 <= elapsed + left <= 61  # each is rounded
    assert "\x1b" not in text


def test_line_says_what_is_known() -> None:
    assert said(Now(0.0, 60.0, None)) == "starting"
    now = Now(
        *(12.4, 47.6, Phase.MEASURED, 1200, 1234.5, 60000.0, 12.34),
        kind=LatencyKind.DELIVERY,
        lag_ms=0.4,
        violations={Property.REFUSED: 3, Property.DISCONNECTED: 12},
    )
    assert said(now) == (
        "12 s · 1,200 connections · 1,234/s sent, 60,000/s received · delivery p99 12.3 ms"
        " · lag 0.4 ms · 12 connections lost, 3 refused · 48 s left"
    )
