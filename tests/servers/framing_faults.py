"""What a careless server does to frames, by fault: RFC 6455, 5.1 to 5.5.

Each function takes what a right server has and gives what one with the fault makes of it.
"""

from __future__ import annotations

import re
from dataclasses import replace

from sockproof.wire.websocket import Frame, Opcode, apply_mask, close_payload, is_control

DATA = (Opcode.TEXT, Opcode.BINARY)
ODD_OCTETS = re.compile(rb"[\x00-\x1f\x80-\x8f]")


def arrived(fault: str | None, data: bytes, pending: int) -> bytes:
    """The octets of one read; `pending` are there already of a frame that is not whole."""
    begins = not pending and data[1:2] == b"\xff"  # with a frame that has a 64-bit length
    if fault == "ignores-the-top-bit" and begins and data[2:3] >= b"\x80":
        return data[:2] + bytes([data[2] & 0x7F]) + data[3:]
    if fault == "reads-32-bits-of-lengths" and begins and data[2:3] < b"\x80":
        return data[:2] + bytes(4) + data[6:]
    if fault == "spoils-octets-between-reads" and pending > 1000 and len(data) < 65_000:
        return data[:-1] + bytes([data[-1] ^ 1])
    return data


def batch(fault: str | None, frames: list[Frame]) -> list[Frame]:
    """The frames that came with one read, in the order and as they are looked at."""
    whole = [frame for frame in frames if frame.opcode in DATA and frame.fin]
    match fault:
        case "keeps-one-key-for-a-segment":
            return _with_one_key(frames)
        case "answers-a-segment-backwards" if len(whole) == len(frames):
            return frames[::-1]
        case "loses-a-message-when-the-next-has-begun" if whole and not frames[-1].fin:
            return [frame for frame in frames if frame not in whole]
        case "closes-before-it-answers":
            return sorted(frames, key=lambda frame: frame.opcode != Opcode.CLOSE)
    return frames


def _with_one_key(frames: list[Frame]) -> list[Frame]:
    key = None
    made = []
    for frame in frames:
        if frame.mask_key is not None and not is_control(frame.opcode):
            key = key or frame.mask_key
            masked = apply_mask(frame.payload, frame.mask_key)
            made.append(replace(frame, payload=apply_mask(masked, key)))
        else:
            made.append(frame)
    return made


def unmasked(fault: str | None, frame: Frame) -> Frame:
    """A frame as such a server unmasks it."""
    payload = frame.payload
    tail = len(payload) % 4
    match fault:
        case "unmasks-the-last-octets-wrong" if frame.opcode in DATA and tail and len(payload) > 4:
            payload = payload[:-tail] + apply_mask(payload[-tail:], b"!!!!")
        case "unmasks-beyond-256-octets-wrong" if not is_control(frame.opcode):
            payload = payload[:256] + apply_mask(payload[256:], b"\1\1\1\1")
        case "unmasks-a-fragment-with-the-first-key" if frame.mask_key == b"\x81\x82\x83\x84":
            payload = apply_mask(apply_mask(payload, frame.mask_key), b"\x01\x02\x03\x04")
        case "leaves-some-pings-masked" if payload[:1] == b"\x01" and frame.mask_key is not None:
            payload = apply_mask(payload, frame.mask_key)
    return replace(frame, payload=payload)


def answered(fault: str | None, opcode: int, payload: bytes) -> bytes:
    """The content of an echo."""
    match fault:
        case "cuts-messages-at-odd-octets":
            return ODD_OCTETS.split(payload, maxsplit=1)[0]
        case "decodes-binary-messages" if opcode == Opcode.BINARY:
            return payload.decode("utf-8", "replace").encode("utf-8")
        case "sends-text-in-latin-1" if opcode == Opcode.TEXT:
            return payload.decode("utf-8", "replace").encode("latin-1", "replace")
    return payload


def written(fault: str | None, frame: Frame) -> bytes:
    """The octets of a frame that is sent."""
    control = is_control(frame.opcode)
    half = len(frame.payload) // 2
    match fault:
        case "masks-its-frames":
            frame = replace(frame, mask_key=b"mask")
        case "sets-a-reserved-bit":
            frame = replace(frame, rsv=frame.rsv | 1)
        case "sends-reserved-opcodes" if frame.opcode == Opcode.TEXT:
            return Frame(0x3).encode() + frame.encode()
        case "fragments-its-control-frames" if control:
            first = replace(frame, payload=frame.payload[:half], fin=False)
            return first.encode() + Frame(Opcode.CONT, frame.payload[half:]).encode()
        case "begins-anew-with-each-fragment" if not control and half > 50:
            first = replace(frame, payload=frame.payload[:half], fin=False)
            return first.encode() + replace(frame, payload=frame.payload[half:]).encode()
        case "answers-with-long-control-frames" if len(frame.payload) == 125 and control:
            frame = replace(frame, payload=frame.payload + b"!")
        case "writes-lengths-little-endian":
            return _little_endian(frame.encode(), len(frame.payload))
    return frame.encode()


def _little_endian(octets: bytes, length: int) -> bytes:
    """Only where it makes the length smaller or impossible, so that nobody waits for the rest."""
    if length > 0xFFFF:
        return octets[:2] + octets[2:10][::-1] + octets[10:]
    if length > 125 and length & 0xFF < length >> 8:
        return octets[:2] + octets[2:4][::-1] + octets[4:]
    return octets


def close_answer(fault: str | None, code: int | None, reason: str) -> Frame:
    """The Close frame that answers one with this code and reason."""
    payload = b"" if code is None else close_payload(code)
    match fault:
        case "swaps-the-octets-of-close-codes":
            payload = payload[::-1]
        case "answers-close-with-one-octet":
            payload = b"\x03"
        case "cuts-reasons-inside-characters" if code is not None:
            payload += reason.encode("utf-8")[:122]
        case "answers-with-long-control-frames" if code is not None:
            payload += b"closing: " + reason.encode("utf-8")
    return Frame(Opcode.CLOSE, payload)
