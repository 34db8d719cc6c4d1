"""The one timer that all connections of a process share.

A connection says when it wants to be looked at next, in steps of 50 ms; moving a time limit
further away, as every heartbeat does, then costs nothing: the look finds that it came too early
and names a new time.
"""

from __future__ import annotations

import sys
import time
from typing import Any, Final, Protocol

import gevent

STEP_NS: Final = 50_000_000


class Visited(Protocol):
    """Something that is looked at when a time has come."""

    def visited(self, now: int) -> None:
        """Look for time limits that have passed; `now` is CLOCK_MONOTONIC in nanoseconds."""


class Wheel:
    """Who is to be visited when; runs a timer of the loop only while anyone waits."""

    def __init__(self) -> None:
        self._slots: dict[int, list[Visited]] = {}
        self._timer: Any = None
        self._reached = 0

    def add(self, visited: Visited, at: int) -> None:
        """Call `visited.visited(now)` once at that time (nanoseconds) or up to two steps later."""
        if self._timer is None:
            self._reached = time.monotonic_ns() // STEP_NS
            self._timer = gevent.get_hub().loop.timer(STEP_NS / 1e9, STEP_NS / 1e9)
            self._timer.start(self._turn)
        slot = max(at // STEP_NS, self._reached) + 1  # rounded up: never too early
        waiting = self._slots.get(slot)
        if waiting is None:
            self._slots[slot] = [visited]
        else:
            waiting.append(visited)

    def _turn(self) -> None:
        now = time.monotonic_ns()
        reached, self._reached = self._reached, now // STEP_NS
        for slot in range(reached + 1, self._reached + 1):
            for visited in self._slots.pop(slot, ()):
                try:
                    visited.visited(now)
                except Exception:
                    gevent.get_hub().handle_error(visited, *sys.exc_info())
        if not self._slots:
            timer, self._timer = self._timer, None
            timer.close()


wheel: Final = Wheel()
