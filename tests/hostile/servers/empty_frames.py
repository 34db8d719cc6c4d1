"""Sends empty frames without end."""

from __future__ import annotations

from typing import Any

from tests.hostile.wire import Wire

STAGES = ("frames", "messages")
OVER = {"text": 0x81, "binary": 0x82, "ping": 0x89, "pong": 0x8A}


def misbehave(wire: Wire, what: Any) -> None:
    wire.forever(wire.frame_of(what))
