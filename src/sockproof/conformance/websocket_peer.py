"""The client's side of one WebSocket connection, able to break every rule and to judge the answer.

What `receive` gives are control frames and whole messages, the latter inflated and as one frame.
A frame that no server may send (masked, reserved bits, a fragmented Ping …) is a Failure in
whichever case meets it. Pings are answered and skipped, since a server may send them at any
time; so are Pongs whose payload this peer never sent, which are a server's own heartbeats.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import replace

from sockproof.conformance.client_frames import client_frame, close_frame
from sockproof.conformance.message import Assembler
from sockproof.conformance.outcome import Failure, IllegalFrame, StreamClosed
from sockproof.conformance.scene import Scene
from sockproof.conformance.stream import Stream
from sockproof.conformance.wirelog import RECEIVED, SENT
from sockproof.wire import WireError
from sockproof.wire.deflate import Compressor, Decompressor, Parameters
from sockproof.wire.http import Response
from sockproof.wire.websocket import (
    RSV1,
    Frame,
    FrameError,
    FrameParser,
    Opcode,
    is_control,
    parse_close,
)

CLOSE_GRACE = 0.5  # seconds in which a server may end TCP after its Close, before we do


class WebSocketPeer:
    """Our end of one WebSocket connection, from the server's 101 on."""

    def __init__(
        self,
        scene: Scene,
        stream: Stream,
        number: int,
        response: Response,
        rest: bytes = b"",
        deflate: Parameters | None = None,
    ) -> None:
        self.scene = scene
        self.stream = stream
        self.number = number
        self.response = response
        self.protocol = response.get("Sec-WebSocket-Protocol")
        self.deflate = deflate
        self.answer_pings = True
        self._held: bytes | None = None  # PONGs, while a frame has been sent in part
        self.skip_strange_pongs = True  # those whose payload was never sent are not received
        self.compresses = False  # whether `send` compresses the data frames that it is given
        self.fragments = 0  # how many frames the last received message came in
        self.compressed = False  # whether the last received message was
        inflater = None
        self._deflater = None
        if deflate is not None:
            inflater = Decompressor(
                deflate.server_max_window_bits,
                not deflate.server_no_context_takeover,
                max_size=scene.max_octets,
            )
            self._deflater = Compressor(
                deflate.client_max_window_bits, not deflate.client_no_context_takeover
            )
        self._assembler = Assembler(inflater, scene.max_octets)
        self._parser = FrameParser(scene.max_octets)
        self._frames: deque[Frame] = deque()
        self._hopeless: str | None = None
        self._sent_controls: set[bytes] = set()
        self._close_sent = False
        self._continues = False  # inside a fragmented message that is being compressed
        self._fences = 0
        if rest:
            self._parse(rest)

    # Sending. What is sent between two awaits leaves as one piece.

    def send(self, *frames: Frame) -> None:
        """Send frames, together with everything else sent before the next await."""
        for each in frames:
            frame = self._ready(each)
            self.scene.log.frame(self.number, SENT, frame)
            self.stream.write(frame.encode())

    def _ready(self, frame: Frame) -> Frame:
        """The frame as it is sent, and remembered where what comes back depends on it."""
        if frame.opcode in (Opcode.PING, Opcode.PONG):
            self._sent_controls.add(frame.payload)
        self._close_sent = self._close_sent or frame.opcode == Opcode.CLOSE
        return self._compressed(frame)

    def _compressed(self, frame: Frame) -> Frame:
        """The frame as this peer sends it; one that is wrong in itself is left as it is."""
        first = frame.opcode in (Opcode.TEXT, Opcode.BINARY)
        if not self.compresses or self._deflater is None or not (first or self._continues):
            return frame
        spoilt = frame.rsv or frame.length_octets is not None or frame.announced is not None
        if spoilt or is_control(frame.opcode) or frame.opcode not in list(Opcode):
            return frame
        self._continues = not frame.fin
        payload = self._deflater.compress(frame.payload, first=first, last=frame.fin)
        return replace(frame, payload=payload, rsv=RSV1 if first else 0)

    def send_message(self, opcode: int, payload: bytes) -> None:
        """Send a whole message in one frame, compressed when that was negotiated."""
        if self._deflater is None or self.compresses:
            self.send(client_frame(opcode, payload))
        else:
            self.send(client_frame(opcode, self._deflater.compress(payload), rsv=RSV1))

    def send_octets(self, octets: bytes, meaning: str, *, inside: bool = False) -> None:
        """Send octets that are no whole frame; `meaning` says in the wire log what they are.

        They end `inside` a frame: until the rest is sent, no PONG of ours comes between.
        """
        self.scene.log.add(self.number, SENT, octets, meaning)
        self.stream.write(octets + (b"" if inside else self._held or b""))
        self._held = b"" if inside else None

    async def send_pieces(self, *frames: Frame, size: int = 1) -> None:
        """Send frames in pieces of `size` octets, each in a TCP segment of its own."""
        frames = tuple(map(self._ready, frames))
        for frame in frames:
            self.scene.log.frame(self.number, SENT, frame, f"in pieces of {size}")
        octets = b"".join(frame.encode() for frame in frames)
        for start in range(0, len(octets), size):
            self.stream.write(octets[start : start + size])
            await self.stream.flush()

    async def flush(self) -> None:
        """Send what is waiting, so that what follows goes into a TCP segment of its own."""
        await self.stream.flush()

    # Receiving.

    def _parse(self, data: bytes) -> None:
        try:
            frames = self._parser.feed(data)
        except FrameError as error:
            frames, self._hopeless = error.frames, str(error)
            self.scene.log.add(self.number, RECEIVED, data[-32:], f"no frame: {error}")
        for frame in frames:
            self.scene.log.frame(self.number, RECEIVED, frame)
        self._frames.extend(frames)

    async def receive_frame(self) -> Frame:
        """The next frame just as it came; raises `StreamClosed` at the end of the stream."""
        while not self._frames:
            if self._hopeless is not None:
                raise IllegalFrame("well-formed frames from the server", self._hopeless)
            try:
                data = await self.stream.read()
            except StreamClosed as error:
                inside = f", inside a frame after {self._parser.pending} octets of it"
                how = error.how + (inside if self._parser.pending else "")
                self.scene.log.note(self.number, RECEIVED, how)
                raise StreamClosed(how) from error
            self._parse(data)
        return self._frames.popleft()

    async def receive(self) -> Frame:
        """The next control frame or whole message; raises `StreamClosed` at the end."""
        while True:
            frame = await self.receive_frame()
            try:
                whole = self._assembler.feed(frame)
            except WireError as error:
                raise IllegalFrame("frames that a server may send", f"{frame}: {error}") from error
            if whole is None:
                continue
            if whole.opcode == Opcode.PING and self.answer_pings:
                self.scene.log.note(self.number, SENT, "PONG to the server's PING")
                pong = client_frame(Opcode.PONG, whole.payload).encode()
                if self._held is None:
                    self.stream.write(pong)
                else:
                    self._held += pong
                continue
            strange = whole.opcode == Opcode.PONG and whole.payload not in self._sent_controls
            if strange and self.skip_strange_pongs:
                continue
            self.fragments = self._assembler.fragments
            self.compressed = self._assembler.compressed
            return whole

    # Judging.

    async def expect(self, opcode: int, payload: bytes | None = None) -> Frame:
        """The next control frame or whole message, which must be this one; its content counts."""
        wanted = str(Frame(opcode, payload)) if payload is not None else Opcode(opcode).name
        with self.scene.awaits(wanted):
            got = await self.receive()
        if got.opcode != opcode or (payload is not None and got.payload != payload):
            raise Failure(wanted, _difference(got, opcode, payload))
        return got

    async def expect_message(self, message: str | bytes) -> Frame:
        """The next frame must be this whole message: text for `str`, binary for `bytes`."""
        if isinstance(message, str):
            return await self.expect(Opcode.TEXT, message.encode("utf-8"))
        return await self.expect(Opcode.BINARY, message)

    async def echoes(self, message: str | bytes = "are you there?") -> None:
        """Prepare: send a message and have it back, so that the server is surely in its loop."""
        with self.scene.preparing("an echo of an ordinary message"):
            payload = message.encode("utf-8") if isinstance(message, str) else message
            self.send_message(Opcode.TEXT if isinstance(message, str) else Opcode.BINARY, payload)
            await self.expect_message(message)

    def _fence_frame(self) -> Frame:
        self._fences += 1
        return client_frame(Opcode.PING, f"fence {self._fences}".encode())

    async def fence(self) -> None:
        """Nothing came before: the answer to a Ping sent now is the next thing received."""
        fence = self._fence_frame()
        self.send(fence)
        await self.expect(Opcode.PONG, fence.payload)

    async def expect_failed(
        self, *codes: int, fence: str = "ping", after: str | None = None, lossy: bool = False
    ) -> Frame | None:
        """The server fails the connection (RFC 6455, 7.1.7) for what has just been sent.

        One of `codes` in its Close frame is right; another code, or the TCP connection closed
        without a Close frame, is NON_STRICT; going on is a Failure. A fence travels with the
        offending octets, so that a server that goes on answers it and nobody waits: `ping` where
        the frame itself is wrong; `message` where only the message's content is, which a server
        may look at later than at the Pings behind it; `none` where a fence would be read as part
        of a frame. `after` is a text that may be answered first: it was whole before the offence.
        Where octets follow the offence in later segments, they are `lossy`: they may reach a
        socket that is closed, whose RST takes the Close frame with it. Gives the Close frame.
        """
        names = " or ".join(map(str, codes))
        wanted = f"the connection failed: Close {names}, then the end of TCP"
        behind = self._send_fence(fence)
        try:
            with self.scene.awaits(wanted):
                close = await self._failing(wanted, behind, after)
        except Failure as failure:
            if isinstance(failure.__cause__, StreamClosed):
                if not lossy:
                    self.scene.non_strict(wanted, f"{failure.__cause__.how} without a Close frame")
                return None
            raise
        code = _close_code(close)
        if code not in codes:
            self.scene.non_strict(wanted, str(close))
        await self._nothing_after_close(wanted, behind)
        return close

    def _send_fence(self, fence: str) -> Frame | None:
        """Send the fence; gives what would answer it."""
        if fence == "none":
            return None
        ping = self._fence_frame()
        if fence == "message":
            self.send(client_frame(Opcode.TEXT, ping.payload))
            return Frame(Opcode.TEXT, ping.payload)
        self.send(ping)
        return Frame(Opcode.PONG, ping.payload)

    async def _failing(self, wanted: str, behind: Frame | None, after: str | None) -> Frame:
        got = await self.receive()
        if after is not None and (got.opcode, got.payload) == (Opcode.TEXT, after.encode()):
            got = await self.receive()
        if _answers(got, behind):
            raise Failure(wanted, f"the server went on: it answered what was sent behind it: {got}")
        if got.opcode != Opcode.CLOSE:
            raise Failure(wanted, f"the server went on: {got}")
        return got

    async def _nothing_after_close(self, wanted: str, behind: Frame | None) -> None:
        """Answer the Close; the server may only end TCP now. A server slow to do so is let be."""
        if not self._close_sent:
            self.send(close_frame(None))
        try:
            async with asyncio.timeout(CLOSE_GRACE):
                got = await self.receive()
        except (TimeoutError, StreamClosed):
            return
        what = "it answered what was sent behind it: " if _answers(got, behind) else ""
        raise Failure(wanted, f"the server went on after its Close frame: {what}{got}")

    async def goes_on(self) -> bool:
        """Whether the server answers a Ping; a Close that comes first is still to be received."""
        fence = self._fence_frame()
        self.send(fence)
        try:
            got = await self.receive()
        except StreamClosed:
            return False
        if got.opcode == Opcode.CLOSE:
            self._frames.appendleft(got)
            return False
        if _answers(got, Frame(Opcode.PONG, fence.payload)):
            return True
        raise Failure(f"{Frame(Opcode.PONG, fence.payload)} or CLOSE", str(got))

    async def closes_within(self, seconds: float) -> bool:
        """Whether the server closes in that time; its Close frame is still to be received."""
        try:
            async with asyncio.timeout(seconds):
                got = await self.receive()
        except StreamClosed:
            return True
        except TimeoutError:
            return False
        if got.opcode != Opcode.CLOSE:
            raise Failure("CLOSE, or nothing yet", str(got))
        self._frames.appendleft(got)
        return True

    async def expect_close(self, *codes: int | None) -> Frame:
        """The next frame is a Close with one of these codes (None: none), or with any."""
        named = ", ".join("no code" if code is None else str(code) for code in codes)
        wanted = f"CLOSE with {named}" if codes else "CLOSE"
        with self.scene.awaits(wanted):
            got = await self.receive()
        if got.opcode != Opcode.CLOSE:
            raise Failure(wanted, str(got))
        code = _close_code(got)
        if codes and code not in codes:
            raise Failure(wanted, str(got))
        return got

    async def expect_end(self, within: float | None = None) -> str:
        """The server ends TCP, and sends nothing before; gives how it ended.

        `within` (seconds) is for what has to happen at once; else the case's own limit holds.
        """
        wanted = "the end of the TCP connection"
        with self.scene.awaits(wanted):
            try:
                async with asyncio.timeout(within):
                    got = await self.receive_frame()
            except StreamClosed as closed:
                return closed.how
            except TimeoutError:
                if within is None:
                    raise
                raise Failure(wanted, f"it was still open after {within:g} s") from None
        raise Failure(wanted, str(got))

    def is_closed(self) -> bool:
        """Whether the server has ended the TCP connection, as far as has been noticed."""
        return self.stream.ended is not None


def _answers(got: Frame, behind: Frame | None) -> bool:
    return behind is not None and (got.opcode, got.payload) == (behind.opcode, behind.payload)


def _close_code(close: Frame) -> int | None:
    try:
        return parse_close(close.payload)[0]
    except WireError as error:
        raise Failure("a well-formed Close frame", str(error)) from error


def _difference(got: Frame, opcode: int, payload: bytes | None) -> str:
    """`got` in words, and where it first differs when only the payload does."""
    if got.opcode != opcode or payload is None:
        return str(got)
    pairs = enumerate(zip(got.payload, payload, strict=False))
    at = next((index for index, (a, b) in pairs if a != b), min(len(got.payload), len(payload)))
    return f"{got}; it differs from octet {at} on"
