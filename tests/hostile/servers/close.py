"""Closes in an invalid way, or goes on behind it."""

from __future__ import annotations

from typing import Any

from tests.hostile.wire import Wire

STAGES = ("frames", "messages")
OVER = {
    "right": b"\x88\x02\x03\xe8",
    "one-octet": b"\x88\x01x",
    "1005": b"\x88\x02\x03\xed",
    "zero": b"\x88\x02\x00\x00",
    "utf8": b"\x88\x04\x03\xe8\xc3\x28",
    "long": b"\x88\x7e\x00\x80" + b"x" * 128,
}


def misbehave(wire: Wire, what: Any) -> None:
    wire.send(what)
    wire.forever(b"\x81\x01x")
