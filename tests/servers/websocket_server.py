"""A correct raw WebSocket server with the whole target contract but TLS, and faults to switch on.

RFC 6455, 4: what listens, reads the handshake and answers it; the open connection is in
`websocket_connection.py`. A fault is a word; where the server would do right, it asks whether
that word is its own. One fault changes one behaviour.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from collections.abc import Callable

from sockproof.wire import WireError
from sockproof.wire.http import HeadReader, Request, parse_request_head
from tests.servers.websocket_connection import Connection, linger
from tests.servers.websocket_handshake import answer, refusal

REQUEST_LINE = re.compile(r"\S+ \S+ HTTP/\d\.\d")


class WebSocketServer:
    """Listens on a port of its own while it is entered; `url` says where."""

    def __init__(self, fault: str | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.fault = fault
        self.tls = tls
        self.before_closing: Callable[[asyncio.StreamWriter], None] = lambda _: None

    async def __aenter__(self) -> WebSocketServer:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, limit=1 << 18, ssl=self.tls
        )
        self.url = f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"
        self._tasks: set[asyncio.Task[None]] = set()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            try:
                await self._connection(reader, writer)
            finally:
                self.before_closing(writer)
                writer.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads = HeadReader(64 * 1024)
        data = await reader.read(65536)
        try:
            data = data.lstrip(b"\r\n") if self.fault != "stumbles-over-an-empty-line" else data
            while (head := heads.feed(data)) is None:
                if self.fault == "heads-in-one-read-only" and len(heads.octets) < 100:
                    raise WireError("that is no request")
                data = await reader.read(65536)
                if not data:
                    return
            lines, wrong, rest = head
            if self.fault == "request-line-unchecked" and not REQUEST_LINE.fullmatch(lines[0]):
                lines[0] = "GET / HTTP/1.1"
            request = parse_request_head(lines, wrong)
            response = answer(request, self.fault)
        except WireError as error:
            too_long = "longer" in str(error)
            if self.fault == "silent-on-long-heads" and too_long:
                await asyncio.sleep(30)
            response = refusal(431 if too_long else 400, str(error), self.fault)
            request, rest = Request(), b""
        writer.write(response.encode())
        if response.status == 101:
            await Connection(self.fault, reader, writer, request, response, rest).run()
        else:
            if self.fault == "serves-after-refusing" and b"14" in heads.octets:
                await Connection(None, reader, writer, request, response, rest).run()
            await linger(reader, writer)
