"""permessage-deflate as a client does it: RFC 7692, 7.2."""

from __future__ import annotations

import zlib

from tests.clients.raw_websocket.response import Checking

TAIL = b"\x00\x00\xff\xff"
MAX_MESSAGE = 64 * 1024 * 1024


class FailedError(Exception):
    """What the server sent fails the connection (RFC 6455, 7.1.7)."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Compressing(Checking):
    """Deflates what is sent, inflates what comes."""

    inflated = 0  # octets of the message that comes
    window = b""  # the last of what was inflated
    inflater: zlib._Decompress | None = None
    deflater: zlib._Compress | None = None
    level = -1
    strategy = zlib.Z_DEFAULT_STRATEGY

    # What comes.

    def new_inflater(self, window: bytes = b"") -> zlib._Decompress:
        if window:
            return zlib.decompressobj(-15, zdict=window)
        return zlib.decompressobj(-15)

    def inflate_begins(self) -> None:
        assert self.agreed is not None
        self.inflated = 0
        if self.inflater is None or self.agreed.server_no_context_takeover:
            self.inflater, self.window = self.new_inflater(), b""

    def inflate(self, octets: bytes) -> bytes:
        """What more of the message these octets give."""
        found = bytearray()
        while octets:
            assert self.inflater is not None
            try:
                piece = self.inflater.decompress(octets, MAX_MESSAGE + 1 - self.inflated)
            except zlib.error as error:
                raise FailedError(1007, str(error)) from None
            found += piece
            self.inflated += len(piece)
            self.window = (self.window + piece)[-32768:]
            if self.inflated > MAX_MESSAGE:
                raise FailedError(1009, "too big")
            octets = self.inflater.unconsumed_tail
            if self.inflater.eof:
                octets = self.final_block(self.inflater.unused_data)
        return bytes(found)

    def final_block(self, rest: bytes) -> bytes:
        """A block with BFINAL ends zlib's stream and not the message (7.2.3.4)."""
        self.inflater = self.new_inflater(self.window)
        return rest

    def inflate_ends(self) -> bytes:
        """The rest of a message behind its last octet."""
        found = self.inflate(TAIL)
        self.check_whole()
        return found

    def check_whole(self) -> None:
        """Between two blocks, and only there, would an empty last one end the stream."""
        assert self.inflater is not None
        probe = self.inflater.copy()
        try:
            whole = not probe.decompress(b"\x01" + TAIL) and probe.eof
        except zlib.error:
            whole = False
        if not whole:
            raise FailedError(1007, "ends inside a block")

    # What is sent.

    def compresses(self, opcode: int, payload: bytes) -> bool:
        return self.agreed is not None

    def deflate_bits(self) -> int:
        """zlib has no raw window of 8 bits; its of 9 refers back no further than 250 octets."""
        assert self.agreed is not None
        return max(9, self.agreed.client_max_window_bits)

    def keeps_context(self) -> bool:
        assert self.agreed is not None
        return not self.agreed.client_no_context_takeover

    def new_deflater(self) -> zlib._Compress:
        return zlib.compressobj(self.level, zlib.DEFLATED, -self.deflate_bits(), 8, self.strategy)

    def deflate(self, payload: bytes) -> bytes:
        """A message's payload, compressed."""
        if self.deflater is None or not self.keeps_context():
            self.deflater = self.new_deflater()
        octets = self.deflater.compress(payload) + self.deflater.flush(zlib.Z_SYNC_FLUSH)
        return self.without_tail(octets)

    def without_tail(self, octets: bytes) -> bytes:
        return octets.removesuffix(TAIL) or b"\x00"
