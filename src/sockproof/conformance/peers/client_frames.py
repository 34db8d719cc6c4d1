"""Frames as a client sends them, right ones and, when asked for, wrong ones."""

from __future__ import annotations

import os

from sockproof.wire.engineio import Packet, PacketType
from sockproof.wire.websocket import Frame, Opcode, close_payload

_RANDOM = object()


def client_frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | object | None = _RANDOM,
    length_octets: int | None = None,
    announced: int | None = None,
) -> Frame:
    """A frame as a client sends it: masked with a random key unless `mask` says otherwise."""
    key = os.urandom(4) if mask is _RANDOM else mask
    assert key is None or isinstance(key, bytes)
    return Frame(opcode, payload, fin, rsv, key, length_octets, announced)


def text_frame(text: str, **fields: object) -> Frame:
    """A masked text frame."""
    return client_frame(Opcode.TEXT, text.encode("utf-8"), **fields)  # type: ignore[arg-type]


def text_packet(type_: PacketType, data: str = "") -> Frame:
    """The masked text frame that carries an Engine.IO packet."""
    encoded = Packet(type_, data).encode()
    assert isinstance(encoded, str)
    return text_frame(encoded)


def close_frame(code: int | None = 1000, reason: str | bytes = b"") -> Frame:
    """A masked Close frame; without a code its payload is empty."""
    payload = b"" if code is None else close_payload(code, reason)
    return client_frame(Opcode.CLOSE, payload)
