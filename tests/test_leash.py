"""What a command has started ends with it, also where it is killed."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from sockproof import leash
from tests.family import descendants, lives
from tests.waiting import LIMIT, until

COMMAND = [sys.executable, "-c", "from sockproof.cli import run; run()"]


def has(pid: int, needs: dict[str, int]) -> bool:
    """Whether so many of its descendants have these words in their commands."""
    told = []
    for each in descendants(pid):
        with contextlib.suppress(psutil.Error):
            told.append(" ".join(each.cmdline()))
    return all(sum(word in one for one in told) >= count for word, count in needs.items())


# What is typed, and how many of what have to run by then that somebody might leave behind.
COMMANDS: dict[str, tuple[list[str], dict[str, int]]] = {
    "target": (["target", "websockets"], {"server.py": 1}),
    "conformance": (["conformance", "--target", "websockets"], {"server.py": 1}),
    "load": (
        ["load", "echo", "--users", "3", "--rate", "5", "--run-time", "90s", "--processes", "2"],
        {"server.py": 1, " locust ": 3},
    ),
    "calibrate": (["calibrate", "--quick"], {"delay_server": 1, " locust ": 1}),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_nothing_outlives_a_command_that_is_killed(name: str, tmp_path: Path) -> None:
    words, needs = COMMANDS[name]
    if name == "load":
        words = [*words, "--drain", "0.5"]
    if name != "target":
        words = [*words, "--results", str(tmp_path)]
    with (tmp_path / "output").open("wb") as output:
        process = subprocess.Popen([*COMMAND, *words], stdout=output, stderr=output, cwd=tmp_path)
    all_of_it: set[psutil.Process] = set()
    try:
        until(lambda: has(process.pid, needs) or process.poll() is not None)
        assert process.poll() is None, (tmp_path / "output").read_text()
        all_of_it = descendants(process.pid)
        time.sleep(1)  # until whoever has started the last of them knows of it
        process.kill()
        process.wait()
        until(lambda: not any(map(lives, all_of_it)))
    finally:
        process.kill()
        for each in filter(lives, all_of_it):
            each.kill()


def test_what_ends_by_itself_is_left_its_time_and_the_rest_goes_on_meanwhile() -> None:
    sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
    ends = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    server = subprocess.Popen(sleeper, start_new_session=True)
    quitter = subprocess.Popen(ends, stdin=subprocess.PIPE, start_new_session=True)
    freed = subprocess.Popen(sleeper, start_new_session=True)
    try:
        leash.hold(freed.pid)
        leash.hold(server.pid)
        leash.hold(quitter.pid, 600)
        leash.let_go(freed.pid)
        watcher = leash._watchers.pop()
        assert watcher.stdin is not None
        watcher.stdin.close()
        assert server.poll() is None
        assert quitter.stdin is not None
        quitter.stdin.close()
        assert quitter.wait(LIMIT) == 0
        assert server.wait(LIMIT) == -signal.SIGKILL
        assert watcher.wait(LIMIT) == 0
        assert freed.poll() is None
    finally:
        for each in (server, quitter, freed):
            each.kill()
            each.wait()


def test_whether_a_process_has_ended_is_asked_within_its_time() -> None:
    waits = [sys.executable, "-c", "import sys; sys.stdin.read(); sys.exit(7)"]
    with subprocess.Popen(waits, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert leash.ended(process, 0.01) is None
        process.stdin.close()
        until(lambda: leash.ended(process, 1.0) is not None)
        assert leash.ended(process, 0.01) == 7
