"""HTTP and a WebSocket as our raw Socket.IO client speaks them, over asyncio's streams."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import os
import secrets
from dataclasses import dataclass, field

from sockproof.wire.http import accept_value
from sockproof.wire.websocket import Frame, FrameParser, Opcode
from tests.clients.raw_socketio.switches import Switches

Fields = list[tuple[str, str]]


class Broken(Exception):
    """A connection that failed, or an answer that cannot be read."""


@dataclass
class Answer:
    """The answer to a request; names of fields are in lower case."""

    status: int
    fields: dict[str, str]
    body: bytes = b""


@dataclass
class Line:
    """One TCP connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    lasts: bool = True  # whether another request may follow

    def drop(self) -> None:
        """End it."""
        self.lasts = False
        self.writer.close()


@dataclass
class Http:
    """Requests to one server; an idle connection is used again."""

    host: str
    port: int
    switches: Switches
    idle: list[Line] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)  # whoever has them
    closed: bool = False

    async def _line(self) -> Line:
        while self.idle:
            line = self.idle.pop()
            if not line.reader.at_eof() and not line.writer.is_closing():
                return line
            line.drop()
        try:
            line = Line(*await asyncio.open_connection(self.host, self.port, limit=1 << 20))
        except OSError as error:
            raise Broken(f"no connection: {error}") from None
        if self.closed:
            line.drop()
            raise Broken("no connection: it is all over")
        self.lines = [each for each in self.lines if not each.writer.is_closing()]
        self.lines.append(line)
        return line

    async def request(
        self, method: str, target: str, body: bytes | None = None, fields: Fields | None = None
    ) -> Answer:
        """The answer; raises `Broken`."""
        line = await self._line()
        try:
            line.writer.write(self._head(method, target, body, fields or []))
            answer = await _answer(line, method, self.switches)
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            line.drop()
            raise Broken(f"{method}: {error!r}") from None
        except BaseException:
            line.drop()  # given up: nobody reads the answer
            raise
        if line.lasts and not self.switches.on("has-a-connection-for-each-request"):
            self.idle.append(line)
        else:
            line.drop()
        return answer

    def _head(self, method: str, target: str, body: bytes | None, fields: Fields) -> bytes:
        on = self.switches.on
        sent = [("Host", f"{self.host}:{self.port}"), ("Accept", "*/*"), *fields]
        if on("sends-more-fields"):
            sent += [("User-Agent", "raw/1"), ("Origin", "http://raw.example"), ("Cookie", "a=b")]
            sent.append(("X-Client", "raw, and more"))
        if not on("accepts-no-gzip"):
            sent.append(("Accept-Encoding", "gzip"))
        if on("has-a-connection-for-each-request"):
            sent.append(("Connection", "close"))
        if body is not None and on("posts-in-chunks"):
            sent.append(("Transfer-Encoding", "chunked"))
            middle = len(body) // 2
            parts = [part for part in (body[:middle], body[middle:]) if part]
            body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        elif body is not None:
            length = len(body)
            if on("counts-characters-of-posts"):
                length = len(body.decode("utf-8", "replace"))
            sent.append(("Content-Length", str(length)))
            body = body[:length]
        if on("writes-fields-in-lower-case"):
            sent = [(name.lower(), value) for name, value in sent]
        if on("writes-host-last"):
            sent.append(sent.pop(0))
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in sent)]
        return "\r\n".join([*lines, "", ""]).encode() + (body or b"")

    async def websocket(self, target: str, method: str = "GET") -> WebSocket:
        """A WebSocket of this server; raises `Broken`."""
        key = base64.b64encode(os.urandom(16)).decode()
        sent = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Key", key)]
        sent += [("Sec-WebSocket-Version", "13")]
        if self.switches.on("offers-compression"):
            sent.append(("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"))
        line = await self._line()
        try:
            line.writer.write(self._head(method, target, None, sent))
            answer = await _answer(line, "HEAD", self.switches)
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            line.drop()
            raise Broken(f"no WebSocket: {error!r}") from None
        except BaseException:
            line.drop()
            raise
        right = answer.fields.get("sec-websocket-accept") == accept_value(key)
        extended = "sec-websocket-extensions" in answer.fields  # we have none
        if answer.status != 101 or not right or extended:
            line.drop()
            raise Broken(f"no WebSocket: {answer.status}")
        return WebSocket(line, self.switches)

    def close(self) -> None:
        """End every connection: whoever still has one is too late to end it."""
        self.closed = True
        for line in self.lines:
            line.drop()
        self.idle.clear()


