"""Putting a server's frames together into messages, and refusing what no server may send.

RFC 6455, 5.2 to 5.6, and RFC 7692, 6.2, from a client's side: a server's frame that a client
must fail the connection for raises `WireError`, in every case that meets it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sockproof.wire import WireError
from sockproof.wire.deflate import Decompressor
from sockproof.wire.websocket import (
    RESERVED_OPCODES,
    RSV1,
    Frame,
    Opcode,
    is_control,
    may_be_sent_in_close,
    parse_close,
)

# Codes that no Close frame carries, not even as an answer to one that did: 0 to 999 are not used,
# these three mean that there was none.
_NEVER_SENT = (1005, 1006, 1015)
FRAGMENTS = "rfc6455-5.4-fragments-sent-form"
TEXT_IS_UTF8 = "rfc6455-5.6-text-utf8-sent"
HAS_A_CODE, REASON_IS_UTF8 = "rfc6455-5.5.1-body-sent", "rfc6455-5.5.1-reason-sent-utf8"
LENGTHS_ARE_RIGHT = "rfc6455-5.2-length-order-sent"
BROKEN_BY_FRAMES = (
    "rfc6455-5.1-server-unmasked",
    "rfc6455-5.2-rsv-zero",
    "rfc6455-5.2-length-minimal-sent",
    LENGTHS_ARE_RIGHT,
    FRAGMENTS,
    "rfc6455-5.5-unfragmented-sent",
    "rfc6455-5.5-payload-sent",
    HAS_A_CODE,
    REASON_IS_UTF8,
    TEXT_IS_UTF8,
    "rfc6455-5.8-extensions-negotiated",
    "rfc6455-7.4.1-never-sent",
)
"""The requirements that a frame breaks in whichever case it comes."""


class Forbidden(WireError):
    """What a server sent that none may send; `requirement` is what that breaks."""

    def __init__(self, message: str, requirement: str) -> None:
        super().__init__(message)
        self.requirement = requirement


class Assembler:
    """Takes the server's frames one by one; gives control frames and whole messages.

    A message is given as one frame with its fragments' payloads joined, and inflated when it
    was compressed. `max_message` bounds it (octets). `frames` are those that the last message came
    in, and `compressed` says whether it was. `codes_sent` are those of our own Close frames:
    whatever they are, the answer may repeat them (RFC 6455, 5.5.1).
    """

    def __init__(self, inflater: Decompressor | None, max_message: int) -> None:
        self._inflater = inflater
        self._max_message = max_message
        self._first: Frame | None = None
        self._parts: list[Frame] = []
        self._size = 0
        self.codes_sent: set[int] = set()
        self.frames: tuple[Frame, ...] = ()
        self.compressed = False

    def feed(self, frame: Frame) -> Frame | None:
        """The control frame or the whole message that `frame` ends, or None inside a message."""
        self._check(frame)
        if is_control(frame.opcode):
            return frame
        if frame.opcode != Opcode.CONT:
            self._first, self._parts, self._size = frame, [], 0
        assert self._first is not None
        self._parts.append(frame)
        self._size += len(frame.payload)
        if self._size > self._max_message:
            raise WireError(f"a message is longer than {self._max_message} octets")
        if not frame.fin:
            return None
        payload = b"".join(part.payload for part in self._parts)
        self.compressed = bool(self._first.rsv & RSV1)
        if self.compressed and self._inflater is not None:
            payload = self._inflater.decompress(payload)
        message = replace(self._first, payload=payload, fin=True, rsv=0, length_octets=None)
        self.frames = tuple(self._parts)
        self._first, self._parts = None, []
        if message.opcode == Opcode.TEXT:
            try:
                payload.decode("utf-8")
            except UnicodeDecodeError as error:
                what = f"a text message is not UTF-8: {error} (5.6)"
                raise Forbidden(what, TEXT_IS_UTF8) from None
        return message

    def _check(self, frame: Frame) -> None:
        wrong = list(self._wrong_with(frame))
        if wrong:
            raise Forbidden("; ".join(what for what, _ in wrong), wrong[0][1])

    def _wrong_with(self, frame: Frame) -> Iterator[tuple[str, str]]:
        """What no server may send, in words, and the requirement that it breaks."""
        if frame.masked:
            yield "the server masked a frame (5.1)", "rfc6455-5.1-server-unmasked"
        for what in frame.violations:
            yield what, _requirement_of(frame)
        allowed = RSV1 if self._inflater and frame.opcode in (Opcode.TEXT, Opcode.BINARY) else 0
        if frame.rsv & ~allowed:
            what = "a reserved bit is set that no negotiated extension allows (5.2)"
            yield what, "rfc6455-5.2-rsv-zero"
        if frame.opcode == Opcode.CONT and self._first is None:
            yield "a continuation frame continues nothing (5.4)", FRAGMENTS
        if frame.opcode in (Opcode.TEXT, Opcode.BINARY) and self._first is not None:
            yield "a new message begins inside a fragmented one (5.4)", FRAGMENTS
        if frame.opcode == Opcode.CLOSE:
            try:
                code, _ = parse_close(frame.payload)
            except WireError as error:
                has_code = len(frame.payload) > 1
                yield str(error), REASON_IS_UTF8 if has_code else HAS_A_CODE
                return
            known = may_be_sent_in_close(code or 1000) or code in self.codes_sent
            if code is not None and (not known or code < 1000 or code in _NEVER_SENT):
                what = f"no Close frame may carry the code {code} (7.4)"
                yield what, "rfc6455-7.4.1-never-sent"


def _requirement_of(frame: Frame) -> str:
    """What a frame breaks that is wrong whoever sends it."""
    if frame.opcode in RESERVED_OPCODES:
        return "rfc6455-5.8-extensions-negotiated"
    if is_control(frame.opcode) and not frame.fin:
        return "rfc6455-5.5-unfragmented-sent"
    if is_control(frame.opcode) and len(frame.payload) > 125:
        return "rfc6455-5.5-payload-sent"
    return "rfc6455-5.2-length-minimal-sent"


def difference(got: Frame, opcode: int, payload: bytes | None) -> str:
    """`got` in words, and where it first differs when only the payload does."""
    if got.opcode != opcode or payload is None:
        return str(got)
    if got.payload == payload:
        return f"{got}, which came out of turn"
    pairs = enumerate(zip(got.payload, payload, strict=False))
    at = next((index for index, (a, b) in pairs if a != b), min(len(got.payload), len(payload)))
    return f"{got}; the first difference is at octet {at}"
