"""A test is ended when nothing of it goes on any more, however long it takes otherwise.

A busy machine makes everything slow and nothing still. So what is measured is the work of the
processor: of the process that runs the tests and of all that it has started. A process of its own
looks, which neither a hanging test nor a lock can hold up, and tells the test by a signal. Tests
with a mark `timeout` are let alone: they wait for what others do, or see to it themselves.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import psutil
import pytest

STANDSTILL = float(os.environ.get("SOCKPROOF_TEST_STANDSTILL") or 120)  # seconds
LEAST = STANDSTILL / 100  # of the processor: to look whether something has come takes less
LOOK = STANDSTILL / 60  # seconds between two looks
ROOT = Path(__file__).parents[1]


class Watchdog:
    """The process that looks; started with the first test."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Inside, a standstill is ended."""
        self._tell("begin")
        try:
            yield
        finally:
            self._tell("end")

    def _tell(self, what: str) -> None:
        if self._process is None or self._process.poll() is not None:
            signal.signal(signal.SIGUSR1, _still)
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.watchdog"],
                stdin=subprocess.PIPE,
                text=True,
                cwd=ROOT,
            )
        assert self._process.stdin is not None
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()

    def end(self) -> None:
        """Look no more."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait()
            self._process = None


def _still(number: int, frame: FrameType | None) -> None:
    pytest.fail(f"nothing has gone on for {STANDSTILL:g} s")


def _worked(process: psutil.Process) -> float:
    """Seconds of the processor, of a process and of what it has started, ended or not."""
    seconds = 0.0
    for each in (process, *process.children(recursive=True)):
        if each.pid != os.getpid():
            with contextlib.suppress(psutil.Error):
                seconds += sum(each.cpu_times()[:4])
    return seconds


def main() -> None:
    """Look at the parent while it is in a test."""
    parent = psutil.Process(os.getppid())
    in_a_test, worked, since = False, 0.0, 0.0
    while True:
        if select.select([sys.stdin], [], [], LOOK)[0]:
            told = os.read(sys.stdin.fileno(), 1 << 16).split()
            if not told:
                return
            in_a_test = told[-1] == b"begin"
            worked, since = 0.0, time.monotonic()
        elif in_a_test:
            now = _worked(parent)
            if now > worked + LEAST:
                worked, since = now, time.monotonic()
            worked = min(worked, now)  # what nobody waited for takes its share along
            if time.monotonic() > since + STANDSTILL:
                os.kill(parent.pid, signal.SIGUSR1)
                since = time.monotonic()


if __name__ == "__main__":
    with contextlib.suppress(psutil.Error, OSError):
        main()
