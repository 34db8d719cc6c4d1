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
from collections.abc import Callable, Iterable
from dataclasses import replace

from sockproof.wire import WireError
from sockproof.wire.http import (
    HeadReader,
    Request,
    Response,
    accept_value,
    parse_request_head,
)
from tests.servers import careless, neighbours, slowness, tasks
from tests.servers.freedoms import together
from tests.servers.limits import MAX_HEAD, head_bound
from tests.servers.websocket_connection import Connection
from tests.servers.websocket_handshake import answer, refusal

END = b"\r\n\r\n"
REQUEST_LINE = re.compile(r"\S+ \S+ HTTP/\d\.\d")


def _missing(octets: bytes) -> bytes:
    """What is missing of the empty line, once the last field of an ordinary request has come."""
    fields = octets.partition(b"Sec-WebSocket-Version: 13\r\n")
    return END[2 + len(fields[2]) :] if fields[1] and len(fields[2]) < 2 else b""


def _as_written(lines: list[str]) -> tuple[tuple[str, str], ...]:
    """The fields with the blanks of their values, but for one behind the colon."""
    pairs = (line.partition(":") for line in lines[1:])
    return tuple((name, value.removeprefix(" ")) for name, _, value in pairs)


def _unusual(lines: list[str]) -> tuple[str, ...]:
    return tuple(f"no field: {line!r}" for line in lines[1:] if ": " not in line)


def _hashed_as_written(response: Response, lines: list[str]) -> Response:
    key = Request(headers=_as_written(lines)).get("Sec-WebSocket-Key") or ""
    name = "Sec-WebSocket-Accept"
    headers = [(each, accept_value(key) if each == name else old) for each, old in response.headers]
    return replace(response, headers=tuple(headers))


def _is_hopeless(head: bytes) -> bool:
    return b"Version: 14" in head or b"Sec-WebSocket-Key" not in head


class WebSocketServer:
    """Listens on a port of its own while it is entered; `url` says where."""

    def __init__(
        self,
        fault: str | None = None,
        tls: ssl.SSLContext | None = None,
        freedoms: Iterable[str] = (),
    ) -> None:
        self.fault = fault
        self.freedoms = together(freedoms)
        self.tls = tls
        self.before_closing: Callable[[asyncio.StreamWriter], None] = lambda _: None

    async def __aenter__(self) -> WebSocketServer:
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", 0, limit=1 << 18, ssl=self.tls
        )
        self.url = f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"
        neighbours.forget(self._server.sockets[0].getsockname()[1])
        self._tasks: set[asyncio.Task[None]] = set()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await tasks.end(self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            try:
                await neighbours.admit(self.fault, reader, writer)
                line = self.freedoms.line(writer)
                rest: bytes | None = b""
                while rest is not None:
                    rest = await self._connection(reader, line, rest)
            finally:
                neighbours.leave(writer)
                self.before_closing(writer)
                writer.close()

    async def _connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes
    ) -> bytes | None:
        """Serve one request; gives what is behind it where another may follow, else None."""
        heads = HeadReader(head_bound(self.fault))
        data = data or await reader.read(65536)
        try:
            data = data.lstrip(b"\r\n") if self.fault != "stumbles-over-an-empty-line" else data
            while (head := heads.feed(data)) is None:
                if self.fault == "answers-before-the-end" and (end := _missing(heads.octets)):
                    data = end
                    continue
                if self.fault == "heads-in-one-read-only":
                    raise WireError("that is no request")
                data = await reader.read(65536)
                if not data:
                    return None
            lines, wrong, rest = head
            if self.fault == "request-line-unchecked" and not REQUEST_LINE.fullmatch(lines[0]):
                lines[0] = "GET / HTTP/1.1"
            request = parse_request_head(lines, wrong)
            await slowness.request_read(self.fault, request)
            if self.fault == "blanks-around-values-kept":
                request = replace(request, headers=_as_written(lines))
            if self.fault == "field-needs-a-blank-behind-its-colon":
                request = replace(request, violations=request.violations + _unusual(lines))
            response = answer(request, self.fault, self.freedoms)
            response = careless.answer(self.fault, request, response, writer)
            if self.fault == "key-hashed-with-blanks":
                response = _hashed_as_written(response, lines)
        except WireError as error:
            too_long = "longer" in str(error)
            if self.fault == "deaf-after-a-head-too-long" and len(heads.octets) == MAX_HEAD + 1:
                neighbours.deafen(writer)
            if self.fault == "silent-on-long-heads" and too_long:
                await asyncio.sleep(30)
            request, rest = Request(), b""
            response = refusal(431 if too_long else 400, str(error), self.fault)
            response = self.freedoms.answer(request, response)
        if self.fault == "leaves-plain-requests-unanswered" and request.get("Upgrade") is None:
            await asyncio.sleep(30)
        writer.write(self.freedoms.head(response.encode()))
        if self.fault == "empty-line-behind-the-101" and response.status == 101:
            writer.write(b"\r\n")
        if self.fault == "early-frames-lost":
            rest = b""
        if self.fault == "misreads-what-follows-a-refusal" and response.status != 101:
            await reader.read(65536)
            writer.write(refusal(400, "that is no request").encode())
        if response.status == 101:
            free = self.freedoms
            await Connection(self.fault, reader, writer, request, response, rest, free).run()
        else:
            if response.get("Connection") is None and self.freedoms.several:
                return rest
            if self.fault == "serves-after-refusing" and _is_hopeless(heads.octets):
                await Connection(None, reader, writer, request, response, rest).run()
            await tasks.linger(reader, writer)
        return None
