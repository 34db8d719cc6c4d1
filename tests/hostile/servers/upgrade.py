"""Answers the opening handshake with an invalid 101."""

from __future__ import annotations

from typing import Any

from tests.hostile.wire import Wire

LONG = "x" * 50_000
STAGES = ("head",)
OVER = {
    "bare": [],
    "wrong-accept": ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: x"],
    "long-accept": ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: " + LONG],
    "h2c": ["Upgrade: h2c", "Connection: Upgrade"],
}


def misbehave(wire: Wire, what: Any) -> None:
    wire.answer(["HTTP/1.1 101 Switching Protocols", *what])
    wire.wait()
