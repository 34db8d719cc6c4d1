"""Nothing that a command has started outlives it, even if it is killed.

A process of its own, which does nothing else, reads from a pipe whose other end the command alone
holds: when that is closed the command is gone, whatever has ended it. It then kills the groups
that it was told of, the last first. One that ends by itself is left so many seconds for that:
Locust sums up what it has, for which the servers under test go on.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

# The standard library alone, and of that little: it starts in some milliseconds.
_PROGRAM = """
import os, signal, sys, time
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
held = {}
for line in sys.stdin:
    group, seconds = line.split()
    held.pop(group, None)
    if float(seconds) >= 0:
        held[group] = float(seconds)
for group, seconds in reversed(held.items()):
    until = time.monotonic() + seconds
    try:
        while time.monotonic() < until:
            os.kill(int(group), 0)
            time.sleep(0.1)
    except OSError:
        pass  # its leader has ended: nobody is there for the others
    try:
        os.killpg(int(group), signal.SIGKILL)
    except OSError:
        pass
"""
_lock = threading.Lock()
_watchers: list[subprocess.Popen[str]] = []


@atexit.register
def _done() -> None:
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        for watcher in _watchers:
            if watcher.stdin is not None:
                watcher.stdin.close()
            watcher.wait(1)


def ready() -> None:
    """Begin to watch; before anything is started, so that it goes unwatched for no time."""
    _tell("")


def hold(group: int, seconds: float = 0.0) -> None:
    """Have this process group killed, so many seconds after this process, unless it ends first."""
    _tell(f"{group} {seconds}\n")


def let_go(group: int) -> None:
    """It has ended."""
    _tell(f"{group} -1\n")


def kill(group: int, how: signal.Signals = signal.SIGKILL) -> None:
    """Send a signal to a whole process group, if any of it is left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, how)


def ended(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    """The exit code of a process of ours, None when it has not ended within so many seconds.

    `Popen.wait` looks a hundred times a second, which costs as much as a load run's own ticks.
    """
    if not hasattr(os, "pidfd_open"):
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(seconds)
        return None
    if process.poll() is None:
        descriptor, poll = os.pidfd_open(process.pid), select.poll()
        try:
            poll.register(descriptor, select.POLLIN)
            poll.poll(seconds * 1000)
        finally:
            os.close(descriptor)
    return process.poll()


@contextlib.contextmanager
def held(group: int, seconds: float = 0.0) -> Iterator[None]:
    """Inside, the process group ends with this process."""
    hold(group, seconds)
    try:
        yield
    finally:
        let_go(group)


def _tell(line: str) -> None:
    with _lock, contextlib.suppress(OSError, ValueError):  # it is a help, and no condition
        if not _watchers:
            _watchers.append(
                subprocess.Popen(
                    [sys.executable, "-I", "-S", "-c", _PROGRAM],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                    cwd="/",
                    text=True,
                )
            )
        pipe = _watchers[0].stdin
        assert pipe is not None
        pipe.write(line)
        pipe.flush()
