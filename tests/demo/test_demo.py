"""`sockproof demo` finds the three bugs of its chat, and says so when it does not."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from sockproof.cli import main
from sockproof.demo import bugs, trial
from sockproof.vocabulary import Counter
from tests.waiting import LIMIT, until

COMMAND = [sys.executable, "-m", "sockproof", "demo"]


def test_three_bugs_are_found_and_explained(tmp_path: Path) -> None:
    done = subprocess.run(
        COMMAND, capture_output=True, text=True, check=False, timeout=LIMIT, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    for at, bug in enumerate(bugs.BUGS, 1):
        part = done.stdout.partition(f"\n{at}  {bug.title}\n")[2].partition("\n\n")[0]
        assert re.search(r"^   [←→] ([0-9a-f]{2} )+", part, re.MULTILINE), part  # its octets
        assert "   expected " in part, part
        assert "   got " in part, part
    assert re.search(r"under load, [1-9][\d,]* of", done.stdout)
    assert "3 of 3 bugs found" in done.stdout
    assert "Also found" not in done.stdout
    assert "\x1b" not in done.stdout
    assert done.stdout.splitlines()[-1].strip().startswith("sockproof conformance http://")
    assert list(tmp_path.iterdir()) == []


class _Sound:
    """A chat of which nothing is said."""

    socketio_url = websocket_url = "nowhere"

    def judge_websocket(self) -> dict[str, Any]:
        return {"cases": [], "requirements": {}}

    judge_socketio = judge_websocket

    def load(self) -> Any:
        return type("Summary", (), {"counts": {Counter.RECEIPTS: 1, Counter.LEAKED: 0}})


def test_bugs_that_are_not_found_are_not_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @contextlib.contextmanager
    def sound() -> Iterator[_Sound]:
        yield _Sound()

    monkeypatch.setattr(trial, "chat", sound)
    assert main(["demo"]) == 1
    said = capsys.readouterr().out
    assert "0 of 3 bugs found" in said
    for at, bug in enumerate(bugs.BUGS, 1):
        assert f"{at}  not found: {bug.title}" in said


@pytest.mark.parametrize("behind", ["judging ws:", "judging http:"])  # the next part has begun
def test_interrupted_demo_ends_with_what_it_started(tmp_path: Path, behind: str) -> None:
    process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    children: list[psutil.Process] = []
    try:
        assert process.stdout is not None
        until(psutil.Process(process.pid).children)
        children = psutil.Process(process.pid).children()
        for line in process.stdout:
            if line.startswith(behind):
                break
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=LIMIT) == 130
        psutil.wait_procs(children, timeout=LIMIT)
        assert not any(each.is_running() for each in children)
    finally:
        process.kill()
        process.communicate()
