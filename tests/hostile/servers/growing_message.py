"""Sends fragments of one message without end."""

from __future__ import annotations

from typing import Any

from tests.hostile.wire import Wire

STAGES = ("frames", "messages")
OVER = {"octets": 1, "64-kib": 65536}


def misbehave(wire: Wire, what: Any) -> None:
    wire.send(wire.frame_of(0x02, b"x" * what))
    wire.forever(wire.frame_of(0x00, b"x" * what))
