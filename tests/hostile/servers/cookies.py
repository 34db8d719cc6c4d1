"""Sets cookies of four kilobytes with each answer, each time others."""

from __future__ import annotations

import time

from tests.hostile.wire import Wire

STAGES = ("head",)


def misbehave(wire: Wire) -> None:
    lines = [f"Set-Cookie: c{time.monotonic_ns()}-{number}={'v' * 4000}" for number in range(12)]
    body = b'0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000}'
    sid = wire.request_now is not None and "sid=" in wire.request_now.target
    wire.respond(b"6" if sid else body, "200 OK", *lines)
