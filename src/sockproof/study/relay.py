"""A TCP relay between a real client and a real server: it counts, delays, or blocks upgrades."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
import time
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

_PIECE = 64 * 1024
_QUIET = 0.1  # seconds without an octet, after which nothing is under way on the loopback
_PATIENCE = 20.0  # seconds until a stream that never rests is given up
_UPGRADE = re.compile(rb"^upgrade:[ \t]*websocket", re.IGNORECASE | re.MULTILINE)
_BLOCKED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Octets:
    """Of TCP payload: to the server, and from it."""

    forth: int
    back: int

    def __sub__(self, other: Octets) -> Octets:
        return Octets(self.forth - other.forth, self.back - other.back)


class Relay:
    """Stands in front of `url` while it is entered; clients go to its own `url`.

    Each way takes `delay` seconds longer, in order. With `blocks_upgrades` a request to upgrade to
    WebSocket is refused with 403, as some proxies do.
    """

    def __init__(self, url: str, delay: float = 0.0, blocks_upgrades: bool = False) -> None:
        parts = urlsplit(url)
        self._to = (parts.hostname or "127.0.0.1", parts.port or 80)
        self._parts = parts
        self._delay = delay
        self._blocks = blocks_upgrades
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()
        self._stop = asyncio.Event()
        self._port = 0
        self._forth = self._back = 0
        self.blocked = 0

    @property
    def url(self) -> str:
        """Where clients go instead of the server's own address."""
        return self._parts._replace(netloc=f"127.0.0.1:{self._port}").geturl()

    @property
    def octets(self) -> Octets:
        """What has gone through until now."""
        return Octets(self._forth, self._back)

    def settled(self) -> Octets:
        """The same, when nothing has moved for a tenth of a second; raises `TimeoutError`."""
        deadline = time.monotonic() + _PATIENCE
        before = self.octets
        while time.monotonic() < deadline:
            time.sleep(_QUIET)
            now = self.octets
            if now == before:
                return now
            before = now
        raise TimeoutError("the stream through the relay does not come to rest")

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        with contextlib.closing(self._loop):
            self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        tasks: set[asyncio.Task[None]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._handle(reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in tuple(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError), contextlib.closing(writer):
            first = await reader.read(_PIECE)
            if self._blocks and _UPGRADE.search(first):
                self.blocked += 1
                writer.write(_BLOCKED)
                await writer.drain()
                return
            there_reader, there_writer = await asyncio.open_connection(*self._to)
            with contextlib.closing(there_writer):
                forth = asyncio.create_task(self._pump(reader, there_writer, first))
                back = asyncio.create_task(self._pump(there_reader, writer, None))
                try:
                    await asyncio.wait((forth, back), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for task in (forth, back):
                        task.cancel()
                    await asyncio.gather(forth, back, return_exceptions=True)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, first: bytes | None
    ) -> None:
        """Pass on what comes. Of a client the relay has read the `first` octets already."""
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        sending = asyncio.create_task(self._send_later(waiting, writer))
        octets = first if first is not None else await reader.read(_PIECE)
        try:
            while octets and not sending.done():
                if first is None:
                    self._back += len(octets)
                else:
                    self._forth += len(octets)
                waiting.put_nowait((self._loop.time() + self._delay, octets))
                octets = await reader.read(_PIECE)
            waiting.put_nowait((self._loop.time() + self._delay, b""))
            await sending
        finally:
            sending.cancel()

    async def _send_later(
        self, waiting: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        while True:
            due, octets = await waiting.get()
            if not octets:
                return
            left = due - self._loop.time()
            if left > 0:
                await asyncio.sleep(left)
            writer.write(octets)
            await writer.drain()
