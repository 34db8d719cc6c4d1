"""WebSocket frames as octets: RFC 6455, section 5.

The rules that hold here:

* A `Frame` is written exactly as its fields say: every illegal frame can be made.
* The parser gives every frame that it can read, legal or not; `Frame.violations` names what no
  endpoint may send whatever was negotiated. Masking, RSV bits and the order of frames depend on
  who sent them and on what was negotiated, so they are for the receiver to judge.
* Only a frame that can never be completed (a length with its top bit set, or beyond the bound)
  raises, a `FrameError`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from sockproof.wire import WireError


class FrameError(WireError):
    """A frame that can never be completed; `frames` are those that were complete before it."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.frames: list[Frame] = []


class Opcode(IntEnum):
    """What a frame is (RFC 6455, 5.2 and 11.8)."""

    CONT = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


_LONG = 2048  # octets, from which four tables are faster than one large number
_EACH_OCTET = int.from_bytes(range(256), "big")
_ONES = int.from_bytes(b"\1" * 256, "big")
RSV1, RSV2, RSV3 = 4, 2, 1
RESERVED_OPCODES = (0x3, 0x4, 0x5, 0x6, 0x7, 0xB, 0xC, 0xD, 0xE, 0xF)


def opcode_name(opcode: int) -> str:
    """The opcode's name, or its number in hexadecimal when it is reserved."""
    try:
        return Opcode(opcode).name
    except ValueError:
        return f"opcode 0x{opcode:X}"


def is_control(opcode: int) -> bool:
    """Whether the opcode is of a control frame, a reserved one included (RFC 6455, 5.5)."""
    return bool(opcode & 0x8)


