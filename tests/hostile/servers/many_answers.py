"""Answers one request with many answers."""

from __future__ import annotations

from tests.hostile.wire import Wire

STAGES = ("body",)


def misbehave(wire: Wire) -> None:
    wire.forever(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n6")
