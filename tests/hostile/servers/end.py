"""Ends the stream without a word."""

from __future__ import annotations

from tests.hostile.wire import Wire

STAGES = ("tcp", "head", "frames", "engineio", "socketio", "messages")


def misbehave(wire: Wire) -> None:
    wire.socket.close()
