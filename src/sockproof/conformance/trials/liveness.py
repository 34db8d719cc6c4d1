"""Whether a server is alive: a fresh connection gets an ordinary handshake answered.

Any answer will do, a refusal too. A server that is busy is not dead, so a single miss is none.
"""

from __future__ import annotations

import asyncio
import time

from sockproof.conformance.context.case_context import CaseContext
from sockproof.conformance.context.outcome import CaseEnd, StreamClosed
from sockproof.conformance.context.wirelog import WireLog
from sockproof.conformance.targets.server import Server
from sockproof.conformance.targets.target import Target

MISSES = 3  # in a row, before a server counts as gone
ONE = 2.0  # seconds for one answer, and twice as many with each attempt
TURNS_AWAY = (429, 503)  # statuses that say that there are too many at the moment
BETWEEN = 0.2  # seconds between two attempts


class Liveness:
    """When each server was last seen alive; times are those of `time.monotonic`."""

    def __init__(self) -> None:
        self._seen: dict[object, float] = {}
        self._missed: dict[object, float] = {}  # when a question was left without an answer
        self._locks: dict[object, asyncio.Lock] = {}
        self.last_miss = ""
        self.last_status = 0  # of the last answer to an ordinary handshake
        self.refused = False  # whether TCP itself was refused since somebody asked

    def saw(self, server: Server, at: float) -> None:
        """Note that the server gave an answer to a client that came at this time."""
        self._seen[server.address] = max(self._seen.get(server.address, 0.0), at)

    def seen(self, server: Server) -> float:
        """When it was last seen alive; 0 when it never was."""
        return self._seen.get(server.address, 0.0)

    async def answers(self, server: Server, since: float) -> bool:
        """Whether the server was seen alive after that time; it is asked unless it was.

        Those who ask meanwhile share one question.
        """
        async with self._locks.setdefault(server.address, asyncio.Lock()):
            if max(self.seen(server), self._missed.get(server.address, 0.0)) <= since:
                self.refused = False
                if not await self._ask(server, MISSES, ONE):
                    self._missed[server.address] = time.monotonic()
            return self.seen(server) > since

    async def turns_away(self, server: Server) -> bool:
        """Whether an ordinary handshake is answered with 503 or 429 now, or not at all."""
        return not await self._ask(server, 1, ONE) or self.last_status in TURNS_AWAY

    async def comes_back(self, server: Server, seconds: float) -> bool:
        """Whether a server that was gone answers again within that time."""
        end = time.monotonic() + seconds
        while True:
            if await self._ask(server, 1, ONE):
                return True
            if time.monotonic() > end:
                return False

    async def _ask(self, server: Server, attempts: int, seconds: float) -> bool:
        for attempt in range(attempts):
            began = time.monotonic()
            limit = seconds * 2**attempt
            try:
                status = await _handshake(server, limit)
            except ConnectionRefusedError:
                self.last_miss, self.refused = "connection refused", True
            except (OSError, StreamClosed) as error:
                self.last_miss = str(error) or f"no answer to a handshake within {limit:g} s"
            else:
                self.saw(server, began)
                self.last_status = status
                return True
            await asyncio.sleep(BETWEEN)
        return False


async def _handshake(server: Server, seconds: float) -> int:
    """The status of the answer to an ordinary handshake, 0 when it is no HTTP.

    Raises `OSError` (a time-out is one) or `StreamClosed`.
    """
    context = CaseContext(WireLog())
    target = Target(server, context)
    try:
        async with asyncio.timeout(seconds):
            peer = await target.http()
            if server.address.is_websocket:
                peer.send(target.upgrade_request())
            else:
                peer.send(target.engineio_request("GET", "EIO=4&transport=polling"))
            return (await peer.response(body=False)).status
    except CaseEnd as end:
        if isinstance(end.__cause__, OSError | StreamClosed):
            raise end.__cause__ from None
        return 0
    finally:
        context.close()