def apply_mask(payload: bytes, key: bytes) -> bytes:
    """XOR of the payload with the repeated 4-octet key (RFC 6455, 5.3); its own inverse."""
    if not payload or key == b"\0\0\0\0":
        return payload
    if len(payload) >= _LONG:
        mixture = bytearray(len(payload))
        for place, octet in enumerate(key):
            mixture[place::4] = payload[place::4].translate(_xor_table(octet))
        return bytes(mixture)
    repeated = (key * (len(payload) // 4 + 1))[: len(payload)]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")
    return mixed.to_bytes(len(payload), "big")


def _xor_table(octet: int) -> bytes:
    """The XOR of each octet with this one, for `bytes.translate`."""
    return (_EACH_OCTET ^ octet * _ONES).to_bytes(256, "big")


def shortest_length_octets(length: int) -> int:
    """How many octets the extended length takes when it is minimal: 0, 2 or 8."""
    if length <= 125:
        return 0
    return 2 if length <= 0xFFFF else 8


@dataclass(frozen=True, slots=True)
class Frame:
    """One WebSocket frame; the payload is always the unmasked one.

    `rsv` adds up 4 for RSV1, 2 for RSV2 and 1 for RSV3. `mask_key` is None for an unmasked
    frame. `length_octets` (0, 2 or 8) is the width of the extended length where it is not the
    shortest; `announced` is the length in the header where it is not the payload's.
    """

    opcode: int
    payload: bytes = b""
    fin: bool = True
    rsv: int = 0
    mask_key: bytes | None = None
    length_octets: int | None = None
    announced: int | None = None

    @property
    def masked(self) -> bool:
        """Whether the MASK bit is set."""
        return self.mask_key is not None

    @property
    def violations(self) -> list[str]:
        """What is wrong with this frame whoever sent it and whatever was negotiated."""
        wrong = []
        length = len(self.payload) if self.announced is None else self.announced
        if self.opcode in RESERVED_OPCODES:
            wrong.append(f"the opcode 0x{self.opcode:X} is reserved (5.2)")
        if is_control(self.opcode) and not self.fin:
            wrong.append("a control frame is fragmented (5.5)")
        if is_control(self.opcode) and length > 125:
            wrong.append(f"a control frame has {length} octets of payload, more than 125 (5.5)")
        if self.length_octets is not None:
            wrong.append(f"the length {length} is not in its shortest form (5.2)")
        return wrong

    def header(self) -> bytes:
        """The frame's header, mask key included."""
        length = len(self.payload) if self.announced is None else self.announced
        width = self.length_octets
        if width is None:
            width = shortest_length_octets(length)
        first = (self.fin << 7) | ((self.rsv & 7) << 4) | (self.opcode & 0xF)
        short = length & 0x7F if width == 0 else {2: 126, 8: 127}[width]
        extended = length.to_bytes(width, "big") if width else b""
        return bytes([first, (self.masked << 7) | short]) + extended + (self.mask_key or b"")

    def encode(self) -> bytes:
        """The frame's octets, masked when it has a key."""
        payload = self.payload if self.mask_key is None else apply_mask(self.payload, self.mask_key)
        return self.header() + payload

    def __str__(self) -> str:
        return self.describe()

    def describe(self, show: int = 64) -> str:
        """The frame in words, with at most `show` octets of its payload."""
        notes = [f"{len(self.payload)} octet{'' if len(self.payload) == 1 else 's'}"]
        if not self.fin:
            notes.append("continued")
        notes += [
            f"RSV{number}" for number, bit in ((1, RSV1), (2, RSV2), (3, RSV3)) if self.rsv & bit
        ]
        if self.length_octets is not None:
            notes.append(f"length in {self.length_octets} octets")
        if self.announced is not None and self.announced != len(self.payload):
            notes.append(f"announced {self.announced}")
        return f"{opcode_name(self.opcode)}{_payload_text(self, show)} [{', '.join(notes)}]"


def _payload_text(frame: Frame, show: int) -> str:
    """A blank and the payload's beginning, as text where it is text."""
    if not frame.payload:
        return ""
    if frame.opcode == Opcode.CLOSE and len(frame.payload) >= 2:
        code = int.from_bytes(frame.payload[:2], "big")
        reason = frame.payload[2 : 2 + show].decode("utf-8", "backslashreplace")
        return f" {code} {reason!r}" if reason else f" {code}"
    head = frame.payload[:show]
    more = "…" if len(frame.payload) > show else ""
    if not frame.rsv & RSV1 and (frame.opcode != Opcode.BINARY or head.isascii()):
        text = head.decode("utf-8", "backslashreplace")
        if text.isprintable():
            return f" {text!r}{more}"
    return f" {head[: show // 2].hex(' ')}{'…' if len(frame.payload) > show // 2 else ''}"


class FrameParser:
    """Cuts a stream of octets into frames; may be fed octet by octet.

    `max_payload` bounds what one frame may hold (octets). After a `FrameError` the stream cannot
    be read any further.
    """

    def __init__(self, max_payload: int = 64 * 1024 * 1024) -> None:
        self.max_payload = max_payload
        self._buffer = bytearray()

    @property
    def pending(self) -> int:
        """Octets of a frame that has not arrived whole."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes, in order; raises `FrameError` at a hopeless one."""
        self._buffer += data
        frames: list[Frame] = []
        while True:
            try:
                frame = self._next()
            except FrameError as error:
                error.frames = frames
                raise
            if frame is None:
                return frames
            frames.append(frame)

    def _next(self) -> Frame | None:
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        first, second = buffer[0], buffer[1]
        width = {126: 2, 127: 8}.get(second & 0x7F, 0)
        start = 2 + width
        if len(buffer) < start:
            return None
        length = int.from_bytes(buffer[2:start], "big") if width else second & 0x7F
        if length >> 63:
            raise FrameError("the 64-bit length has its most significant bit set (5.2)")
        if length > self.max_payload:
            raise FrameError(f"a frame announces {length} octets, more than {self.max_payload}")
        key = None
        if second & 0x80:
            key = bytes(buffer[start : start + 4])
            start += 4
        if len(buffer) < start + length:
            return None
        payload = bytes(memoryview(buffer)[start : start + length])
        del buffer[: start + length]
        if key is not None:
            payload = apply_mask(payload, key)
        return Frame(
            opcode=first & 0xF,
            payload=payload,
            fin=bool(first & 0x80),
            rsv=(first >> 4) & 7,
            mask_key=key,
            length_octets=None if width == shortest_length_octets(length) else width,
        )


def close_payload(code: int, reason: str | bytes = b"") -> bytes:
    """The payload of a Close frame (RFC 6455, 5.5.1)."""
    text = reason.encode("utf-8") if isinstance(reason, str) else reason
    return code.to_bytes(2, "big") + text


def parse_close(payload: bytes) -> tuple[int | None, str]:
    """The code and the reason of a Close frame; raises `WireError` when it is malformed."""
    if not payload:
        return None, ""
    if len(payload) == 1:
        raise WireError("a Close frame's payload of 1 octet has no room for a code (5.5.1)")
    try:
        return int.from_bytes(payload[:2], "big"), payload[2:].decode("utf-8")
    except UnicodeDecodeError as error:
        raise WireError(f"a Close frame's reason is not UTF-8: {error.reason} (5.5.1)") from None


def may_be_sent_in_close(code: int) -> bool:
    """Whether a Close frame may carry the code (RFC 6455, 7.4, and IANA's registry).

    1000 to 1003 and 1007 to 1014 are registered; 1004 to 1006 and 1015 never travel; 3000 to
    4999 belong to libraries and applications.
    """
    return code in range(1000, 1004) or code in range(1007, 1015) or code in range(3000, 5000)
