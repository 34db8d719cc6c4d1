"""Whether all that is due is in, asked of a process of its own: nothing is analysed in this one."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import gevent

from sockproof.load.child import Child, own_environment


def missing(folder: Path, seconds: float) -> int | None:
    """How many receipts are due and not in; None when nobody could say within so many seconds."""
    module = "sockproof.analysis.delivery.due"
    words = [sys.executable, "-m", module, str(folder), str(time.monotonic_ns())]
    try:
        process = Child(words, own_environment(), heard=True, silent=True)
    except OSError:
        return None
    try:
        told = (process.read(seconds) or b"").strip()
    finally:  # this greenlet may be killed, too
        process.kill()
        process.close()
    return int(told) if told.isdigit() else None


class Question:
    """Asks, while others go on, and keeps the answer."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._asking: gevent.Greenlet | None = None
        self._asked_for: tuple[int, int] | None = None
        self._settled_for = -1

    def ask(self, sent: int, heard: int, seconds: float) -> None:
        """Ask, unless that is done; `sent` and `heard` are how many messages so far."""
        going = self._asking is not None and not self._asking.dead
        if not going and (sent, heard) != self._asked_for and not self.settled(sent):
            self._asked_for = sent, heard
            self._asking = gevent.spawn(self._ask, sent, seconds)

    def _ask(self, sent: int, seconds: float) -> None:
        if missing(self._folder, seconds) == 0:
            self._settled_for = sent

    def settled(self, sent: int) -> bool:
        """Whether all is in that is due of the messages that were sent: so many."""
        return self._settled_for == sent

    def close(self) -> None:
        """Ask no more."""
        if self._asking is not None:
            self._asking.kill()
