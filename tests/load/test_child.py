"""Processes of a generator start behind nothing that runs in a fork of it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.waiting import LIMIT

# What is registered so runs in a child that Python has forked; OpenTelemetry's SDK does it.
_BEGINNING = """
from gevent import monkey
monkey.patch_all()
import os, subprocess, sys
os.register_at_fork(after_in_child=lambda: os._exit(9))
from sockproof.load.child import Child
"""
_CHILD = """
child = Child([sys.executable, "-c", "print(input())"], told=True, heard=True)
child.stdin.write(b"heard\\n")
child.stdin.close()
print(child.read(), child.wait(), child.wait())
"""
_GEVENT = "print(subprocess.run([sys.executable, '-c', '']).returncode)"
_QUICK = """
from gevent import os as cooperative
spawn = cooperative._raw_posix_spawnp
def ended(*words, **more):
    pid = spawn(*words, **more)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    return pid
cooperative._raw_posix_spawnp = ended
child = Child(["true"], heard=True)
print(child.read(100), child.wait(100))
"""
_LATE = """
child = Child([sys.executable, "-c", "input()"], told=True, heard=True)
print(child.read(0.01), child.wait(0.01))
child.kill()
print(child.wait())
child.kill()
"""
_NOBODY = """
try:
    Child(["no-such-program"], heard=True)
except FileNotFoundError as error:
    print(error.errno)
"""


def said(program: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", _BEGINNING + program],
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (_GEVENT, ["9"]),  # which shows that the handler runs
        (_CHILD, ["b'heard\\n' 0 0"]),
        (_QUICK, ["b'' 0"]),
        (_LATE, ["None None", "-9"]),
        (_NOBODY, ["2"]),
    ],
    ids=["gevent", "child", "quick", "late", "nobody"],
)
def test_child_is_told_and_heard_and_ends(program: str, expected: list[str]) -> None:
    assert said(program) == expected
