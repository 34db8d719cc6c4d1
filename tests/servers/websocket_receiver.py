"""What the correct WebSocket server takes from its client: RFC 6455, 5.1 to 5.6 and 8.1.

Frames are checked here and put together into messages; `Connection` says what comes of them.
"""

from __future__ import annotations

import codecs
from dataclasses import replace

from sockproof.wire import WireError
from sockproof.wire.websocket import RSV1, Frame, Opcode, is_control
from tests.servers.limits import fragment_bound, message_bound
from tests.servers.slowness import frames_joined
from tests.servers.utf8_faults import is_refused, misjoined, overlooking
from tests.servers.websocket_deflate import MessageCodec

TEXT, BINARY, CONT = Opcode.TEXT, Opcode.BINARY, Opcode.CONT
LONG_FORMS = ("accepts-long-forms", "ignores-the-top-bit")


class Failed(Exception):
    """The connection is failed (7.1.7) with this code."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


class Receiver:
    """The receiving half of a connection; `answer` is what its other half does with a message."""

    def __init__(
        self, fault: str | None, codec: MessageCodec | None, bound: int | None = None
    ) -> None:
        self.fault = fault
        self.bound = bound or message_bound(fault)
        self.codec = codec
        self.first: Frame | None = None
        self.parts: list[bytes] = []
        self.size = 0
        self.utf8 = codecs.getincrementaldecoder("utf-8")()
        self.swallow = False
        self.has_served = False

    def _allowed_bits(self, frame: Frame) -> int:
        """The reserved bits that the frame may have, by what was agreed on or by fault."""
        data = frame.opcode in (TEXT, BINARY)
        if self.codec is None:
            excused = self.fault == "accepts-rsv1-without-deflate" and frame.opcode == BINARY
            return RSV1 if excused else 0
        if self.fault == "accepts-any-bit-with-deflate" and data:
            return 7
        odd = {
            "accepts-rsv1-on-continuations": frame.opcode == CONT,
            "accepts-rsv1-on-control-frames": is_control(frame.opcode),
        }
        return RSV1 if data or odd.get(self.fault or "") else 0

    def check(self, frame: Frame) -> None:
        kind = "control" if is_control(frame.opcode) else "data"
        name = Opcode(frame.opcode).name.lower() if frame.opcode in list(Opcode) else kind
        if not frame.masked and self.fault != f"accepts-unmasked-{name}":
            raise Failed(1002, "a client masks its frames")
        if frame.mask_key == b"\0\0\0\0" and self.fault == "refuses-mask-key-zero":
            raise Failed(1002, "mask key zero")
        if self.fault == "trusts-what-follows-a-message" and self.has_served and not self.codec:
            return
        allowed = self._allowed_bits(frame)
        for bit, number in ((4, 1), (2, 2), (1, 3)):
            excuses = [f"accepts-rsv{number}", "accepts-reserved-bits"]
            if frame.rsv not in (1, 2, 4):
                excuses.append("accepts-several-reserved-bits")
            if frame.rsv & ~allowed & bit and self.fault not in excuses:
                raise Failed(1002, f"RSV{number} is not negotiated")
        for wrong in frame.violations:
            excused = (
                ("reserved" in wrong and self.fault == f"accepts-reserved-{kind}-opcodes")
                or ("is fragmented" in wrong and self.fault == f"accepts-fragmented-{name}")
                or ("more than 125" in wrong and self.fault == f"accepts-long-{name}")
                or ("shortest" in wrong and self.fault in LONG_FORMS)
            )
            if not excused:
                raise Failed(1002, wrong)

    async def data(self, frame: Frame) -> None:
        if frame.opcode == CONT:
            if self.swallow:  # what continues a Pong that a fault let pass
                return
            if self.first is None:
                if self.fault == "ignores-lone-continuations":
                    return
                if self.fault != "accepts-lone-continuations":
                    raise Failed(1002, "a continuation of nothing")
                frame = replace(frame, opcode=TEXT)
                self.first = frame
        elif self.first is not None:
            if self.fault != "accepts-interleaved-messages":
                raise Failed(1002, "a new message inside another")
            self.first, self.parts = None, []
        if frame.opcode != CONT:
            self.first, self.parts, self.size = frame, [], 0
            self.utf8.reset()
        assert self.first is not None
        if (
            self.fault == "loses-empty-fragments-end"
            and frame.fin
            and not frame.payload
            and self.parts
        ):
            return
        self.parts.append(frame.payload)
        self.size += len(frame.payload)
        if self.size > self.bound:
            raise Failed(1009, "the message is too long")
        if len(self.parts) > fragment_bound(self.fault):
            raise Failed(1009, "too many fragments")
        compressed = bool(self.first.rsv & RSV1) and self.codec is not None
        if self.fault == "inflates-everything" and self.codec is not None:
            compressed = True
        if self.first.opcode == TEXT and not compressed:
            self._check_text(frame.payload, frame.fin)
        if not frame.fin:
            return
        opcode, payload = self.first.opcode, b"".join(self.parts)
        fragments = len(self.parts)
        await frames_joined(self.fault, fragments, len(payload), compressed)
        if self.fault == "takes-the-tail-off-fragments" and compressed:
            payload = b"".join(part.removesuffix(b"\0\0\xff\xff") for part in self.parts)
        if self.fault == "inflates-fragments-singly" and compressed:
            payload = b"\0\0\xff\xff".join(self.parts)
        self.first, self.parts = None, []
        if compressed:
            assert self.codec is not None
            try:
                payload = self.codec.inflate(payload)
            except WireError as error:
                raise Failed(1009 if "more than" in str(error) else 1007, str(error)) from error
            if opcode == TEXT and self.fault != "trusts-inflated-text":
                self.utf8.reset()
                self._check_text(payload, True)
        elif self.codec is not None:
            self.codec.passed_by(payload)
        if self.fault == "forgets-fragments" and fragments > 1:
            payload = payload[:4]
        if self.fault == "types-by-the-last-fragment" and payload == b"typed by the first":
            opcode = BINARY
        if fragments > 1:
            payload = misjoined(self.fault, payload)
        if self.fault == "drops-byte-order-marks" and opcode == TEXT:
            payload = payload.removeprefix(codecs.BOM_UTF8)
        self.has_served = True
        await self.answer(opcode, payload)

    def _check_text(self, payload: bytes, final: bool) -> None:
        if self.fault == "checks-text-fragment-by-fragment" and self.parts[1:]:
            final = True
        if self.fault == "checks-text-at-once" and not self.parts[1:]:
            final = True
        if self.fault == "trusts-fragmented-text" and (self.parts[1:] or not final):
            return
        try:
            text = self.utf8.decode(overlooking(self.fault, payload), final)
        except UnicodeDecodeError as error:
            if self.fault == "accepts-unfinished-text" and "unexpected end" in error.reason:
                return
            if self.fault == "accepts-text-that-is-not-utf8" and "end of data" not in error.reason:
                self.utf8.reset()
                return
            raise Failed(1007, f"not UTF-8: {error.reason}") from error
        if is_refused(self.fault, text):
            raise Failed(1007, "uncommon text")

    async def answer(self, opcode: int, payload: bytes) -> None:
        """A whole message has come."""
        raise NotImplementedError
