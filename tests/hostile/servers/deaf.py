"""Reads nothing more, and says nothing."""

from __future__ import annotations

import time

from tests.hostile.wire import LONGEST, Wire

STAGES = ("tcp", "head", "frames", "engineio", "socketio", "messages")


def misbehave(wire: Wire) -> None:
    time.sleep(LONGEST)
