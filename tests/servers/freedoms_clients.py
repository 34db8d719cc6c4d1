"""How many clients a server takes, and when it answers each: RFC 6455, 10.4; 7.3."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from tests.servers.freedom import Freedom, Message
from tests.servers.freedoms_policy import AFew
from tests.servers.websocket_receiver import Failed

if TYPE_CHECKING:
    from tests.servers.websocket_connection import Connection


class NewestAlone(Freedom):
    """Who comes takes the place of who was there, as with one session for each user."""

    def __init__(self, code: int) -> None:
        self.code = code
        self.there: Connection | None = None

    async def opened(self, connection) -> None:
        before, self.there = self.there, connection
        if before is not None:
            before.close(self.code, "logged in elsewhere")

    def left(self, connection) -> None:
        if self.there is connection:
            self.there = None


class AFewStay(Freedom):
    """So many clients; whoever comes then is let in and sent away."""

    def __init__(self, most: int, code: int) -> None:
        self.most = most
        self.code = code
        self.there: set[object] = set()

    async def opened(self, connection) -> None:
        if len(self.there) < self.most:
            self.there.add(connection)

    def left(self, connection) -> None:
        self.there.discard(connection)

    async def hears(self, connection, message: Message) -> Message | None:
        return message if connection in self.there else None

    async def pings(self, connection, payload: bytes) -> bool:
        if connection in self.there:
            return False
        raise Failed(self.code, "come back later")


class OneByOne(Freedom):
    """Each message takes its time, and the next waits for it."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    async def hears(self, connection, message: Message) -> Message | None:
        await asyncio.sleep(self.seconds)
        return message


class AnyOrder(Freedom):
    """Each message is worked on beside the others, and answered when it is done."""

    def __init__(self, most: float) -> None:
        self.most = most

    async def hears(self, connection, message: Message) -> Message | None:
        connection.spawn(self._answer(connection, message))
        return None

    async def _answer(self, connection, message: Message) -> None:
        await asyncio.sleep(random.random() * self.most)
        await connection.message(*message)


SWITCHES = {
    "newest-client-alone": lambda: NewestAlone(4409),
    "two-connections-at-once": lambda: AFew(2, 429),
    "five-clients-stay": lambda: AFewStay(5, 1013),
    "echoes-one-by-one": lambda: OneByOne(0.15),
    "echoes-in-any-order": lambda: AnyOrder(0.05),
}
