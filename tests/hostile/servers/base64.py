"""Answers with binary packets that are not Base64."""

from __future__ import annotations

from typing import Any

from tests.hostile.wire import Wire

STAGES = ("socketio", "messages")
OVER = {"signs": b"b!!!!", "cut": b"bAAA", "large": b"b" + b"A" * (12 << 20)}
PLAIN = False
HARMLESS = tuple(f"base64[{stage},{each}]" for stage in STAGES for each in OVER)


def misbehave(wire: Wire, what: Any) -> None:
    wire.respond(what) if wire.polling else wire.wait()
