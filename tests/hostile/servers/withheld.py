"""Announces a large frame and sends all but its end."""

from __future__ import annotations

from typing import Any

from tests.hostile.wire import Wire

STAGES = ("frames", "messages")
OVER = {"1-mib": 1 << 20, "15-mib": 15 << 20}


def misbehave(wire: Wire, what: Any) -> None:
    wire.send(wire.frame_of(0x82, b"x" * (what - 1), what))
    wire.wait()
