"""The client's side of one WebSocket connection, able to break every rule.

What `receive` gives are control frames and whole messages, the latter inflated and as one frame.
A frame that no server may send (masked, reserved bits, a fragmented Ping …) is a Failure in
whichever case meets it. Pings are answered and skipped, since a server may send them at any
time; so are Pongs beyond those that answer a Ping of this peer: they are a server's heartbeats.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from sockproof.conformance.context.case_context import CaseContext
from sockproof.conformance.context.outcome import IllegalFrame, StreamClosed
from sockproof.conformance.context.said import Said
from sockproof.conformance.context.wirelog import KEPT_FIRST, KEPT_LAST, RECEIVED, SENT
from sockproof.conformance.peers.client_frames import client_frame
from sockproof.conformance.peers.message import LENGTHS_ARE_RIGHT, Assembler, Forbidden
from sockproof.conformance.peers.stream import Stream
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
)

TELLING_OCTETS = 8  # of contents by which one case is told from another
MANY = max(KEPT_FIRST, KEPT_LAST)  # frames at either end of a flood that its log may keep
MESSAGES_APART = "rfc6455-6.2-next-message"  # what frames in one segment build on
FRAGMENTS_JOINED = "rfc6455-5.4-fragmented-received"  # what messages in fragments build on
PIECES_JOINED = "rfc6455-5.2-octet-by-octet"  # and one frame in several


class WebSocketConnection:
    """Our end of one WebSocket connection, from the server's 101 on."""

    frame = staticmethod(client_frame)  # as this end sends them
    assembler: type[Assembler] = Assembler
    may_send = "frames that a server may send"
    role = ""  # with which the ids of requirements begin that bind the other end

    def __init__(
        self,
        context: CaseContext,
        stream: Stream,
        number: int,
        response: Response,
        rest: bytes = b"",
        deflate: Parameters | None = None,
    ) -> None:
        self.context = context
        self.stream = stream
        self.number = number
        self.response = response
        self.protocol = response.get("Sec-WebSocket-Protocol")
        self.answer_pings = True
        self._held: bytes | None = None  # PONGs, while a frame has been sent in part
        self.skip_strange_pongs = True  # those that answer nothing are not received
        self.compresses = False  # whether `send` compresses the data frames that it is given
        self.frames: tuple[Frame, ...] = ()  # those that the last received message came in
        self.compressed = False  # whether the last received message was
        self.agree(deflate)
        self._parser = FrameParser(context.max_octets)
        self._frames: deque[Frame] = deque()
        self._hopeless: str | None = None
        self.said = Said()
        self._octets_sent = FrameParser(context.max_octets)
        self._marks: list[bytes] = []  # of fences, which nobody else has sent
        self._fences: list[bytes] = []  # marks of texts whose echoes nobody awaits any more
        self._continues = False  # inside a fragmented message that is being compressed
        if rest:
            self._parse(rest)

    def agree(self, deflate: Parameters | None) -> None:
        """Compress and inflate by these parameters from now on; None: do neither."""
        self.deflate = deflate
        inflater, self._deflater = None, None
        if deflate is not None:
            theirs, ours = self.halves(deflate)
            inflater = Decompressor(*theirs, max_size=self.context.max_octets)
            self._deflater = Compressor(*ours)
        self._assembler = self.assembler(inflater, self.context.max_octets)

    @staticmethod
    def halves(deflate: Parameters) -> tuple[tuple[int, bool], tuple[int, bool]]:
        """Window bits and whether the context is kept, of what comes and of what is sent."""
        return (
            (deflate.server_max_window_bits, not deflate.server_no_context_takeover),
            (deflate.client_max_window_bits, not deflate.client_no_context_takeover),
        )

    # Sending. What is sent between two awaits leaves as one piece.

    def send(self, *frames: Frame) -> None:
        """Send frames, together with everything else sent before the next await."""
        if len(frames) > 1 or self.stream.has_more_to_send:
            self.context.builds_on(MESSAGES_APART, however=False)
        if any(not frame.fin and frame.opcode in (Opcode.TEXT, Opcode.BINARY) for frame in frames):
            self.context.builds_on(FRAGMENTS_JOINED)
        for place, frame in enumerate(frames):
            ready = self._ready(frame)
            if MANY <= place < len(frames) - MANY:
                self.context.log.passed_over(1)
                self.stream.write(ready.encode())
            else:
                self._write(ready)

    def _write(self, frame: Frame) -> None:
        self.context.log.frame(self.number, SENT, frame)
        self.stream.write(frame.encode())

    def _ready(self, frame: Frame) -> Frame:
        """The frame as it is sent, and remembered where what comes back depends on it."""
        self._say(frame, frame.payload)
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
            self.send(self.frame(opcode, payload))
            return
        frame = self.frame(opcode, self._deflater.compress(payload), rsv=RSV1)
        self._say(frame, payload)
        self._write(frame)

    def send_octets(self, octets: bytes, meaning: str, *, inside: bool = False) -> None:
        """Send octets that are no whole frame; `meaning` says in the wire log what they are.

        They end `inside` a frame: until the rest is sent, no PONG of ours comes between.
        """
        self.context.log.add(self.number, SENT, octets, meaning)
        if inside:
            self.context.builds_on(PIECES_JOINED)
        self.remember(octets)
        self.stream.write(octets + (b"" if inside else self._held or b""))
        self._held = b"" if inside else None

    def remember(self, octets: bytes) -> None:
        """Count these octets as said: what they hold, read as frames, may come back."""
        try:
            frames = self._octets_sent.feed(octets)
        except FrameError as error:
            frames, self._octets_sent = error.frames, FrameParser(self.context.max_octets)
        for frame in frames:
            self._say(frame, frame.payload)

    def _say(self, frame: Frame, payload: bytes) -> None:
        self.said.note(frame, payload)
        if frame.opcode == Opcode.BINARY:
            self.context.spoken.octets = True
        elif frame.opcode == Opcode.TEXT:
            self.context.spoken.text(payload)
        if frame.opcode == Opcode.CLOSE and len(payload) >= 2:
            self._assembler.codes_sent.add(int.from_bytes(payload[:2], "big"))
        whole = frame.fin and frame.opcode in (Opcode.TEXT, Opcode.BINARY)
        if whole and len(payload) >= TELLING_OCTETS:
            self.context.company.said(self.context.case, payload)

    async def send_pieces(self, *frames: Frame, size: int = 1) -> None:
        """Send frames in pieces of `size` octets, each in a TCP segment of its own."""
        self.context.builds_on(PIECES_JOINED)
        frames = tuple(map(self._ready, frames))
        for frame in frames:
            self.context.log.frame(self.number, SENT, frame, f"in pieces of {size}")
        await self.stream.write_pieces(b"".join(frame.encode() for frame in frames), size)

    async def flush(self) -> None:
        """Send what is waiting, so that what follows goes into a TCP segment of its own."""
        await self.stream.flush()

    # Receiving.

    @property
    def has_unread(self) -> bool:
        """Whether anything has come that nobody has received."""
        unread = self._frames or self._parser.pending or self._hopeless or self.stream.unread
        return bool(unread)

    def _parse(self, data: bytes) -> None:
        try:
            frames = self._parser.feed(data)
        except FrameError as error:
            frames, self._hopeless = error.frames, str(error)
            self.context.log.add(self.number, RECEIVED, data[-32:], f"no frame: {error}")
        log = self.context.log
        for frame in frames[:MANY]:
            log.frame(self.number, RECEIVED, frame)
        rest = frames[MANY:]
        log.passed_over(len(rest) - len(rest[-MANY:]))
        for frame in rest[-MANY:]:
            log.frame(self.number, RECEIVED, frame)
        self._frames.extend(frames)

    async def receive_frame(self) -> Frame:
        """The next frame just as it came; raises `StreamClosed` at the end of the stream."""
        while not self._frames:
            if self._hopeless is not None:
                wanted = f"well-formed frames from {self.context.other}"
                raise IllegalFrame(wanted, self._hopeless, self.role + LENGTHS_ARE_RIGHT)
            try:
                data = await self.stream.read()
            except StreamClosed as error:
                inside = bool(self._parser.pending)
                where = f", inside a frame after {self._parser.pending} octets of it"
                how = error.how + (where if inside else "")
                self.context.log.note(self.number, RECEIVED, how)
                raise StreamClosed(how, reset=error.reset, inside=inside) from error
            self._parse(data)
        return self._frames.popleft()

    async def receive(self) -> Frame:
        """The next control frame or whole message; raises `StreamClosed` at the end."""
        while True:
            frame = await self.receive_frame()
            try:
                whole = self._assembler.feed(frame)
            except WireError as error:
                broken = self.role + error.requirement if isinstance(error, Forbidden) else None
                wanted = self.may_send
                raise IllegalFrame(wanted, f"{frame}: {error}", broken, came=frame) from error
            if whole is None:
                continue
            if whole.opcode == Opcode.PING and self.answer_pings:
                self.context.log.note(self.number, SENT, f"PONG to a PING of {self.context.other}")
                pong = self.frame(Opcode.PONG, whole.payload).encode()
                if self._held is None:
                    self.stream.write(pong)
                else:
                    self._held += pong
                continue
            strange = whole.opcode == Opcode.PONG and not self.said.is_answered(whole.payload)
            if strange and self.skip_strange_pongs:
                continue
            if any(mark in whole.payload for mark in self._fences):
                continue
            self.frames = self._assembler.frames
            self.compressed = self._assembler.compressed
            return whole
