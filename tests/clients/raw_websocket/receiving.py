"""Which frames and messages a client takes, octet by octet: RFC 6455, 5, 7.4 and 8.1.

Headers are judged before their payload has come, text as far as it has come.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass

from sockproof.wire.websocket import apply_mask
from tests.clients.raw_websocket.compression import MAX_MESSAGE, FailedError
from tests.clients.raw_websocket.request import Place
from tests.clients.raw_websocket.sending import Sending

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
RSV1 = 4


@dataclass
class Header:
    """The header of a frame; `rsv` adds up 4, 2 and 1."""

    fin: bool
    rsv: int
    opcode: int
    length: int
    key: bytes | None
    shortest: bool = True  # whether the length has the form that it has to have

    @property
    def is_control(self) -> bool:
        return self.opcode >= 8


class Receiving(Sending):
    """Reads frames and puts messages together."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.buffer = bytearray()
        self.header: Header | None = None
        self.taken = 0  # octets of this frame's payload
        self.opcode: int | None = None  # of the message that comes
        self.compressed = False
        self.parts = bytearray()
        self.pings: list[bytes] = []
        self.decoder = self.new_decoder()
        self.close_received = False

    async def take(self, octets: bytes) -> None:
        """Everything that these octets complete."""
        self.buffer += octets
        while not self.close_received and await self.step():
            pass

    async def step(self) -> bool:
        """One header, one piece of a payload or one control frame; False when more has to come."""
        if self.header is None:
            self.header = self.read_header()
            if self.header is None:
                return False
            self.taken = 0
            self.check_header(self.header)
            if not self.header.is_control:
                self.frame_begins(self.header)
        header = self.header
        if header.is_control:
            if len(self.buffer) < header.length:
                return False
            payload = self.cut(header.length, header)
            self.header = None
            await self.control(header, payload)
            return True
        piece = self.cut(min(len(self.buffer), header.length - self.taken), header)
        self.taken += len(piece)
        self.take_piece(piece)
        if self.taken < header.length:
            return False
        self.header = None
        await self.frame_ends(header)
        return True

    def read_header(self) -> Header | None:
        """The next frame's header, or None when it has not come whole."""
        if len(self.buffer) < 2:
            return None
        first, second = self.buffer[:2]
        width = self.length_width(second & 0x7F)
        key_at = 2 + width
        end = key_at + (4 if second & 0x80 else 0)
        if len(self.buffer) < end:
            return None
        length = int.from_bytes(self.buffer[2:key_at], "big") if width else second & 0x7F
        key = bytes(self.buffer[key_at:end]) if second & 0x80 else None
        del self.buffer[:end]
        shortest = width == (0 if length < 126 else 2 if length < 65536 else 8)
        return Header(bool(first & 0x80), first >> 4 & 7, first & 15, length, key, shortest)

    def pass_over(self) -> None:
        """Go on behind the frame that was being read."""
        if self.header is not None:
            del self.buffer[: self.header.length - self.taken]
        self.header = None

    def length_width(self, length: int) -> int:
        """Octets of the extended length."""
        return {126: 2, 127: 8}.get(length, 0)

    def cut(self, count: int, header: Header) -> bytes:
        """So many octets of the payload, unmasked."""
        octets = bytes(self.buffer[:count])
        del self.buffer[:count]
        return octets if header.key is None else self.unmasked(octets, header.key)

    def unmasked(self, octets: bytes, key: bytes) -> bytes:
        """Never asked of a correct client."""
        turn = self.taken % 4
        return apply_mask(octets, key[turn:] + key[:turn])

    # What a header must be.

    def check_header(self, header: Header) -> None:
        self.check_mask(header)
        self.check_rsv(header)
        self.check_opcode(header)
        self.check_shortest(header)
        if header.is_control:
            self.check_control_fin(header)
            self.check_control_length(header)
        else:
            self.check_order(header)
            self.check_length(header)

    def check_mask(self, header: Header) -> None:
        if header.key is not None:
            raise FailedError(1002, "a masked frame")

    def check_rsv(self, header: Header) -> None:
        allowed = RSV1 if self.agreed and header.opcode in (TEXT, BINARY) else 0
        if header.rsv & ~allowed:
            raise FailedError(1002, "a reserved bit")

    def check_opcode(self, header: Header) -> None:
        if header.opcode not in (CONT, TEXT, BINARY, CLOSE, PING, PONG):
            raise FailedError(1002, "a reserved opcode")

    def check_shortest(self, header: Header) -> None:
        if not header.shortest:
            raise FailedError(1002, "a length that is not in its shortest form")

    def check_control_fin(self, header: Header) -> None:
        if not header.fin:
            raise FailedError(1002, "a fragmented control frame")

    def check_control_length(self, header: Header) -> None:
        if header.length > 125:
            raise FailedError(1002, "a long control frame")

    def check_order(self, header: Header) -> None:
        if header.opcode == CONT and self.opcode is None:
            raise FailedError(1002, "nothing to continue")
        if header.opcode != CONT and self.opcode is not None:
            raise FailedError(1002, "a message inside another")

    def check_length(self, header: Header) -> None:
        if header.length >> 63:
            raise FailedError(1002, "a length with its top bit set")
        if header.length + len(self.parts) > MAX_MESSAGE:
            raise FailedError(1009, "too big")

    # Messages.

    def frame_begins(self, header: Header) -> None:
        if header.opcode != CONT:
            self.message_begins(header)

    def message_begins(self, header: Header) -> None:
        self.opcode = header.opcode
        self.parts = bytearray()
        self.decoder = self.new_decoder()
        self.compressed = bool(header.rsv & RSV1) and self.agreed is not None
        if self.compressed:
            self.inflate_begins()

    def take_piece(self, piece: bytes) -> None:
        self.take_plain(self.inflate(piece) if self.compressed else piece)

    def take_plain(self, piece: bytes) -> None:
        self.parts += piece
        if self.opcode == TEXT:
            self.check_text(piece)

    def new_decoder(self) -> codecs.IncrementalDecoder:
        return codecs.getincrementaldecoder("utf-8")()

    def check_text(self, piece: bytes, last: bool = False) -> None:
        try:
            self.decoder.decode(piece, last)
        except UnicodeDecodeError as error:
            raise FailedError(1007, error.reason) from None

    async def frame_ends(self, header: Header) -> None:
        if not header.fin:
            return
        if self.compressed:
            self.take_plain(self.inflate_ends())
        if self.opcode == TEXT:
            self.check_text(b"", last=True)
        opcode, self.opcode = self.opcode, None
        payload, self.parts = bytes(self.parts), bytearray()
        assert opcode is not None
        await self.message(opcode, payload)

    async def message(self, opcode: int, payload: bytes) -> None:
        """A whole message came."""
        raise NotImplementedError

    # Control frames.

    async def control(self, header: Header, payload: bytes) -> None:
        if header.opcode == PING:
            await self.ping(payload)
        elif header.opcode == PONG:
            await self.pong(payload)
        elif header.opcode == CLOSE:
            await self.closed(*self.read_close(payload))

    async def ping(self, payload: bytes) -> None:
        self.send_frame(PONG, payload)

    async def pong(self, payload: bytes) -> None:
        """Nothing is asked of who hears one."""

    def read_close(self, payload: bytes) -> tuple[int | None, bytes]:
        """The code and the reason."""
        if not payload:
            return None, b""
        self.check_close_length(payload)
        code, reason = int.from_bytes(payload[:2], "big"), payload[2:]
        self.check_close_code(code)
        self.check_close_reason(reason)
        return code, reason

    def check_close_length(self, payload: bytes) -> None:
        if len(payload) == 1:
            raise FailedError(1002, "half a code")

    def check_close_code(self, code: int) -> None:
        known = code in range(1000, 1004) or code in range(1007, 1015)
        if not known and code not in range(3000, 5000):
            raise FailedError(1002, f"code {code}")

    def check_close_reason(self, reason: bytes) -> None:
        try:
            reason.decode("utf-8")
        except UnicodeDecodeError as error:
            raise FailedError(1007, error.reason) from None

    async def closed(self, code: int | None, reason: bytes) -> None:
        """The server has sent a Close frame."""
        self.close_received = True
        self.answer_close(code, reason)

    def answer_close(self, code: int | None, reason: bytes) -> None:
        self.send_close(code)
