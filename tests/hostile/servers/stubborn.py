"""Never answers a Close frame, and never ends the stream."""

from __future__ import annotations

from tests.hostile.wire import LONGEST, Wire

STAGES = ("frames",)
HARMLESS = ("stubborn[frames]",)


def misbehave(wire: Wire) -> None:
    wire.socket.settimeout(LONGEST)
    while wire.receive():
        pass
