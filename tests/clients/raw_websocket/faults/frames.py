"""Frames and messages that a client must refuse, or must take: RFC 6455, 5."""

from __future__ import annotations

from dataclasses import replace

from tests.clients.raw_websocket.compression import FailedError
from tests.clients.raw_websocket.receiving import BINARY, CLOSE, CONT, PING, PONG
from tests.clients.raw_websocket.switching import Mixin, skips


def excuses(name: str, excuse) -> Mixin:
    """Leaves a check of the header out where the excuse holds."""

    def check(self, header):
        if not excuse(self, header):
            getattr(super(made, self), name)(header)

    made = type("Excuses", (), {name: check})
    return made


def refuses(excess, code: int = 1002) -> Mixin:
    """Refuses a header that is right."""

    class Refuses:
        def check_header(self, header):
            super().check_header(header)
            if excess(self, header):
                raise FailedError(code, "refused without cause")

    return Refuses


class TakesMaskAsIs:
    """Passes over the MASK bit, and takes the payload as it came."""

    def check_mask(self, header):
        pass

    def unmasked(self, octets, key):
        return octets


class StartsAnew:
    """A message inside another takes its place."""

    def check_order(self, header):
        if header.opcode == CONT:
            super().check_order(header)


class GoesOnWithTheFirst:
    """A TEXT or BINARY inside a message is taken for a continuation."""

    def check_order(self, header):
        if header.opcode == CONT:
            super().check_order(header)

    def message_begins(self, header):
        if self.opcode is None:
            super().message_begins(header)


class TakesStrayContinuations:
    """A continuation of nothing begins a message."""

    kind: int = BINARY

    def check_order(self, header):
        if header.opcode != CONT:
            super().check_order(header)

    def frame_begins(self, header):
        if header.opcode == CONT and self.opcode is None:
            header = replace(header, opcode=self.kind)
        super().frame_begins(header)


class DropsStrayContinuations:
    """A continuation of nothing is passed over."""

    def check_order(self, header):
        if header.opcode != CONT:
            super().check_order(header)

    def take_piece(self, piece):
        if self.opcode is not None:
            super().take_piece(piece)

    async def frame_ends(self, header):
        if self.opcode is not None:
            await super().frame_ends(header)


class StrayContinuationBehindAWholeMessage(DropsStrayContinuations):
    """Only the very first frame must not be a continuation."""

    count = 0

    def check_order(self, header):
        self.count += 1
        if self.count == 1:
            super(DropsStrayContinuations, self).check_order(header)
        super().check_order(header)


class ReservedAsData:
    """Frames with reserved opcodes are messages."""

    def check_opcode(self, header):
        if header.opcode in range(3, 8):
            header.opcode = BINARY


class ReservedArePassedOver:
    """Frames with these opcodes are not looked at."""

    which = range(3, 16)

    def check_opcode(self, header):
        if header.opcode in self.which and header.opcode not in (CLOSE, PING, PONG):
            self.ignored = header.opcode
        else:
            super().check_opcode(header)

    def check_order(self, header):
        if header.opcode <= 2:
            super().check_order(header)

    def frame_begins(self, header):
        if header.opcode <= 2:
            super().frame_begins(header)

    def take_piece(self, piece):
        if self.header.opcode <= 2:
            super().take_piece(piece)

    async def frame_ends(self, header):
        if header.opcode <= 2:
            await super().frame_ends(header)


class ReservedDataArePassedOver(ReservedArePassedOver):
    which = range(3, 8)


class ReservedControlArePassedOver(ReservedArePassedOver):
    which = range(11, 16)


class LongControlsAreCut:
    """Takes 125 octets of a longer control frame."""

    def check_control_length(self, header):
        pass

    async def control(self, header, payload):
        await super().control(header, payload[:125])


class FragmentedControlsAreJoined:
    """Puts the fragments of a control frame together."""

    first: tuple[int, bytes] | None = None

    def check_control_fin(self, header):
        pass

    def check_order(self, header):
        if self.first is None:
            super().check_order(header)

    async def control(self, header, payload):
        if header.fin:
            await super().control(header, payload)
        else:
            self.first = header.opcode, payload

    async def frame_ends(self, header):
        if self.first is None:
            await super().frame_ends(header)
            return
        (opcode, begin), self.first = self.first, None
        await super().control(replace(header, opcode=opcode), begin + self.joined)

    def take_piece(self, piece):
        if self.first is None:
            super().take_piece(piece)
        else:
            self.joined = piece


class TopBitIsPassedOver:
    """Reads 63 bits of a 64-bit length."""

    def read_header(self):
        header = super().read_header()
        if header is not None:
            header.length &= (1 << 63) - 1
        return header


class LengthsIn32Bits:
    def read_header(self):
        header = super().read_header()
        if header is not None:
            header.length &= (1 << 32) - 1
        return header


class LengthsIn16Bits:
    """Reads the lower half of what comes in eight octets."""

    def read_header(self):
        header = super().read_header()
        if header is not None:
            header.length &= 0xFFFF
        return header


