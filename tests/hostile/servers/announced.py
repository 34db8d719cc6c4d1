"""Announces a frame that is larger than there is room for."""

from __future__ import annotations

from typing import Any

from tests.hostile.wire import Wire

STAGES = ("frames", "messages")
OVER = {"2-63": 1 << 63, "2-63-1": (1 << 63) - 1, "2-31": 1 << 31, "100-mib": 100 << 20}


def misbehave(wire: Wire, what: Any) -> None:
    wire.send(wire.frame_of(0x82, b"x" * 100, what))
    wire.forever(b"x" * 65536)
