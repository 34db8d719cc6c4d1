"""Sends zeros without end."""

from __future__ import annotations

from tests.hostile.wire import Wire

STAGES = ("tcp", "head", "frames", "engineio", "socketio", "messages")


def misbehave(wire: Wire) -> None:
    wire.forever(bytes(65536))
