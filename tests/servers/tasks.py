"""The end of a server's tasks, those included that are only about to begin, and of TCP."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

ROUNDS = 5  # of the event loop, in which a connection that is being accepted gets its task
LINGERS = 5.0  # seconds for the client to read all and end its direction; a busy one is slow


async def end(tasks: set[asyncio.Task[None]]) -> None:
    """Cancel the tasks, and the late ones; their transports have gone too."""
    for _ in range(ROUNDS):
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)


async def linger(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """End our direction first, so that unread octets of the client make no RST."""
    with contextlib.suppress(OSError, TimeoutError):
        if writer.can_write_eof():
            writer.write_eof()
        async with asyncio.timeout(LINGERS):
            while await reader.read(65536):
                pass


def reset(writer: asyncio.StreamWriter) -> None:
    """End TCP by a reset, which takes away what is under way."""
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
