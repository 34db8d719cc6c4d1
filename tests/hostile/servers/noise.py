"""Sends messages that nobody asked for without end."""

from __future__ import annotations

from typing import Any

from tests.hostile.wire import Wire

STAGES = ("frames", "messages")
OVER = {"short": b"x", "long": b"x" * 10_000, "json": b'{"a":[1,2,3]}', "nested": b"[" * 5000}

# An application may say what it likes; a load run hears nothing of its own behind it.
UNSEEN = tuple(f"noise[{stage},{each}]" for stage in STAGES for each in OVER)


def misbehave(wire: Wire, what: Any) -> None:
    wire.forever(wire.frame_of(0x81, what))
