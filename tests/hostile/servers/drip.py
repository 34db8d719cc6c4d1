"""Sends a right beginning, an octet at a time, slowly."""

from __future__ import annotations

from typing import Any

from tests.hostile.wire import Wire

STAGES = ("head", "frames", "engineio", "messages")
OVER = {
    "head": b"HTTP/1.1 200 OK\r\nX: ",
    "frame": b"\x82\x7f\x00\x00\x00\x00\x00\xff\xff\xff" + b"x" * 1000,
}


def misbehave(wire: Wire, what: Any) -> None:
    wire.drip(what, 0.3)
