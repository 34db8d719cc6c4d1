"""A TCP relay in front of the target, through which real clients connect.

It can cut all that goes through it, as a failing network would, and it serves the pages of a
browser from the target's own origin as the browser sees it, so that no rule about foreign
origins stands between the page and the server.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

PAGES = "/sockproof-client/"
_PIECE = 64 * 1024
_HEAD_LIMIT = 64 * 1024
_BODY_LIMIT = 1 << 20
_ROUNDS = 5  # of the event loop, in which a connection that is being accepted arrives or goes

# Method, path behind `PAGES`, body → content type and body of the answer.
Pages = Callable[[str, str, bytes], Awaitable[tuple[str, bytes]]]


class Relay:
    """Listens on a port of the loopback interface, from `open` to `reset`."""

    def __init__(self, host: str, port: int, pages: Pages | None = None) -> None:
        self._to = (host, port)
        self._pages = pages
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._relayed: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def open(self) -> None:
        """Begin to listen; `port` is set then."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """End every connection that goes through, both ways, by RST."""
        for writer in list(self._relayed):
            writer.transport.abort()

    def reset(self) -> None:
        """Stop listening and let go of everything."""
        if self._server is not None:
            self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()

    async def gone(self) -> None:
        """Nothing goes through any more."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for _ in range(_ROUNDS):
            await asyncio.sleep(0)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None or not self._server.is_serving():  # it came as `reset` was called
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._handle(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: writer.close())  # even when it never began

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            first = await reader.read(_PIECE)
            if self._pages is not None and PAGES.encode() in first.partition(b"\r\n")[0]:
                await self._serve(first, reader, writer)
            else:
                await self._relay(first, reader, writer)

    async def _relay(
        self, first: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        there_reader, there_writer = await asyncio.open_connection(*self._to)
        self._relayed |= {writer, there_writer}
        try:
            there_writer.write(first)
            forth = asyncio.create_task(_pump(reader, there_writer))
            try:
                await _pump(there_reader, writer)
            finally:
                forth.cancel()
                await asyncio.gather(forth, return_exceptions=True)
        finally:
            self._relayed -= {writer, there_writer}
            there_writer.close()

    async def _serve(
        self, octets: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer one request of our own pages' and close."""
        assert self._pages is not None
        while b"\r\n\r\n" not in octets and len(octets) < _HEAD_LIMIT:
            octets += await _more(reader)
        head, _, body = octets.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        length = next(
            (int(line[15:]) for line in lines if line.lower().startswith("content-length:")), 0
        )
        while len(body) < min(length, _BODY_LIMIT):
            body += await _more(reader)
        method, path, _ = lines[0].split(" ", 2)
        kind, answer = await self._pages(method, path.removeprefix(PAGES), body)
        top = (
            f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(answer)}\r\n"
            "Cache-Control: no-store\r\nAccess-Control-Allow-Origin: *\r\nConnection: close\r\n\r\n"
        )
        writer.write(top.encode("ascii") + answer)
        await writer.drain()


async def _more(reader: asyncio.StreamReader) -> bytes:
    octets = await reader.read(_PIECE)
    if not octets:
        raise ConnectionError("the stream ended inside a request")
    return octets


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while octets := await reader.read(_PIECE):
            writer.write(octets)
            await writer.drain()
