"""HTTP/1.1 and WebSocket as our Engine.IO server needs them, on asyncio streams.

One `HttpConnection` is one TCP connection: requests are answered one after the other, with
Content-Length and kept alive, until one of them turns the connection into a `WebSocket`.
"""

from __future__ import annotations

import asyncio

from sockproof.wire import WireError
from sockproof.wire.http import BodyReader, HeadReader, Request, Response, parse_request_head
from sockproof.wire.http import accept_value as accept
from sockproof.wire.websocket import Frame, FrameParser, Opcode, close_payload, is_control

READ_OCTETS = 64 * 1024
MAX_BODY = 64 * 1024 * 1024  # what is read at all; what an application takes is less
REASONS = {
    101: "Switching Protocols",
    200: "OK",
    204: "No Content",
    400: "Bad Request",
    404: "Not Found",
    413: "Content Too Large",
}


class Gone(Exception):
    """The client has ended the connection."""


def respond(
    status: int, body: bytes = b"", content_type: str = "text/plain; charset=UTF-8"
) -> Response:
    """A response whose body is framed by its length."""
    headers = [("Content-Length", str(len(body)))]
    if body:
        headers.insert(0, ("Content-Type", content_type))
    return Response(status, REASONS[status], tuple(headers), body)


class HttpConnection:
    """The server's end of one HTTP connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._rest = b""

    async def _read(self) -> bytes:
        data, self._rest = self._rest, b""
        data = data or await self.reader.read(READ_OCTETS)
        if not data:
            raise Gone
        return data

    async def head(self) -> Request:
        """The next request without its body; raises `Gone`, or `WireError` when it is no HTTP."""
        head = HeadReader()
        while (parts := head.feed(await self._read())) is None:
            pass
        lines, wrong, self._rest = parts
        return parse_request_head(lines, wrong)

    async def body(self, request: Request, *, in_one_piece: bool = False) -> bytes:
        """The body of the request whose head was read last; as a fault, its first piece alone."""
        body = BodyReader(request, MAX_BODY)
        while not body.complete:
            body.feed(await self._read())
            if in_one_piece and body.body:
                break
        self._rest = body.rest
        return bytes(body.body)

    async def gone(self) -> None:
        """Wait until the client ends the connection; what it sends meanwhile is kept."""
        while data := await self.reader.read(READ_OCTETS):
            self._rest += data

    def respond(self, response: Response) -> None:
        """Send a response."""
        self.writer.write(response.encode())

    def upgrade(self, request: Request) -> WebSocket:
        """Answer an opening handshake with 101."""
        headers = (
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", accept(request.get("Sec-WebSocket-Key") or "")),
        )
        self.respond(Response(101, REASONS[101], headers))
        return WebSocket(self.reader, self.writer, self.take_rest())

    def take_rest(self) -> bytes:
        """What has been read behind the last request."""
        rest, self._rest = self._rest, b""
        return rest


def asks_for_websocket(request: Request) -> bool:
    """Whether the request is an opening handshake."""
    return "websocket" in request.tokens("Upgrade") and bool(request.get("Sec-WebSocket-Key"))


class WebSocket:
    """The server's end of one WebSocket connection: whole messages, both ways."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, rest: bytes
    ) -> None:
        self.reader = reader
        self.writer = writer
        self.closing = False
        self.max_message = MAX_BODY
        self._parser = FrameParser(MAX_BODY)
        self._frames = self._parser.feed(rest)

    def send(self, message: str | bytes) -> None:
        """Send a message in one frame; nothing once the connection is closing."""
        if isinstance(message, str):
            self.frame(Frame(Opcode.TEXT, message.encode("utf-8")))
        else:
            self.frame(Frame(Opcode.BINARY, message))

    def frame(self, frame: Frame) -> None:
        """Send a frame; nothing once the connection is closing."""
        if not self.closing and not self.writer.is_closing():
            self.writer.write(frame.encode())

    def close(self, code: int = 1000) -> None:
        """Send a Close frame and end TCP behind it."""
        self.frame(Frame(Opcode.CLOSE, close_payload(code)))
        self.closing = True
        self.writer.close()

    async def receive(self) -> str | bytes:
        """The next message; raises `Gone` when there is none any more, whoever ended it."""
        parts: list[bytes] = []
        opcode = 0
        while True:
            frame = await self._next()
            if is_control(frame.opcode):
                self._control(frame)
                continue
            if not frame.masked or frame.rsv or (frame.opcode == Opcode.CONT) != bool(parts):
                raise self._failed(1002)
            opcode = opcode or frame.opcode
            parts.append(frame.payload)
            if sum(map(len, parts)) > self.max_message:
                raise self._failed(1009)
            if frame.fin:
                return self._message(opcode, b"".join(parts))

    async def _next(self) -> Frame:
        while not self._frames:
            try:
                data = await self.reader.read(READ_OCTETS)
            except ConnectionError:
                raise Gone from None
            if not data or self.closing:
                raise Gone
            try:
                self._frames = self._parser.feed(data)
            except WireError:
                raise self._failed(1002) from None
        return self._frames.pop(0)

    def _control(self, frame: Frame) -> None:
        if frame.violations or not frame.masked:
            raise self._failed(1002)
        if frame.opcode == Opcode.PING:
            self.frame(Frame(Opcode.PONG, frame.payload))
        elif frame.opcode == Opcode.CLOSE:
            self.frame(Frame(Opcode.CLOSE, frame.payload[:2]))
            self.closing = True
            raise Gone

    def _message(self, opcode: int, payload: bytes) -> str | bytes:
        if opcode == Opcode.BINARY:
            return payload
        try:
            return payload.decode("utf-8")
        except UnicodeDecodeError:
            raise self._failed(1007) from None

    def _failed(self, code: int) -> Gone:
        self.close(code)
        return Gone()
