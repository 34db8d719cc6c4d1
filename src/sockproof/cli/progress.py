"""A load run's line while it goes on, on the standard error.

A terminal has one line, which is drawn again each second and is gone at the end; elsewhere a plain
line comes every ten seconds. What others print meanwhile passes above the line.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import TextIO

from sockproof.api.progress import Now, Watched
from sockproof.cli.live_line import DRAW, ERASE, PLAIN, cut, is_terminal, is_usable, put
from sockproof.runs.load_records import Phase

_MOST = 3  # kinds of violations
_PHASES = {None: "starting", Phase.RAMP: "ramp", Phase.DRAIN: "drain", Phase.OVER: "ending"}


class Progress:
    """Shows one run after the other; `what` says which one it is of several."""

    def __init__(self, quiet: bool = False, stream: TextIO | None = None) -> None:
        stream = stream or sys.stderr
        self._quiet = quiet
        self._output = stream.fileno() if is_usable(stream) else None
        self._live = self._output is not None and is_terminal(self._output) and not quiet
        self.what = ""
        self._watched: Watched | None = None
        self._next = self._next_plain = 0.0
        self._drawn = b""
        self._lock = threading.Lock()  # what Locust prints comes in threads of their own

    def begin(self, folder: Path, run_time: float, drain: float) -> None:
        """A run begins."""
        if self._quiet or self._output is None:
            return
        self._watched = Watched(folder, run_time, drain)
        now = time.monotonic()
        self._next, self._next_plain = now + DRAW, now + PLAIN

    def look(self) -> None:
        """Show how it is, when it is time to."""
        now = time.monotonic()
        if self._watched is None or now < self._next:
            return
        self._next = _after(now, self._next, DRAW)
        found = self._watched.now()  # rates are those between two looks, so it looks each second
        if not self._live:
            if now < self._next_plain:
                return
            self._next_plain = _after(now, self._next_plain, PLAIN)
        text = " ".join(filter(None, (self.what, said(found))))
        with self._lock:
            if not self._live:
                self._put(f"{text}\n".encode())
                return
            self._drawn = cut(text)
            self._put(ERASE + self._drawn)

    def end(self) -> None:
        """The run is over: a terminal keeps nothing of it."""
        self._watched = None
        with self._lock:
            if self._drawn:
                self._put(ERASE)
            self._drawn = b""

    def clears(self, descriptor: int) -> bool:
        """Whether what is written to it would stand in the live line."""
        return self._live and is_terminal(descriptor)

    def write(self, descriptor: int, octets: bytes) -> None:
        """Let whole lines of others pass above the live line."""
        with self._lock:
            if self._drawn:
                self._put(ERASE)
            put(descriptor, octets)
            if self._drawn:
                self._put(self._drawn)

    def say(self, line: str) -> None:
        """Say it at once, on the standard output, above the live line."""
        with self._lock:
            if self._drawn:
                self._put(ERASE)
            print(line, flush=True)
            if self._drawn:
                self._put(self._drawn)

    def _put(self, octets: bytes) -> None:
        if self._output is not None:
            put(self._output, octets)


def said(now: Now) -> str:
    """How a run is, in a line."""
    phase = _PHASES.get(now.phase, "")
    if now.phase is None:
        return phase
    begin = f"{now.elapsed:.0f} s" + (f" ({phase})" if phase else "")
    rates = [
        f"{value:,.0f}/s {what}"
        for value, what in ((now.sent, "sent"), (now.received, "received"))
        if value is not None
    ]
    p99 = "" if now.p99_ms is None else f"{now.kind} p99 {now.p99_ms:,.1f} ms"
    found = sorted((now.violations or {}).items(), key=lambda each: -each[1])
    wrong = ", ".join(f"{count:,} {each.said}" for each, count in found[:_MOST])
    return " · ".join(
        filter(
            None,
            (
                begin,
                f"{now.connections:,} connections",
                ", ".join(rates),
                p99,
                f"lag {now.lag_ms:.1f} ms",
                wrong or "no violations so far",
                f"{now.left:.0f} s left",
            ),
        )
    )


def _after(now: float, due: float, period: float) -> float:
    """When it is due again."""
    return due + period * max(1, (now - due) // period)
