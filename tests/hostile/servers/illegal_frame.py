"""Sends a frame that nobody may send."""

from __future__ import annotations

from typing import Any

from tests.hostile.wire import Wire

STAGES = ("frames", "messages")
OVER = {
    "masked": b"\x81\x81abcdx",
    "opcode-3": b"\x83\x00",
    "opcode-f": b"\x8f\x00",
    "rsv1": b"\xc1\x01x",
    "rsv3": b"\x91\x01x",
    "long-ping": b"\x89\x7e\x00\x7e" + b"x" * 126,
    "fragmented-ping": b"\x09\x00",
    "lone-continuation": b"\x80\x01x",
    "utf8": b"\x81\x02\xc3\x28",
    "surrogate": b"\x81\x03\xed\xa0\x80",
    "text-in-text": b"\x01\x01x\x81\x01y",
    "long-form": b"\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x01x",
}
HARMLESS = tuple(f"illegal_frame[{stage},long-form]" for stage in STAGES)


def misbehave(wire: Wire, what: Any) -> None:
    wire.send(what)
    wire.wait()
