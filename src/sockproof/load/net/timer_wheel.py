"""The one timer that all connections of a process share.

A connection says when it wants to be looked at next, in steps of 50 ms; moving a time limit
further away, as every heartbeat does, then costs nothing: the look finds that it came too early
and names a new time.

Where this process was held up itself, what came in time has not been read yet: whoever was to be
looked at meanwhile is looked at a little later, once.
"""

from __future__ import annotations

import sys
import time
from typing import Any, Final, Protocol

import gevent

STEP_NS: Final = 50_000_000
HELD_UP_NS: Final = 500_000_000  # by which a look comes too late, and is put off then


class Visited(Protocol):
    """Something that is looked at when a time has come."""

    def visited(self, now: int) -> None:
        """Look for time limits that have passed; `now` is CLOCK_MONOTONIC in nanoseconds."""


class Wheel:
    """Who is to be visited when; runs a timer of the loop only while anyone waits."""

    def __init__(self) -> None:
        self._slots: dict[int, list[Visited]] = {}
        self._timer: Any = None
        self._put_off: dict[int, list[Visited]] = {}  # those that were to be visited, once
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
        passed = range(reached + 1, self._reached + 1)
        if now - (reached + 1) * STEP_NS >= HELD_UP_NS:
            later = (now + HELD_UP_NS) // STEP_NS
            for slot in passed:
                self._put_off.setdefault(later, []).extend(self._slots.pop(slot, ()))
        for slots in (self._slots, self._put_off):
            for slot in passed:
                for visited in slots.pop(slot, ()):
                    self._visit(visited, now)
        if not self._slots and not self._put_off:
            timer, self._timer = self._timer, None
            timer.close()

    def _visit(self, visited: Visited, now: int) -> None:
        try:
            visited.visited(now)
        except Exception:
            gevent.get_hub().handle_error(visited, *sys.exc_info())


wheel: Final = Wheel()
