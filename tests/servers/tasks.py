"""The end of a server's tasks, those included that are only about to begin."""

from __future__ import annotations

import asyncio

ROUNDS = 5  # of the event loop, in which a connection that is being accepted gets its task


async def end(tasks: set[asyncio.Task[None]]) -> None:
    """Cancel the tasks, and the late ones; their transports have gone too."""
    for _ in range(ROUNDS):
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)
