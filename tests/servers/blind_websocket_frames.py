"""Blind faults in how frames of the client's are read: RFC 6455, 5.1 to 5.4."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sockproof.wire.websocket import Frame, Opcode, apply_mask, is_control
from tests.servers.blind_weaving import count, fault
from tests.servers.websocket_connection import Connection
from tests.servers.websocket_receiver import Failed, Receiver

TEXT, BINARY, CONT = Opcode.TEXT, Opcode.BINARY, Opcode.CONT
DATA = (TEXT, BINARY)
Asked = Callable[[Any, Frame], bool]
UNKNOWN_DATA, UNKNOWN_CONTROL = range(0x3, 0x8), range(0xB, 0x10)


def lets_pass(name: str, which: Asked) -> None:
    """A fault that does not check certain frames."""

    @fault(name, Receiver, "check")
    def check(go: Any, self: Any, frame: Frame) -> None:
        if not which(self, frame):
            go(frame)


def refuses(name: str, which: Asked, code: int = 1002) -> None:
    """A fault that fails the connection at certain frames."""

    @fault(name, Receiver, "check")
    def check(go: Any, self: Any, frame: Frame) -> None:
        go(frame)
        if which(self, frame):
            raise Failed(code, "this server does not take that")


def reads(name: str, change: Callable[[Any, Frame], Frame | None]) -> None:
    """A fault that makes another frame of one that came, or loses it."""

    @fault(name, Connection, "_frame")
    async def frame(go: Any, self: Any, frame: Frame) -> None:
        self.check(frame)
        changed = change(self, frame)
        if changed is not None:
            await go(changed)


# Masks.
lets_pass("empty-frames-need-no-mask", lambda _, f: not f.masked and not f.payload)
lets_pass(
    "binary-continuations-need-no-mask",
    lambda s, f: (
        not f.masked and f.opcode == CONT and s.first is not None and s.first.opcode == BINARY
    ),
)
lets_pass(
    "only-the-first-frame-needs-a-mask", lambda s, f: count(s, "checked") > 1 and not f.masked
)


@fault("unmasked-messages-are-echoed-and-then-refused", Connection, "_frame")
async def _echoed(go: Any, self: Any, frame: Frame) -> None:
    if not frame.masked and frame.opcode in DATA and frame.fin:
        await self.answer(frame.opcode, frame.payload)
    await go(frame)


def _first_key(self: Any, frame: Frame) -> Frame:
    if frame.opcode != CONT or self.first is None or frame.mask_key is None:
        return frame
    return replace(
        frame, payload=apply_mask(apply_mask(frame.payload, frame.mask_key), self.first.mask_key)
    )


def _rekeyed(frame: Frame, key: bytes) -> Frame:
    assert frame.mask_key is not None
    return replace(frame, payload=apply_mask(apply_mask(frame.payload, frame.mask_key), key))


reads("continuations-are-unmasked-with-the-first-key", _first_key)
reads(
    "mask-keys-end-at-a-zero-octet",
    lambda _, f: (
        _rekeyed(f, f.mask_key.partition(b"\0")[0].ljust(4, b"\0"))
        if f.mask_key and b"\0" in f.mask_key
        else f
    ),
)


def _eights(_: Any, frame: Frame) -> Frame:
    tail = len(frame.payload) % 8
    if len(frame.payload) < 8 or tail < 5 or frame.mask_key is None:
        return frame
    key = frame.mask_key
    rest = apply_mask(apply_mask(frame.payload[-tail:], key)[4:], b"\0\0\0\0")
    return replace(frame, payload=frame.payload[: 4 - tail] + rest)


reads("eight-octets-are-unmasked-at-once-and-four-left", _eights)


@fault("unmasking-begins-anew-with-each-read", Connection, "_feed")
async def _each_read(go: Any, self: Any, data: bytes) -> None:
    held = bytes(self.parser._buffer)
    if len(held) > 2 and held[1] & 0x80:
        width = {126: 2, 127: 8}.get(held[1] & 0x7F, 0)
        start = 2 + width + 4
        if len(held) >= start:
            length = int.from_bytes(held[2 : start - 4]) if width else held[1] & 0x7F
            here = (len(held) - start) % 4
            key = held[start - 4 : start]
            need = min(len(data), length - (len(held) - start))
            wrong = apply_mask(data[:need], key)
            data = apply_mask(wrong, key[here:] + key[:here]) + data[need:]
    await go(data)


@fault("mask-keys-cut-by-a-read-are-half-zero", Connection, "_feed")
async def _half_keys(go: Any, self: Any, data: bytes) -> None:
    held = self.parser._buffer
    if 3 <= len(held) < 6 and held[1] & 0x7F < 126:
        held[2:] = bytes(len(held) - 2)
    await go(data)


@fault("16-bit-lengths-cut-by-a-read-lose-their-high-octet", Connection, "_feed")
async def _half_lengths(go: Any, self: Any, data: bytes) -> None:
    held = self.parser._buffer
    if len(held) == 3 and held[1] & 0x7F == 126:
        held[2] = 0
    await go(data)


# Reserved bits and opcodes.
lets_pass(
    "reserved-bits-pass-on-continuations",
    lambda s, f: f.rsv != 0 and f.opcode == CONT and s.codec is None,
)
lets_pass(
    "reserved-bits-pass-on-empty-frames",
    lambda s, f: f.rsv != 0 and not f.payload and s.codec is None,
)
lets_pass("reserved-bits-pass-on-closes", lambda _, f: f.rsv != 0 and f.opcode == Opcode.CLOSE)
lets_pass(
    "reserved-bits-pass-on-long-frames",
    lambda s, f: f.rsv != 0 and len(f.payload) > 125 and s.codec is None,
)
lets_pass("rsv3-passes-on-pongs", lambda _, f: f.rsv == 1 and f.opcode == Opcode.PONG)


@fault("data-opcodes-are-read-with-two-bits", Connection, "_frame")
async def _two_bits(go: Any, self: Any, frame: Frame) -> None:
    await go(replace(frame, opcode=frame.opcode & 3) if frame.opcode < 8 else frame)


@fault("unknown-data-frames-continue-a-message", Connection, "_frame")
async def _unknown_continue(go: Any, self: Any, frame: Frame) -> None:
    inside = self.first is not None and frame.opcode in UNKNOWN_DATA
    await go(replace(frame, opcode=CONT) if inside else frame)


lets_pass(
    "empty-frames-of-unknown-opcodes-are-skipped",
    lambda _, f: f.opcode in UNKNOWN_DATA and not f.payload,
)
lets_pass("opcode-f-is-skipped", lambda _, f: f.opcode == 0xF)
lets_pass(
    "unknown-control-frames-pass-between-fragments",
    lambda s, f: f.opcode in UNKNOWN_CONTROL and s.first is not None,
)
lets_pass(
    "unknown-data-frames-behind-a-message-are-skipped",
    lambda s, f: f.opcode in UNKNOWN_DATA and s.has_served,
)


# Lengths.
refuses("16-bit-lengths-are-signed", lambda _, f: 0x8000 <= len(f.payload) <= 0xFFFF)
reads(
    "fragments-of-125-octets-lose-one",
    lambda _, f: replace(f, payload=f.payload[:-1]) if len(f.payload) == 125 and not f.fin else f,
)
reads(
    "binary-frames-fill-a-buffer-of-4096",
    lambda _, f: (
        replace(f, payload=f.payload[:4095]) if f.opcode == BINARY and len(f.payload) == 4096 else f
    ),
)
reads(
    "continuations-are-cut-at-65535-octets",
    lambda _, f: replace(f, payload=f.payload[:65_535]) if f.opcode == CONT else f,
)
reads(
    "lengths-lose-their-seventeenth-bit",
    lambda _, f: (
        replace(f, payload=f.payload[: len(f.payload) - 0x10000])
        if len(f.payload) & 0x10000 and len(f.payload) > 0x20000
        else f
    ),
)
reads(
    "16-bit-lengths-are-read-low-octet-first-in-continuations",
    lambda _, f: (
        replace(f, payload=f.payload[: (len(f.payload) & 0xFF) << 8 | len(f.payload) >> 8])
        if f.opcode == CONT and 125 < len(f.payload) < 0x10000
        else f
    ),
)
lets_pass(
    "long-forms-pass-in-control-frames",
    lambda _, f: is_control(f.opcode) and f.length_octets is not None and len(f.payload) < 126,
)
lets_pass(
    "64-bit-forms-pass-for-16-bit-lengths",
    lambda _, f: f.length_octets == 8 and len(f.payload) > 125 and not is_control(f.opcode),
)
lets_pass(
    "long-forms-pass-in-continuations",
    lambda _, f: f.opcode == CONT and f.length_octets is not None,
)


@fault("negative-lengths-are-empty-frames", Connection, "_feed")
async def _negative(go: Any, self: Any, data: bytes) -> None:
    if not self.parser.pending and len(data) >= 14 and data[1] == 0xFF and data[2] & 0x80:
        data = data[:1] + b"\x80" + data[10:14]
    await go(data)


@fault("only-four-frames-of-a-read-are-looked-at", Connection, "_feed")
async def _four(go: Any, self: Any, data: bytes) -> None:
    self.__dict__["blind frames of a read"] = 0
    await go(data)


@fault("only-four-frames-of-a-read-are-looked-at", Connection, "_frame")
async def _fifth(go: Any, self: Any, frame: Frame) -> None:
    if count(self, "frames of a read") <= 4:
        await go(frame)


@fault("announced-limits-leave-continuations-out", Receiver, "data")
async def _sizes(go: Any, self: Any, frame: Frame) -> None:
    self.size = 0
    await go(frame)
