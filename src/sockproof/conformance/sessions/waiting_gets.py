"""GETs that wait while something is posted, as those of a client that never stops polling."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from sockproof.conformance.sessions.engineio import EngineIOPeer
from sockproof.wire.http import Response

_T = TypeVar("_T")


async def beside_gets(engine: EngineIOPeer, posting: Coroutine[Any, Any, _T]) -> _T | None:
    """What `posting` gives while a GET waits all the time; None where the session ended first.

    Some answer a POST that closes the session only when their CLOSE has been taken, and an
    application has something to say at any time. What comes meanwhile is taken in.
    """
    posted = asyncio.create_task(posting)
    try:
        while not posted.done():
            get = engine.waiting = engine.waiting or _get(engine)
            await asyncio.wait({posted, get}, return_when=asyncio.FIRST_COMPLETED)
            if get.done() and not posted.done():
                response = await engine.poll()
                if response.status >= 400:
                    return None
                engine.take(response)
        return await posted
    finally:
        posted.cancel()


def _get(engine: EngineIOPeer) -> asyncio.Task[Response]:
    task = asyncio.create_task(engine.exchange("GET", engine.session_query))
    task.add_done_callback(lambda done: done.cancelled() or done.exception())  # the case may end
    return task
