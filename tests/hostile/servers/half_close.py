"""Ends its side of the stream and goes on reading."""

from __future__ import annotations

import socket

from tests.hostile.wire import Wire

STAGES = ("tcp", "head", "frames", "engineio", "socketio", "messages")


def misbehave(wire: Wire) -> None:
    wire.socket.shutdown(socket.SHUT_WR)
    wire.wait()
