"""Compressed messages that a client must read, or refuse: RFC 7692, 6 and 7.2."""

from __future__ import annotations

import zlib
from dataclasses import replace

from tests.clients.raw_websocket.compression import TAIL, FailedError
from tests.clients.raw_websocket.receiving import CLOSE, CONT, PING
from tests.clients.raw_websocket.switching import Mixin, skips


def excuses(excuse) -> Mixin:
    class Excuses:
        def check_rsv(self, header):
            if not excuse(self, header):
                super().check_rsv(header)

    return Excuses


class ForgetsWhatCame:
    """Each message is inflated by itself, whatever was agreed."""

    def inflate_begins(self):
        self.inflater = None
        super().inflate_begins()


class InflatesInLittleWindow:
    """With a window of 9 bits, whatever was agreed."""

    bits = 9

    def new_inflater(self, window=b""):
        window = window[-(1 << self.bits) :]
        return zlib.decompressobj(-self.bits, **({"zdict": window} if window else {}))

    def inflate(self, octets):
        # Octet by octet, and 64 at a time: zlib bounds its window between calls only.
        found = b""
        for number in range(len(octets)):
            found += super().inflate(octets[number : number + 1])
        return found


class InflatesWithClientsBits(InflatesInLittleWindow):
    """Takes its own window for the server's."""

    def new_inflater(self, window=b""):
        self.bits = max(9, self.agreed.client_max_window_bits)
        return super().new_inflater(window)


class FinalBlockFails:
    """BFINAL is taken for an error."""

    def final_block(self, rest):
        raise FailedError(1007, "a final block")


class FinalBlockEndsMessage:
    """What comes behind a final block is lost."""

    def final_block(self, rest):
        super().final_block(rest)
        return b""


class FinalBlockEndsAll:
    """After a final block nothing more is inflated."""

    over = False

    def final_block(self, rest):
        self.over = True
        return b""

    def inflate(self, octets):
        return b"" if self.over else super().inflate(octets)

    def check_whole(self):
        if not self.over:
            super().check_whole()


class NoTail:
    """The four octets are not put back: what zlib holds back is lost."""

    def inflate_ends(self):
        return b""


class RubbishPasses:
    """Data that cannot be inflated come as an empty message."""

    def inflate(self, octets):
        try:
            return super().inflate(octets)
        except FailedError:
            self.inflater = self.new_inflater()
            return b""

    def check_whole(self):
        pass


class RubbishComesAsItIs:
    """Data that cannot be inflated come as they are."""

    broken = False

    def inflate_begins(self):
        super().inflate_begins()
        self.broken = False

    def inflate(self, octets):
        try:
            return super().inflate(octets)
        except FailedError:
            self.inflater, self.broken = self.new_inflater(), True
            return octets

    def inflate_ends(self):
        return b"" if self.broken else super().inflate_ends()


class RubbishIsPassedOver:
    """A message that cannot be inflated is dropped, and the connection goes on."""

    broken = False

    def inflate_begins(self):
        super().inflate_begins()
        self.broken = False

    def inflate(self, octets):
        try:
            return super().inflate(octets)
        except FailedError:
            self.inflater, self.broken = self.new_inflater(), True
            return b""

    def inflate_ends(self):
        try:
            return super().inflate_ends()
        except FailedError:
            self.inflater, self.broken = self.new_inflater(), True
            return b""

    def check_text(self, piece, last=False):
        if not (self.compressed and self.broken):
            super().check_text(piece, last)

    async def message(self, opcode, payload):
        if not (self.compressed and self.broken):
            await super().message(opcode, payload)


class InflatesAll:
    """A message without RSV1 is inflated too."""

    def message_begins(self, header):
        if self.agreed:
            header.rsv |= 4
        super().message_begins(header)


class NeedsCompression:
    """A message that is not compressed is refused once compression was agreed."""

    def message_begins(self, header):
        if self.agreed and not header.rsv:
            raise FailedError(1002, "not compressed")
        super().message_begins(header)


class DoesNotInflate:
    """RSV1 is allowed, and nothing is inflated."""

    def message_begins(self, header):
        super().message_begins(replace(header, rsv=0))


class PlainMessagesEnterWindow:
    """What came uncompressed is taken into the window, too."""

    async def message(self, opcode, payload):
        if self.agreed and not self.compressed and payload:
            self.window = (self.window + payload)[-32768:]
            self.inflater = self.new_inflater(self.window)
        await super().message(opcode, payload)


class PlainMessagesEndContext:
    """What came uncompressed ends the context."""

    async def message(self, opcode, payload):
        if self.agreed and not self.compressed:
            self.inflater, self.window = None, b""
        await super().message(opcode, payload)


class PingsEndContext:
    async def ping(self, payload):
        if self.opcode is None:
            self.inflater = None
        await super().ping(payload)


