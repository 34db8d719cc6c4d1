"""Sends large messages without end."""

from __future__ import annotations

from typing import Any

from tests.hostile.wire import Wire

STAGES = ("frames", "messages")
OVER = {"1-mib": 1 << 20, "15-mib": 15 << 20, "100-mib": 100 << 20}


def misbehave(wire: Wire, what: Any) -> None:
    wire.forever(wire.frame_of(0x82, b"x" * what))
