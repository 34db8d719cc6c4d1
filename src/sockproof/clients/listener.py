"""One port for everything that clients connect to.

Each request goes to the first scheme that takes its path. What nobody takes is answered with 404:
a browser asks for an icon, and is no worse for that.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from sockproof.clients.connection import Arrival, ClientStream, Connection
from sockproof.conformance.context.outcome import StreamClosed
from sockproof.wire import WireError

IDLE = 300.0  # seconds that a connection may wait before its next request
MOST = 512  # connections at once
BACKLOG = 128


class Scheme(Protocol):
    """Paths that belong together, and what is done for those who ask for them."""

    def takes(self, arrival: Arrival) -> bool:
        """Whether the request is for this scheme."""

    async def serve(self, connection: Connection, arrival: Arrival) -> bool:
        """Answer the request; gives whether another may follow on the same connection.

        `StreamClosed` and `WireError` may pass: they end the connection.
        """


class Listener:
    """Takes connections, and hands their requests to schemes."""

    def __init__(self, schemes: Sequence[Scheme]) -> None:
        self.schemes = schemes
        self.host, self.port = "", 0
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def authority(self) -> str:
        """Host and port as a URL has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @asynccontextmanager
    async def listening(self, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Listener]:
        """Listen inside; a port of 0 is any that is free. Raises `OSError`."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._arrived, host, port, backlog=BACKLOG)
        self.host, self.port = server.sockets[0].getsockname()[:2]
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _arrived(self) -> ClientStream:
        stream = ClientStream()
        task = asyncio.get_running_loop().create_task(self._serve(stream))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return stream

    async def _serve(self, stream: ClientStream) -> None:
        connection = Connection(stream)
        try:
            if len(self._tasks) > MOST:
                return
            while await self._next(connection):
                pass
        except (StreamClosed, TimeoutError, OSError):
            pass
        except WireError as error:
            connection.respond(400, "Bad Request", f"{error}\n".encode())
        finally:
            stream.close()

    async def _next(self, connection: Connection) -> bool:
        async with asyncio.timeout(IDLE):
            arrival = await connection.arrival()
        if arrival is None:
            return False
        for scheme in self.schemes:
            if scheme.takes(arrival):
                return await scheme.serve(connection, arrival)
        with contextlib.suppress(StreamClosed):
            await connection.body(arrival.request)
        connection.respond(404, "Not Found", b"There is nothing here.\n")
        return "close" not in arrival.request.tokens("Connection")