class SignedLengths:
    """Reads a 16-bit length with a sign."""

    def read_header(self):
        header = super().read_header()
        if header is not None and 0x8000 <= header.length <= 0xFFFF:
            raise FailedError(1002, "a negative length")
        return header


class HeaderAtOnce:
    """Takes what comes of a header as the whole of it, when it comes in pieces."""

    async def take(self, octets):
        if len(self.buffer) + len(octets) == 1 and self.header is None:
            raise FailedError(1002, "half a header")
        await super().take(octets)


class OneFrameASegment:
    """What is behind the first frame of a segment is lost."""

    async def take(self, octets):
        self.frames_taken = 0
        await super().take(octets)

    async def step(self):
        if self.header is None and self.frames_taken and self.opcode is None:
            self.buffer.clear()
            return False
        begun = self.header is None
        going = await super().step()
        if going and self.header is None:
            self.frames_taken += not begun or going
        return going


def _rsv(bits: int, opcodes=range(16)):
    return excuses("check_rsv", lambda self, h: h.rsv & bits and h.opcode in opcodes)


FAULTS: dict[str, Mixin] = {
    "takes-masked-frames": skips("check_mask"),
    "takes-masked-payload-as-it-is": TakesMaskAsIs,
    "takes-masked-controls": excuses("check_mask", lambda self, h: h.is_control),
    "takes-masked-data": excuses("check_mask", lambda self, h: not h.is_control),
    "takes-masked-continuations": excuses("check_mask", lambda self, h: h.opcode == CONT),
    "takes-frames-masked-with-0": excuses("check_mask", lambda self, h: h.key == b"\0\0\0\0"),
    "takes-empty-masked-frames": excuses("check_mask", lambda self, h: not h.length),
    "takes-masked-close": excuses("check_mask", lambda self, h: h.opcode == CLOSE),
    "takes-any-reserved-bit": skips("check_rsv"),
    "takes-rsv1": _rsv(4),
    "takes-rsv2": _rsv(2),
    "takes-rsv3": _rsv(1),
    "takes-reserved-bits-of-controls": _rsv(7, range(8, 16)),
    "takes-reserved-bits-of-pings": _rsv(7, (PING,)),
    "takes-reserved-bits-of-close": _rsv(7, (CLOSE,)),
    "takes-reserved-bits-of-continuations": _rsv(7, (CONT,)),
    "takes-rsv1-without-deflate": excuses("check_rsv", lambda s, h: not s.agreed and h.rsv == 4),
    "takes-all-reserved-bits-together": excuses("check_rsv", lambda self, h: h.rsv == 7),
    "takes-reserved-opcodes-as-data": ReservedAsData,
    "passes-over-reserved-opcodes": ReservedArePassedOver,
    "passes-over-reserved-data-opcodes": ReservedDataArePassedOver,
    "passes-over-reserved-control-opcodes": ReservedControlArePassedOver,
    "takes-fragmented-controls": skips("check_control_fin"),
    "takes-fragmented-pings": excuses("check_control_fin", lambda self, h: h.opcode == PING),
    "takes-fragmented-pongs": excuses("check_control_fin", lambda self, h: h.opcode == PONG),
    "takes-fragmented-close": excuses("check_control_fin", lambda self, h: h.opcode == CLOSE),
    "joins-fragmented-controls": FragmentedControlsAreJoined,
    "takes-long-controls": skips("check_control_length"),
    "takes-long-pongs": excuses("check_control_length", lambda self, h: h.opcode == PONG),
    "takes-long-pings": excuses("check_control_length", lambda self, h: h.opcode == PING),
    "takes-long-close": excuses("check_control_length", lambda self, h: h.opcode == CLOSE),
    "takes-controls-of-126": excuses("check_control_length", lambda self, h: h.length == 126),
    "cuts-long-controls": LongControlsAreCut,
    "refuses-controls-of-125": refuses(lambda self, h: h.is_control and h.length == 125),
    "refuses-empty-controls": refuses(lambda self, h: h.opcode in (PING, PONG) and not h.length),
    "takes-stray-continuations": TakesStrayContinuations,
    "passes-over-stray-continuations": DropsStrayContinuations,
    "passes-over-continuations-behind-a-message": StrayContinuationBehindAWholeMessage,
    "starts-anew-inside-a-message": StartsAnew,
    "joins-a-message-inside-another": GoesOnWithTheFirst,
    "takes-long-forms-of-length": skips("check_shortest"),
    "passes-over-the-top-bit-of-lengths": TopBitIsPassedOver,
    "reads-lengths-in-32-bits": LengthsIn32Bits,
    "reads-lengths-in-16-bits": LengthsIn16Bits,
    "reads-16-bit-lengths-with-sign": SignedLengths,
    "refuses-65536-octets": refuses(lambda self, h: h.length > 0xFFFF),
    "refuses-126-octets": refuses(lambda self, h: h.length == 126),
    "needs-headers-whole": HeaderAtOnce,
    "one-frame-a-segment": OneFrameASegment,
}