async def _answer(line: Line, method: str, switches: Switches) -> Answer:
    answer = await _read(line, method, switches)
    if answer.fields.get("content-encoding") == "gzip" and not switches.on("reads-no-gzip"):
        answer.body = gzip.decompress(answer.body)
    return answer


async def _read(line: Line, method: str, switches: Switches) -> Answer:
    reader = line.reader
    status = 100
    while 100 <= status < 200 and status != 101:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        version, code = head[0].split(" ", 2)[:2]
        status = int(code)
    fields = {}
    for each in filter(None, head[1:]):
        name, _, value = each.partition(":")
        fields[name.strip().lower()] = value.strip()
    answer = Answer(status, fields)
    said = fields.get("connection", "").lower()
    line.lasts = "close" not in said and (version == "HTTP/1.1" or "keep-alive" in said)
    if method == "HEAD" or status in (101, 204, 304):
        return answer
    if fields.get("transfer-encoding", "").lower() == "chunked":
        if switches.on("reads-the-first-chunk-alone"):
            answer.body = await reader.readexactly(int(await reader.readline(), 16))
            line.lasts = False
            return answer
        while size := int((await reader.readline()).partition(b";")[0], 16):
            answer.body += await reader.readexactly(size)
            await reader.readline()
        while (await reader.readline()).strip():
            pass
    elif "content-length" in fields:
        length = int(fields["content-length"])
        if switches.on("reads-a-body-of-one-segment") and length:
            answer.body = await reader.read(length)
            line.lasts = False
        else:
            answer.body = await reader.readexactly(length)
    else:
        line.lasts = False
        answer.body = await reader.read(-1)
    return answer


class WebSocket:
    """A WebSocket; what is received is text, octets, or None at its end."""

    def __init__(self, line: Line, switches: Switches) -> None:
        self.line = line
        self.switches = switches
        self._parser = FrameParser()
        self._frames: list[Frame] = []
        self._message = b""
        self._opcode = 0
        self.closed = False

    def send(self, message: str | bytes) -> None:
        """Send one message."""
        if isinstance(message, str):
            opcode, octets = Opcode.TEXT, message.encode("utf-8")
        else:
            opcode, octets = Opcode.BINARY, message
        if self.switches.on("sends-text-as-binary-messages"):
            opcode = Opcode.BINARY
        if self.switches.on("pings-websockets"):
            self._write(Opcode.PING, b"raw")
        if self.switches.on("fragments-messages") and len(octets) > 1:
            middle = len(octets) // 2
            self._write(opcode, octets[:middle], fin=False)
            self._write(Opcode.CONT, octets[middle:])
        else:
            self._write(opcode, octets)

    def _write(self, opcode: int, payload: bytes, fin: bool = True) -> None:
        if not self.line.writer.is_closing():
            frame = Frame(opcode, payload, fin, mask_key=secrets.token_bytes(4))
            self.line.writer.write(frame.encode())

    async def receive(self) -> str | bytes | None:
        """The next message."""
        with contextlib.suppress(OSError, ValueError):
            while True:
                while not self._frames:
                    data = await self.line.reader.read(65536)
                    if not data:
                        return None
                    self._frames = self._parser.feed(data)
                frame = self._frames.pop(0)
                if frame.opcode == Opcode.CLOSE:
                    if not self.closed:
                        self._write(Opcode.CLOSE, frame.payload)
                    return None
                if frame.opcode == Opcode.PING:
                    self._write(Opcode.PONG, frame.payload)
                elif frame.opcode in (Opcode.CONT, Opcode.TEXT, Opcode.BINARY):
                    if frame.opcode:
                        self._opcode, self._message = frame.opcode, b""
                    self._message += frame.payload
                    if frame.fin:
                        text = self._opcode == Opcode.TEXT
                        return self._message.decode() if text else self._message
        return None

    def close(self, abruptly: bool = False) -> None:
        """Send a Close frame, unless it is cut off; who reads then waits for the other's."""
        if not abruptly and not self.closed:
            self._write(Opcode.CLOSE, b"\x03\xe8")
        self.closed = True

    def drop(self) -> None:
        """End TCP."""
        self.line.drop()
