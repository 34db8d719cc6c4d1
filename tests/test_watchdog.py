"""A test that stands still is ended, and one that goes on is not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.waiting import LIMIT
from tests.watchdog import ROOT

TESTS = """
import subprocess, sys, time
WORK = "import time\\nwhile time.process_time() < {0}: pass"
def test_that_sleeps():
    time.sleep(600)
def test_that_waits_for_a_child_that_sleeps():
    subprocess.run([sys.executable, "-c", "import time; time.sleep(600)"])
def test_that_looks_again_and_again():
    while True:
        time.sleep(0.1)
def test_that_works():
    exec(WORK.format(time.process_time() + 5))
def test_that_waits_for_a_child_that_works():
    subprocess.run([sys.executable, "-c", WORK.format(5)])
"""


def test_what_stands_still_is_ended_and_what_goes_on_is_not(tmp_path: Path) -> None:
    path = tmp_path / "test_these.py"
    path.write_text(TESTS)
    words = ("-q", "-p", "tests.conftest", "-p", "no:cacheprovider", "--rootdir", tmp_path, path)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *map(str, words)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=LIMIT,
        env={**os.environ, "SOCKPROOF_TEST_STANDSTILL": "3"},
    )  # fmt: skip
    failed = re.findall(r"^FAILED .*::(test_\w+)", done.stdout, re.M)
    assert failed == [
        "test_that_sleeps",
        "test_that_waits_for_a_child_that_sleeps",
        "test_that_looks_again_and_again",
    ], done.stdout + done.stderr
    assert "2 passed" in done.stdout
    assert done.stdout.count("nothing has gone on for 3 s") >= 3
