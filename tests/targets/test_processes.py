"""What is just being started does not outlive a command that is interrupted at that moment."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys

import psutil
import pytest

from tests.waiting import LIMIT

# The signal comes when the process runs, and nobody knows of it yet.
PROGRAM = """
import os, subprocess, sys
from sockproof import signals
from sockproof.targets.processes import start

class Interrupted(subprocess.Popen):
    def __init__(self, words, **how):
        super().__init__(words, **how)
        if words == SLEEPER:
            print(self.pid, flush=True)
            os.kill(os.getpid(), int(sys.argv[1]))

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]
signals.install()
subprocess.Popen = Interrupted
try:
    start(SLEEPER, stdout=subprocess.DEVNULL)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_process_that_was_started_as_the_signal_came_ends_with_us(number: signal.Signals) -> None:
    command = [sys.executable, "-c", PROGRAM, str(int(number))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=True)
    pid, said = done.stdout.split()
    assert said == "interrupted"
    with contextlib.suppress(psutil.NoSuchProcess):  # it has ended already
        psutil.Process(int(pid)).wait(LIMIT)
