"""Compressed messages that a client must not send: RFC 7692, 6 and 7.2."""

from __future__ import annotations

import zlib
from dataclasses import replace

from sockproof.wire.websocket import Frame
from tests.clients.raw_websocket.compression import TAIL
from tests.clients.raw_websocket.receiving import CLOSE, CONT, PONG
from tests.clients.raw_websocket.switching import Mixin, has, offers


class SendsWithoutAgreement:
    """Compresses although the server has declined, or the client has not offered."""

    def compresses(self, opcode, payload):
        return True

    def deflate_bits(self):
        return 15

    def keeps_context(self):
        return True


class CompressedWithoutRsv1:
    """What is compressed does not say so."""

    def frames(self, opcode, payload):
        return [replace(frame, rsv=0) for frame in super().frames(opcode, payload)]


class Rsv1WithoutCompression:
    def frames(self, opcode, payload):
        return [Frame(opcode, payload, rsv=4 if self.agreed else 0)]


class Fragments:
    """Compressed messages are sent in two frames."""

    def frames(self, opcode, payload):
        found = super().frames(opcode, payload)
        if self.agreed is None or len(found[0].payload) < 2:
            return found
        octets, half = found[0].payload, len(found[0].payload) // 2
        return [
            replace(found[0], payload=octets[:half], fin=False),
            Frame(CONT, octets[half:], rsv=self.rsv_behind),
        ]

    rsv_behind = 0


class Rsv1OnEveryFragment(Fragments):
    rsv_behind = 4


class Rsv1OnTheLastFragment(Fragments):
    def frames(self, opcode, payload):
        found = super().frames(opcode, payload)
        if len(found) == 1:
            return found
        return [replace(found[0], rsv=0), replace(found[1], rsv=4)]


class EachFragmentByItself:
    """Each fragment is compressed as if it were a message, its tail taken off."""

    def frames(self, opcode, payload):
        if self.agreed is None or len(payload) < 2:
            return super().frames(opcode, payload)
        half = len(payload) // 2
        first, second = self.deflate(payload[:half]), self.deflate(payload[half:])
        return [Frame(opcode, first, rsv=4, fin=False), Frame(CONT, second)]


class CompressedControls:
    """The payload of a Pong is compressed, and RSV1 says so."""

    rsv = 4
    kind = PONG

    def write(self, frame):
        if self.agreed and frame.opcode == self.kind and frame.payload:
            octets = zlib.compressobj(wbits=-15)
            payload = octets.compress(frame.payload) + octets.flush(zlib.Z_SYNC_FLUSH)
            frame = replace(frame, payload=payload.removesuffix(TAIL)[:125], rsv=self.rsv)
        super().write(frame)


class CompressedControlsSilently(CompressedControls):
    rsv = 0


class CompressedClose(CompressedControls):
    kind = CLOSE


class Rsv1OnPongs:
    def write(self, frame):
        super().write(replace(frame, rsv=4) if self.agreed and frame.opcode == PONG else frame)


class TailWithLastOctetOnly:
    def without_tail(self, octets):
        return octets[:-1]


class CutsTooMuch:
    """Takes five octets off."""

    def without_tail(self, octets):
        return octets[:-5] or b"\x00"


class EmptyForEmpty:
    """An empty message is compressed to nothing at all."""

    def deflate(self, payload):
        return super().deflate(payload) if payload else b""


class FinishesEachMessage:
    """Each message ends with a final block, and the next one refers back to it all the same."""

    def deflate(self, payload):
        window, self.sent = getattr(self, "sent", b""), payload
        arguments = (-1, zlib.DEFLATED, -15, 8, zlib.Z_DEFAULT_STRATEGY)
        deflater = zlib.compressobj(*arguments, *([window[-32768:]] if window else []))
        return deflater.compress(payload) + deflater.flush(zlib.Z_FINISH)


class ForgetsWhatItSent:
    """Goes on with the window of the message before the last: the server's is another."""

    def deflate(self, payload):
        kept = self.deflater.copy() if self.deflater else None
        octets = super().deflate(payload)
        if kept is not None and len(payload) % 2:
            self.deflater = kept
        return octets


class KeepsContextAlways:
    """client_no_context_takeover is passed over."""

    def keeps_context(self):
        return True


class KeepsContextForShortMessages:
    def deflate(self, payload):
        if len(payload) < 64 and self.deflater is not None:
            octets = self.deflater.compress(payload) + self.deflater.flush(zlib.Z_SYNC_FLUSH)
            return self.without_tail(octets)
        return super().deflate(payload)


class With15Bits:
    """client_max_window_bits is passed over."""

    def deflate_bits(self):
        return 15


class OneBitMore:
    def deflate_bits(self):
        return min(15, max(9, self.agreed.client_max_window_bits) + 1)


class ServersBits:
    """Takes the server's window for its own."""

    def deflate_bits(self):
        return max(9, self.agreed.server_max_window_bits)


class ZlibHeader:
    """Sends zlib's format, with its header."""

    def new_deflater(self):
        return zlib.compressobj(-1, zlib.DEFLATED, self.deflate_bits())


class GzipHeader:
    def new_deflater(self):
        return zlib.compressobj(-1, zlib.DEFLATED, 16 + self.deflate_bits())


class CompressesTwice:
    def deflate(self, payload):
        octets = zlib.compressobj(wbits=-15)
        once = octets.compress(payload) + octets.flush(zlib.Z_SYNC_FLUSH)
        return super().deflate(once.removesuffix(TAIL))


FAULTS: dict[str, Mixin] = {
    "compresses-without-agreement": SendsWithoutAgreement,
    "compresses-without-offer": offers("", SendsWithoutAgreement),
    "compresses-without-rsv1": CompressedWithoutRsv1,
    "sets-rsv1-without-compressing": Rsv1WithoutCompression,
    "sets-rsv1-on-every-fragment": Rsv1OnEveryFragment,
    "sets-rsv1-on-the-last-fragment": Rsv1OnTheLastFragment,
    "compresses-fragments-one-by-one": EachFragmentByItself,
    "compresses-pongs": CompressedControls,
    "compresses-pongs-without-rsv1": CompressedControlsSilently,
    "compresses-close": CompressedClose,
    "sets-rsv1-on-pongs": Rsv1OnPongs,
    "leaves-the-tail": has(without_tail=lambda self, octets: octets),
    "leaves-most-of-the-tail": TailWithLastOctetOnly,
    "cuts-more-than-the-tail": CutsTooMuch,
    "compresses-empty-messages-to-nothing": EmptyForEmpty,
    "refers-back-behind-final-blocks": FinishesEachMessage,
    "forgets-what-it-sent": ForgetsWhatItSent,
    "keeps-context-always": KeepsContextAlways,
    "keeps-context-for-short-messages": KeepsContextForShortMessages,
    "compresses-with-15-bits": With15Bits,
    "compresses-with-a-bit-more": OneBitMore,
    "compresses-with-the-servers-bits": ServersBits,
    "sends-zlib-headers": ZlibHeader,
    "sends-gzip-headers": GzipHeader,
    "compresses-twice": CompressesTwice,
}
