"""Sends random octets without end."""

from __future__ import annotations

import os

from tests.hostile.wire import Wire

STAGES = ("tcp", "head", "frames", "engineio", "socketio", "messages")


def misbehave(wire: Wire) -> None:
    wire.forever(os.urandom(65536))
