"""A line on the standard error that is drawn again and again, where that is a terminal.

Elsewhere a plain line comes now and then.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from typing import TextIO

DRAW, PLAIN = 1.0, 10.0  # seconds between two lines
ERASE = b"\r\x1b[2K"
_NARROWEST = 20  # columns


def is_usable(stream: TextIO) -> bool:
    """Whether there is anything to write to."""
    try:
        return stream.fileno() >= 0
    except (OSError, ValueError):
        return False


def is_terminal(descriptor: int) -> bool:
    """Whether a line can be drawn again."""
    return os.isatty(descriptor) and os.environ.get("TERM", "") not in ("", "dumb")


def cut(text: str) -> bytes:
    """As much as the terminal has room for."""
    return text[: max(shutil.get_terminal_size().columns - 1, _NARROWEST)].encode()


def put(descriptor: int, octets: bytes) -> None:
    """Write; whoever closed it does not want to see it."""
    with contextlib.suppress(OSError):
        while octets:
            octets = octets[os.write(descriptor, octets) :]


class RowsLine:
    """How far work on the rows of a run is, and how long the rest takes; see `runs.work`."""

    def __init__(self, stream: TextIO | None = None) -> None:
        stream = stream or sys.stderr
        self._output = stream.fileno() if is_usable(stream) else None
        self._live = self._output is not None and is_terminal(self._output)
        self._what, self._rows = "", 0
        self._began = self._next = 0.0
        self._drawn = False

    def begin(self, what: str, rows: int) -> None:
        """Work on so many rows begins."""
        self._what, self._rows = what, rows
        self._began = time.monotonic()
        self._next = self._began + (DRAW if self._live else PLAIN)

    def look(self, done: int) -> None:
        """Show how far it is, when it is time to."""
        now = time.monotonic()
        if self._output is None or now < self._next or not done:
            return
        self._next = now + (DRAW if self._live else PLAIN)
        left = (now - self._began) * max(self._rows - done, 0) / done
        text = f"{self._what}: {done:,} of {self._rows:,} rows · {left:.0f} s left"
        put(self._output, ERASE + cut(text) if self._live else f"{text}\n".encode())
        self._drawn = self._live

    def end(self) -> None:
        """It is over: a terminal keeps nothing of it."""
        if self._drawn and self._output is not None:
            put(self._output, ERASE)
        self._drawn = False
