"""What was delivered under which name so far, asked of a process of its own that reads the rows.

It is started when somebody looks (a page, a scrape, an export), and nobody's messages wait for it.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent

from sockproof.load.child import Child, own_environment

_MODULE = "sockproof.analysis.timeline.live_deliveries"
_LONGEST = 16 << 20  # octets of a line

# The name of a message, the class of its receivers, receipts, and how many by bucket of latency.
Delivered = tuple[str, str, int, dict[str, int]]


class Deliveries:
    """Follows the runs of a process that has a page, one after the other."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._reader: Child | None = None
        self._listening: gevent.Greenlet | None = None
        self._last: list[Delivered] = []

    def told(self, folder: Path | None) -> list[Delivered]:
        """The last that is known of the run in this folder; None: of the run before."""
        if folder is not None and folder != self._folder:
            self._begin(folder)
        return self._last

    def end(self) -> None:
        """Ask no more."""
        if self._listening is not None:
            self._listening.kill()
        if self._reader is not None:
            self._reader.kill()
            self._reader.close()
            self._reader = None

    def _begin(self, folder: Path) -> None:
        self.end()
        self._folder, self._last = folder, []
        words = [sys.executable, "-m", _MODULE, str(folder)]
        with contextlib.suppress(OSError):  # then names are known when the run is over
            self._reader = Child(words, own_environment(), told=True, heard=True, silent=True)
            self._listening = gevent.spawn(self._listen, self._reader)

    def _listen(self, reader: Child) -> None:
        for line in _lines(reader):
            with contextlib.suppress(ValueError):
                self._last = [(*each,) for each in json.loads(line)]
        reader.wait()


def _lines(reader: Child) -> Iterator[Any]:
    while line := reader.stdout.readline(_LONGEST):
        yield line
