"""Work on many rows is told while it goes on, and a command that has little to do says nothing."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from sockproof.analysis.timeline import frames
from sockproof.cli import live_line, main
from sockproof.cli.live_line import ERASE, RowsLine
from sockproof.runs.work import watched, work_on
from tests.render.load_sample import run_folder


def test_commands_say_how_far_they_are(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = run_folder(tmp_path)
    assert main(["summary", str(folder)]) == 0
    assert "rows" not in capfd.readouterr().err  # it takes no time
    monkeypatch.setattr(live_line, "PLAIN", 0)
    assert main(["summary", str(folder)]) == 0
    with watched(RowsLine()):  # as the report does
        frames.read(folder)
    told = capfd.readouterr().err
    for part in ("reading", "judging", "counting"):
        lines = re.findall(part + r": ([0-9,]+) of ([0-9,]+) rows · \d+ s left\n", told)
        done, rows = lines[-1]
        assert done == rows != "0"


def test_a_terminal_keeps_nothing_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(live_line, "DRAW", 0)
    here, there = os.openpty()
    with os.fdopen(there, "w") as stream, os.fdopen(here, "rb", 0) as screen:
        with watched(RowsLine(stream)), work_on("judging", 20) as done:
            done(5)
        told = b""
        while not told.endswith(ERASE) or told == ERASE:
            told += screen.read(1000)
    assert told.startswith(ERASE + b"judging: 5 of 20 rows")


def test_nobody_is_told_unless_named(capfd: pytest.CaptureFixture[str]) -> None:
    with work_on("judging", 20) as done:
        done(20)
    assert capfd.readouterr() == ("", "")
