"""Sends a compressed message that is a thousand times as long unpacked."""

from __future__ import annotations

import zlib
from typing import Any

from tests.hostile.wire import Wire

STAGES = ("frames",)
DEFLATE = True
OVER = {"100-mib": (100, 1), "2-gib": (2000, 1), "fragments": (2000, 64), "many": (12, 0)}


def misbehave(wire: Wire, what: Any) -> None:
    size, parts = what
    packer = zlib.compressobj(9, wbits=-15)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    data = (block * size)[:-4]
    if not parts:  # each within the limit, and without end
        wire.forever(wire.frame_of(0xC2, data))
        return
    step = len(data) // parts + 1
    for number in range(parts):
        first = 0x42 if number == 0 and parts > 1 else 0xC2 if parts == 1 else 0x00
        last = 0x80 if number == parts - 1 and parts > 1 else 0
        wire.send(wire.frame_of(first | last, data[number * step : (number + 1) * step]))
    wire.wait()
