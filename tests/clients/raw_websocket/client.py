"""One connection of the correct client, from its TCP handshake to the end: RFC 6455, 4.1 and 7.

Faults and freedoms are classes that are put in front of it: see `made`.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Iterable

from tests.clients.raw_websocket.compression import FailedError
from tests.clients.raw_websocket.receiving import Receiving
from tests.clients.raw_websocket.request import Place
from tests.clients.raw_websocket.response import RefusedError

LIMIT = 150.0  # seconds of a whole connection: longer than any case, which ends it
PATIENCE = 1.0  # seconds for the server to end TCP, once nothing more is to be said
CHUNK = 65536


class Client(Receiving):
    """Sends each message back, until the connection ends."""

    patience = PATIENCE
    limit = LIMIT

    def __init__(self, place: Place, echoes: bool = True) -> None:
        super().__init__(place)
        self.echoes = echoes
        self.received: list[bytes] = []
        self.opened = False

    async def run(self) -> None:
        """The whole connection; what becomes of it is on the wire."""
        try:
            async with asyncio.timeout(self.limit):
                self.reader, self.writer = await self.connect()
                with contextlib.suppress(OSError):
                    await self.converse()
        except (OSError, TimeoutError):
            pass
        finally:
            await self.disconnect()

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self.place.host, self.place.port)

    async def converse(self) -> None:
        try:
            rest = await self.open()
        except RefusedError as why:
            await self.refuse(why)
            return
        try:
            await self.started()
            await self.take(rest)
            await self.listen()
        except FailedError as failed:
            await self.fail(failed)

    # The opening handshake.

    async def ask(self) -> None:
        self.writer.write(self.head())

    async def open(self) -> bytes:
        """The opening handshake; the octets behind the response."""
        await self.ask()
        octets = b""
        while True:
            while (found := self.end_of_head(octets)) is None:
                piece = await self.reader.read(CHUNK)
                if not piece:
                    raise RefusedError("the stream ended inside the response")
                octets += piece
            self.read_head(found[0])
            octets = self.behind_head(found[1])
            if not self.is_interim():
                break
        self.check()
        self.opened = True
        return octets

    def behind_head(self, rest: bytes) -> bytes:
        """What came with the end of the head."""
        return rest

    async def refuse(self, why: RefusedError) -> None:
        """The connection is not opened: nothing more is said."""

    async def started(self) -> None:
        """The connection is open."""

    # Messages.

    async def listen(self) -> None:
        while not self.close_received:
            octets = await self.reader.read(CHUNK)
            if not octets:
                await self.tcp_ended()
                return
            await self.take(octets)
        await self.await_end()

    async def message(self, opcode: int, payload: bytes) -> None:
        if not self.echoes:
            self.received.append(payload)
        elif not self.close_sent:
            await self.answer(opcode, payload)
            await self.writer.drain()

    async def answer(self, opcode: int, payload: bytes) -> None:
        self.send_message(opcode, payload)

    # The end.

    async def fail(self, failed: FailedError) -> None:
        """7.1.7: a Close frame, and nothing that comes is looked at any more."""
        self.send_close(failed.code, failed.reason.encode()[:123])
        await self.await_end()

    async def tcp_ended(self) -> None:
        """The server has ended TCP without a closing handshake."""

    async def await_end(self) -> None:
        """The server ends TCP first, where it does so in time (7.1.1)."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.patience):
                await self.writer.drain()
                while await self.reader.read(CHUNK):
                    pass

    async def disconnect(self) -> None:
        """TCP ends."""
        if hasattr(self, "writer"):
            self.writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(self.patience):
                    await self.writer.wait_closed()
            self.writer.transport.abort()

    def reset(self) -> None:
        """TCP ends with a RST."""
        connection = self.writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def made(several: Iterable[type]) -> type[Client]:
    """The client with these faults and freedoms, the first nearest to the wire."""
    return type("Switched", (*several, Client), {})
