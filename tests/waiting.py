"""How long tests wait: long. What stands still is ended sooner, by `watchdog`."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Callable
from typing import Any

LIMIT = 600.0  # seconds, for anything
SOON = 120.0  # for what comes at once where the machine has time
EXPIRES = 2.0  # a limit that is to pass, within which a busy machine does all that comes before


def until(condition: Callable[[], object]) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


def conclusive(
    run: Callable[[], subprocess.CompletedProcess[str]],
) -> subprocess.CompletedProcess[str]:
    """A load run that is judged: a machine that is busy with other tests may leave one or two
    inconclusive."""
    for _ in range(3):
        done = run()
        if done.returncode == 0 or "nconclusive" not in done.stdout:
            break
    return done


def until_it_listens(process: subprocess.Popen[Any], port: int) -> None:
    """Wait until a server accepts connections; it may not end before."""

    def accepts() -> bool:
        assert process.poll() is None, f"{process.args!r} has ended"
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), SOON).close()
            return True
        return False

    until(accepts)
