"""How a client writes frames: RFC 6455, 5.2, 5.3 and 5.5."""

from __future__ import annotations

import asyncio
import os

from sockproof.wire.websocket import Frame
from tests.clients.raw_websocket.compression import Compressing
from tests.clients.raw_websocket.request import Place

CLOSE = 8


class Sending(Compressing):
    """Masks frames and writes them."""

    writer: asyncio.StreamWriter

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.close_sent = False

    def mask_key(self, opcode: int) -> bytes | None:
        """A new one for each frame, which nobody can guess (5.3)."""
        return os.urandom(4)

    def frames(self, opcode: int, payload: bytes) -> list[Frame]:
        """A message as frames."""
        if self.compresses(opcode, payload):
            return [Frame(opcode, self.deflate(payload), rsv=4)]
        return [Frame(opcode, payload)]

    def send_message(self, opcode: int, payload: bytes) -> None:
        if not self.close_sent:
            for frame in self.frames(opcode, payload):
                self.write(frame)

    def send_frame(self, opcode: int, payload: bytes) -> None:
        """A control frame."""
        if not self.close_sent:
            self.write(Frame(opcode, payload))

    def send_close(self, code: int | None, reason: bytes = b"") -> None:
        self.send_frame(CLOSE, self.close_payload(code, reason))
        self.close_sent = True

    def close_payload(self, code: int | None, reason: bytes) -> bytes:
        return b"" if code is None else code.to_bytes(2, "big") + reason

    def write(self, frame: Frame) -> None:
        self.put(self.encode(frame, self.mask_key(frame.opcode)))

    def encode(self, frame: Frame, key: bytes | None) -> bytes:
        return Frame(
            frame.opcode, frame.payload, frame.fin, frame.rsv, key, frame.length_octets
        ).encode()

    def put(self, octets: bytes) -> None:
        """Octets for TCP."""
        if not self.writer.is_closing():
            self.writer.write(octets)
