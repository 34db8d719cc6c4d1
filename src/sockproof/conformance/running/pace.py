"""How quickly cases follow each other on a server that turns clients away."""

from __future__ import annotations

import asyncio
import time

FIRST, MOST = 0.05, 0.8  # seconds from the beginning of one case to that of the next


class Pace:
    """The time between the beginnings of two cases, and a pause where the server wants one."""

    def __init__(self) -> None:
        self.gap = 0.0
        self._next = 0.0  # when a case may begin (monotonic)
        self._hopeless = False

    async def turn(self) -> None:
        """Return when the next case may begin."""
        now = time.monotonic()
        begins = max(now, self._next)
        self._next = begins + self.gap
        if begins > now:
            await asyncio.sleep(begins - now)

    def pause(self, seconds: float) -> None:
        """No case begins for so long."""
        self._next = max(self._next, time.monotonic() + seconds)

    def slow_down(self) -> bool:
        """Let twice as much time pass from case to case.

        False where that has not helped: then no time is lost by it any more.
        """
        if self._hopeless or self.gap >= MOST:
            self._hopeless, self.gap = True, 0.0
            return False
        self.gap = min(MOST, max(FIRST, 2 * self.gap))
        return True
