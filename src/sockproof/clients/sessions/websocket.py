"""Our end of the WebSocket of an Engine.IO client: messages both ways, and frames as a case wants.

Uncompressed, as a server may always choose. What no client may send (an unmasked frame, a message
inside another) is a Failure of whatever case it meets: WebSocket's own cases are another suite.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque

from sockproof.clients.sessions.visit import REASONS, Visit, cors
from sockproof.conformance.context.outcome import IllegalFrame, StreamClosed
from sockproof.conformance.context.wirelog import RECEIVED, SENT
from sockproof.wire.http import Response, accept_value
from sockproof.wire.websocket import (
    Frame,
    FrameError,
    FrameParser,
    Opcode,
    close_payload,
    is_control,
)

ARRIVED = 0.05  # seconds in which what lies in the kernel is read
WELL_FORMED = "frames that a client may send"


class _Answered(Exception):
    """The client has answered our Ping."""


class EngineIOWebSocket:
    """The server's side of one WebSocket, from its 101 on."""

    def __init__(self, visit: Visit, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.visit = visit
        self.context = visit.context
        self.stream = visit.connection.stream
        self.close_frame: Frame | None = None  # that of the client, once it has come
        self._parser = FrameParser(self.context.max_octets)
        self._frames: deque[Frame] = deque()
        self._parts: list[Frame] = []
        self._closing = False
        self._mark = b""  # of a fence that is not answered yet
        self.heard: list[str | bytes] = []  # by fences
        key = visit.request.get("Sec-WebSocket-Key") or ""
        fields = (
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Accept", accept_value(key)),
            *headers,
            *cors(visit.request),
        )
        response = Response(101, REASONS[101], fields)
        visit.answer_octets(response.encode(), str(response), more=True)
        rest, visit.connection.rest = visit.connection.rest, b""
        if rest:
            self._feed(rest)

    def send(self, *messages: str | bytes) -> None:
        """Send messages, a frame each, together with all else before the next await."""
        for message in messages:
            if isinstance(message, str):
                self.send_frames(Frame(Opcode.TEXT, message.encode("utf-8", "surrogatepass")))
            else:
                self.send_frames(Frame(Opcode.BINARY, message))

    def send_frames(self, *frames: Frame) -> None:
        """Send frames as they are."""
        for frame in frames:
            self.context.log.frame(self.visit.number, SENT, frame)
            self.stream.write(frame.encode())

    def close(self, code: int | None = 1000, reason: str = "") -> None:
        """Send a Close frame, and FIN once the client's has come."""
        self._closing = True
        self.send_frames(Frame(Opcode.CLOSE, b"" if code is None else close_payload(code, reason)))

    async def receive(self) -> str | bytes:
        """The next message; raises `StreamClosed` at a Close frame and at the end of TCP."""
        while True:
            frame = await self._frame()
            if frame.opcode == Opcode.PING:
                self.send_frames(Frame(Opcode.PONG, frame.payload))
            elif self._mark and (frame.opcode, frame.payload) == (Opcode.PONG, self._mark):
                raise _Answered
            elif frame.opcode == Opcode.CLOSE:
                self._closed(frame)
            elif not is_control(frame.opcode) and (message := self._joined(frame)) is not None:
                return message

    async def fence(self) -> None:
        """What came before the answer to a Ping that is sent now, or before the end, is `heard`."""
        self._mark = f"fence {os.urandom(6).hex()}".encode()
        self.send_frames(Frame(Opcode.PING, self._mark))
        try:
            while True:
                self.heard.append(await self.receive())
        except (StreamClosed, _Answered):
            pass
        finally:
            self._mark = b""

    async def arrived(self) -> None:
        """What has come so far is `heard`, of a client that may not read any more."""
        with contextlib.suppress(StreamClosed, TimeoutError):
            async with asyncio.timeout(ARRIVED):
                while True:
                    self.heard.append(await self.receive())

    async def _frame(self) -> Frame:
        while not self._frames:
            try:
                data = await self.stream.read()
            except StreamClosed as closed:
                self.context.log.note(self.visit.number, RECEIVED, closed.how)
                self.visit.answered.set()
                raise
            self._feed(data)
        frame = self._frames.popleft()
        if not frame.masked or frame.rsv or frame.violations:
            raise IllegalFrame(WELL_FORMED, frame)
        return frame

    def _feed(self, data: bytes) -> None:
        try:
            frames = self._parser.feed(data)
        except FrameError as error:
            raise IllegalFrame(WELL_FORMED, str(error)) from error
        for frame in frames:
            self.context.log.frame(self.visit.number, RECEIVED, frame)
        self._frames.extend(frames)

    def _joined(self, frame: Frame) -> str | bytes | None:
        if (frame.opcode == Opcode.CONT) != bool(self._parts):
            raise IllegalFrame(WELL_FORMED, f"{frame}, out of turn")
        self._parts.append(frame)
        if sum(len(each.payload) for each in self._parts) > self.context.max_octets:
            raise IllegalFrame("a message of bounded length", frame)
        if not frame.fin:
            return None
        octets, first = b"".join(each.payload for each in self._parts), self._parts[0]
        self._parts = []
        if first.opcode == Opcode.BINARY:
            return octets
        try:
            return octets.decode("utf-8")
        except UnicodeDecodeError as error:
            raise IllegalFrame("text in UTF-8", first) from error

    def _closed(self, frame: Frame) -> None:
        self.close_frame = frame
        if not self._closing:
            self.send_frames(Frame(Opcode.CLOSE, frame.payload[:2]))
        self.stream.close()
        self.visit.answered.set()
        raise StreamClosed(f"the client closed the WebSocket: {frame}")
