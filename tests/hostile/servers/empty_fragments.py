"""Sends empty fragments of one message without end."""

from __future__ import annotations

from typing import Any

from tests.hostile.wire import Wire

STAGES = ("frames", "messages")
OVER = {"text": 0x01, "binary": 0x02}


def misbehave(wire: Wire, what: Any) -> None:
    wire.send(wire.frame_of(what))
    wire.forever(wire.frame_of(0x00))
