"""How a right client may compress what it sends, and read what comes: RFC 7692, 7.2."""

from __future__ import annotations

import zlib

from sockproof.wire.websocket import Frame
from tests.clients.raw_websocket.receiving import CONT
from tests.clients.raw_websocket.switching import Mixin, has


class NotCompressing:
    """Has agreed, and sends every message as it is (6: an endpoint MAY choose)."""

    def compresses(self, opcode, payload):
        return False


class CompressingLongOnes:
    def compresses(self, opcode, payload):
        return super().compresses(opcode, payload) and len(payload) > 200


class CompressingEverySecond:
    turn = False

    def compresses(self, opcode, payload):
        self.turn = not self.turn
        return super().compresses(opcode, payload) and self.turn


class CompressingBinaryOnly:
    def compresses(self, opcode, payload):
        return super().compresses(opcode, payload) and opcode == 2


class NoContext:
    """Each message by itself, though nobody has asked for it."""

    def keeps_context(self):
        return False


class EmptyStoredBlockFirst:
    """An empty block that is not compressed begins each message."""

    def deflate(self, payload):
        return b"\x00\x00\x00\xff\xff" + super().deflate(payload)


class ManyBlocks:
    """A block for each few octets."""

    def deflate(self, payload):
        if self.deflater is None or not self.keeps_context():
            self.deflater = self.new_deflater()
        step = max(1, len(payload) // 50)
        octets = b""
        for start in range(0, len(payload) or 1, step):
            octets += self.deflater.compress(payload[start : start + step])
            octets += self.deflater.flush(zlib.Z_SYNC_FLUSH)
        return self.without_tail(octets)


class FinalBlocks:
    """A message ends with a final block, an empty one behind it (7.2.3.4)."""

    def keeps_context(self):
        return False

    def deflate(self, payload):
        deflater = self.new_deflater()
        return deflater.compress(payload) + deflater.flush(zlib.Z_FINISH) + b"\x00"


class FullFlush:
    """Nothing refers back beyond a message, though the window is kept."""

    def deflate(self, payload):
        if self.deflater is None or not self.keeps_context():
            self.deflater = self.new_deflater()
        octets = self.deflater.compress(payload) + self.deflater.flush(zlib.Z_FULL_FLUSH)
        return self.without_tail(octets)


class FinalBlockEndsContext:
    """What came before a final block is forgotten."""

    def final_block(self, rest):
        self.inflater = self.new_inflater()
        return rest


class FragmentsAsTheyAreMade:
    """Each half of a message is compressed and sent in a frame of its own."""

    def frames(self, opcode, payload):
        if not self.compresses(opcode, payload) or len(payload) < 2:
            return super().frames(opcode, payload)
        if self.deflater is None or not self.keeps_context():
            self.deflater = self.new_deflater()
        half = len(payload) // 2
        first = self.deflater.compress(payload[:half]) + self.deflater.flush(zlib.Z_SYNC_FLUSH)
        second = self.deflater.compress(payload[half:]) + self.deflater.flush(zlib.Z_SYNC_FLUSH)
        return [Frame(opcode, first, False, 4), Frame(CONT, self.without_tail(second))]


class SmallerWindow:
    """Uses less than the window that it may use."""

    def deflate_bits(self):
        return 9


FREEDOMS: dict[str, Mixin] = {
    "compresses-nothing": NotCompressing,
    "compresses-long-messages-only": CompressingLongOnes,
    "compresses-every-second-message": CompressingEverySecond,
    "compresses-binary-only": CompressingBinaryOnly,
    "compresses-each-message-by-itself": NoContext,
    "stores-only": has(level=0),
    "compresses-fixed": has(strategy=zlib.Z_FIXED),
    "compresses-by-huffman-only": has(strategy=zlib.Z_HUFFMAN_ONLY),
    "compresses-best": has(level=9),
    "compresses-in-runs": has(strategy=zlib.Z_RLE),
    "begins-with-an-empty-block": EmptyStoredBlockFirst,
    "compresses-in-many-blocks": ManyBlocks,
    "ends-with-a-final-block": FinalBlocks,
    "flushes-fully": FullFlush,
    "final-block-ends-context": FinalBlockEndsContext,
    "compresses-as-it-sends-fragments": FragmentsAsTheyAreMade,
    "compresses-in-a-smaller-window": SmallerWindow,
}
