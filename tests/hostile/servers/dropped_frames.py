"""Drops frames of one kind unread, and serves all others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sockproof.wire.websocket import Frame, Opcode
from tests.hostile.wire import Wire

STAGES = ("frames",)
# Whether a frame is dropped, which belongs to the message of this number.
OVER: dict[str, Callable[[Frame, int], bool]] = {
    "empty-continuations": lambda frame, _: frame.opcode == Opcode.CONT and not frame.payload,
    "last-fragments": lambda frame, _: frame.opcode == Opcode.CONT and frame.fin,
    "every-other": lambda frame, number: not frame.opcode & 8 and number % 2 == 0,
}
# Clients of load runs send no fragments.
HARMLESS = ("dropped_frames[frames,empty-continuations]", "dropped_frames[frames,last-fragments]")


def misbehave(wire: Wire, drops: Callable[[Frame, int], bool]) -> None:
    heard: Callable[[], Frame] = wire.frame
    number = 0

    def frame() -> Frame:
        nonlocal number
        while True:
            one = heard()
            number += one.opcode in (Opcode.TEXT, Opcode.BINARY)
            if not drops(one, number):
                return one

    serving: Any = wire
    serving.frame, serving.clean = frame, True
    wire.serve_websocket(is_engineio=False)
