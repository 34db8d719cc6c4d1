"""The harness's own lag: how late its event loop wakes what sleeps.

A harness that is stopped, or whose machine is busy, sees a server's answers late. What it saw
meanwhile says nothing of the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from typing import Self

LOOKS = 0.05  # seconds between two looks at the clock
LATE = 0.2  # seconds that are worth remembering
KEPT = 10_000


class Lag:
    """Measures while it is entered; times are those of `time.monotonic`."""

    def __init__(self) -> None:
        self._late: deque[tuple[float, float]] = deque(maxlen=KEPT)  # when it woke, how late
        self._due = time.monotonic() + LOOKS
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._look())
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _look(self) -> None:
        while True:
            self._due = time.monotonic() + LOOKS
            await asyncio.sleep(LOOKS)
            late = time.monotonic() - self._due
            if late > LATE:
                self._late.append((time.monotonic(), late))

    def worst(self, since: float) -> float:
        """The longest that the loop has been late since then, in seconds."""
        now = time.monotonic() - self._due  # it may be late at this very moment
        return max([now, 0.0, *(late for woke, late in self._late if woke > since)])
