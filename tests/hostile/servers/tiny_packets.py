"""Answers with a body of very many packets."""

from __future__ import annotations

from typing import Any

from tests.hostile.wire import Wire

STAGES = ("socketio", "messages")
OVER = {"pings": b"2", "noops": b"6", "events": b'42["x"]'}
PLAIN = False
HARMLESS = tuple(f"tiny_packets[{stage},{each}]" for stage in STAGES for each in OVER)


def misbehave(wire: Wire, what: Any) -> None:
    wire.respond(b"\x1e".join([what] * (10_000_000 // len(what)))) if wire.polling else wire.wait()