class FragmentsByThemselves:
    """The context ends with each fragment."""

    def frame_begins(self, header):
        super().frame_begins(header)
        if self.compressed and header.opcode == CONT:
            self.inflater = self.new_inflater()

    def check_whole(self):
        pass


class TailBehindEachFragment:
    """The four octets are put behind each fragment."""

    async def frame_ends(self, header):
        if self.compressed and not header.fin:
            self.take_plain(self.inflate(TAIL))
        await super().frame_ends(header)


class Rsv1OfEachFragmentCounts:
    """A continuation without RSV1 is not inflated."""

    def take_piece(self, piece):
        if self.compressed and self.header.opcode == CONT and not self.header.rsv:
            self.take_plain(piece)
        else:
            super().take_piece(piece)


class EmptyMessagesFail:
    """A compressed message of one octet 00 is refused."""

    def check_header(self, header):
        super().check_header(header)
        if header.rsv and header.length <= 1:
            raise FailedError(1007, "too short")


class InflatesPings:
    """Each Ping is inflated, too."""

    async def control(self, header, payload):
        if self.agreed and header.opcode == PING:
            stream = zlib.decompressobj(-15)
            try:
                payload = stream.decompress(payload + TAIL)
            except zlib.error as error:
                raise FailedError(1007, str(error)) from None
        await super().control(header, payload)


class StoredBlocksFail:
    """Blocks that are not compressed are refused."""

    def inflate(self, octets):
        fresh = self.compressed and self.header is not None and self.taken == len(octets)
        if (
            fresh
            and self.header.opcode != CONT
            and octets
            and octets[0] & 6 == 0
            and octets != b"\0"
        ):
            raise FailedError(1007, "a stored block")
        return super().inflate(octets)


class FixedBlocksOnly:
    """Blocks with a code of their own are refused."""

    def inflate(self, octets):
        fresh = self.compressed and self.header is not None and self.taken == len(octets)
        if fresh and self.header.opcode != CONT and octets and octets[0] & 6 == 4:
            raise FailedError(1007, "a dynamic block")
        return super().inflate(octets)


class SmallBound:
    """A message may inflate to ten times its length."""

    sent = 0

    def inflate_begins(self):
        super().inflate_begins()
        self.sent = 0

    def take_piece(self, piece):
        self.sent += len(piece)
        super().take_piece(piece)
        if self.compressed and len(self.parts) > 64 + 10 * self.sent:
            raise FailedError(1009, "inflates too much")


FAULTS: dict[str, Mixin] = {
    "inflates-each-message-by-itself": ForgetsWhatCame,
    "inflates-in-a-window-of-9-bits": InflatesInLittleWindow,
    "inflates-with-the-clients-bits": InflatesWithClientsBits,
    "refuses-final-blocks": FinalBlockFails,
    "final-block-ends-message": FinalBlockEndsMessage,
    "final-block-ends-everything": FinalBlockEndsAll,
    "does-not-put-the-tail-back": NoTail,
    "takes-corrupt-data-as-empty": RubbishPasses,
    "takes-corrupt-data-as-they-are": RubbishComesAsItIs,
    "passes-over-corrupt-messages": RubbishIsPassedOver,
    "takes-messages-that-are-cut": skips("check_whole"),
    "inflates-what-is-not-compressed": InflatesAll,
    "refuses-what-is-not-compressed": NeedsCompression,
    "does-not-inflate": DoesNotInflate,
    "plain-messages-enter-the-window": PlainMessagesEnterWindow,
    "plain-messages-end-context": PlainMessagesEndContext,
    "pings-end-context": PingsEndContext,
    "inflates-fragments-one-by-one": FragmentsByThemselves,
    "puts-tail-behind-each-fragment": TailBehindEachFragment,
    "inflates-only-fragments-with-rsv1": Rsv1OfEachFragmentCounts,
    "refuses-empty-compressed-messages": EmptyMessagesFail,
    "inflates-pings": InflatesPings,
    "refuses-stored-blocks": StoredBlocksFail,
    "refuses-dynamic-blocks": FixedBlocksOnly,
    "refuses-what-inflates-tenfold": SmallBound,
    "takes-rsv1-of-continuations": excuses(lambda self, h: h.opcode == CONT and h.rsv == 4),
    "takes-rsv1-of-controls": excuses(lambda self, h: h.opcode >= 8 and h.rsv == 4),
    "takes-rsv1-of-pings": excuses(lambda self, h: h.opcode == PING and h.rsv == 4),
    "takes-rsv1-of-close": excuses(lambda self, h: h.opcode == CLOSE and h.rsv == 4),
    "takes-rsv2-with-deflate": excuses(lambda self, h: self.agreed and h.rsv & 2),
    "takes-rsv3-with-deflate": excuses(lambda self, h: self.agreed and h.rsv & 1),
}
